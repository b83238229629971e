/* The frei0r ABI, version 1.2: what this filter uses of it. Written from the public specification
 * (https://frei0r.dyne.org); the order of the members is the ABI. */
#ifndef VST_FREI0R_ABI_H
#define VST_FREI0R_ABI_H

#include <stdint.h>

enum { F0R_PLUGIN_TYPE_FILTER = 0 };
enum { F0R_COLOR_MODEL_RGBA8888 = 1 };
enum { F0R_PARAM_BOOL = 0, F0R_PARAM_DOUBLE = 1, F0R_PARAM_STRING = 4 };

typedef struct f0r_plugin_info {
    const char *name, *author;
    int plugin_type, color_model, frei0r_version, major_version, minor_version, num_params;
    const char *explanation;
} f0r_plugin_info_t;

typedef struct f0r_param_info {
    const char *name;
    int type;
    const char *explanation;
} f0r_param_info_t;

typedef void *f0r_instance_t;
typedef void *f0r_param_t;

#define F0R_EXPORT __attribute__((visibility("default")))

F0R_EXPORT int f0r_init(void);
F0R_EXPORT void f0r_deinit(void);
F0R_EXPORT void f0r_get_plugin_info(f0r_plugin_info_t *info);
F0R_EXPORT void f0r_get_param_info(f0r_param_info_t *info, int index);
F0R_EXPORT f0r_instance_t f0r_construct(unsigned width, unsigned height);
F0R_EXPORT void f0r_destruct(f0r_instance_t instance);
F0R_EXPORT void f0r_set_param_value(f0r_instance_t instance, f0r_param_t value, int index);
F0R_EXPORT void f0r_get_param_value(f0r_instance_t instance, f0r_param_t value, int index);
F0R_EXPORT void f0r_update(f0r_instance_t instance, double time, const uint32_t *in, uint32_t *out);

#endif
