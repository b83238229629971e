/* What the files of the test host share. */
#ifndef VST_TESTHOST_H
#define VST_TESTHOST_H

#include <stdatomic.h>
#include <stdio.h>

#include "../client/pixels.h"
#include "../openfx/ofx.h"

#define GUARD 64 /* bytes around every picture */
#define GUARD_BYTE 0xa5
#define MOST_FRAMES 256
#define MOST_PARAMETERS 64
#define LARGEST_COUNT 160 /* values of a property */

/* ---- host.c ---- */

/* Ends the host with a message: the plugin broke a rule, or the command line is invalid. */
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* ---- options.c ---- */

enum { TEMPORAL_NO, TEMPORAL_YES, TEMPORAL_SAME };
enum { CHAINED_NOT, CHAINED_CALL, CHAINED_THREAD };

typedef struct host_options {
    vst_depth depth;
    int components, negative, pad, x, y, premultiplied, temporal, messages, progress, limited, chained;
    double scale, rate; /* a rate of 0 is not told */
    const char *name, *mask; /* the file of the mask; NULL: none is connected */
    int mask_components, mask_x, mask_y;
} host_options;

extern host_options options;

void configure(const char *option);
double decimal(const char *text);

/* ---- properties.c ---- */

typedef struct property {
    char *name;
    int count;
    char kind; /* i, d, s or p */
    int integer[4];
    double number[4];
    void *pointer[4];
    char *text[LARGEST_COUNT];
    struct property *next;
} property;

struct OfxPropertySetStruct {
    property *first;
};

extern const OfxPropertySuiteV1 property_suite;

OfxPropertySetHandle new_set(void);
void free_set(OfxPropertySetHandle set);

/* NULL if there is no such property and none is created. */
property *find_property(OfxPropertySetHandle set, const char *name, int create);

OfxStatus set_pointer(OfxPropertySetHandle s, const char *n, int i, void *v);
OfxStatus set_string(OfxPropertySetHandle s, const char *n, int i, const char *v);
OfxStatus set_double(OfxPropertySetHandle s, const char *n, int i, double v);
OfxStatus set_int(OfxPropertySetHandle s, const char *n, int i, int v);
OfxStatus get_pointer(OfxPropertySetHandle s, const char *n, int i, void **v);
OfxStatus get_string(OfxPropertySetHandle s, const char *n, int i, char **v);
OfxStatus get_double(OfxPropertySetHandle s, const char *n, int i, double *v);
OfxStatus get_int(OfxPropertySetHandle s, const char *n, int i, int *v);
OfxStatus set_doubles(OfxPropertySetHandle s, const char *n, int count, const double *v);
OfxStatus set_ints(OfxPropertySetHandle s, const char *n, int count, const int *v);
OfxStatus get_doubles(OfxPropertySetHandle s, const char *n, int count, double *v);

/* ---- pictures.c ---- */

typedef struct picture {
    unsigned char *memory, *before; /* with guards; `before` is a copy, to find writes */
    size_t size;
    unsigned char *bottom; /* the pointer that the host gives to the plugin */
    int row_bytes;
} picture;

extern int width, height, frames;
extern picture clip[MOST_FRAMES];
extern int missing[MOST_FRAMES]; /* frames that the clip has lost */

picture new_picture(void);
void free_picture(picture *it);

/* Fills a picture from float RGBA, and the reverse. */
void fill_picture(picture *it, const float *rgba);
void read_picture(const picture *it, float *rgba);

int guards_are_intact(const picture *it);

/* Reads all frames of a file into the clip; only the first, to frame `only`, if that is not negative. */
void read_clip(const char *path, int only);

/* The frames of the mask, float, of the size of the clip; NULL for those that it lacks. Read as the clip is. */
extern float *mask_frames[MOST_FRAMES];
void read_mask(const char *path, int only);
void free_mask(void);

/* ---- effects.c ---- */

struct OfxImageClipStruct {
    OfxPropertySetHandle properties;
    int is_output, is_mask;
    OfxImageEffectHandle upstream; /* the effect that renders its images; NULL for the clip itself */
};

typedef struct parameter {
    char *name, *type;
    OfxPropertySetHandle properties;
    int integer;
    double number;
    int is_animated; /* linear from `number` at time 0 to `later` at the last frame */
    double later;
    char text[4096];
} parameter;

struct OfxImageEffectStruct {
    OfxPropertySetHandle properties;
    parameter *parameters; /* those of the description */
    int count;
    struct OfxImageClipStruct source, output, mask;
    atomic_int progressing;
};

/* The render that this thread is in. */
typedef struct current_render {
    int time;
    picture *output;
} current_render;

extern _Thread_local current_render current;
extern atomic_int images;                /* given to the plugin and not released */
extern atomic_int abort_at_ms, aborting; /* when renders are aborted, and whether they are */
extern const OfxImageEffectSuiteV1 effect_suite;

int milliseconds(void);

/* Stands for functions that the plugin must not call. */
void unused(void);

/* ---- parameters.c ---- */

extern parameter described[MOST_PARAMETERS];
extern int described_count;
extern const OfxParameterSuiteV1 parameter_suite;

parameter *parameter_of(OfxImageEffectHandle effect, const char *name);

/* ---- messages.c ---- */

typedef struct message_suite_v1 {
    OfxStatus (*message)(void *handle, const char *type, const char *id, const char *format, ...);
} message_suite_v1;

extern char last_message[2048];
extern atomic_int progress_calls;
extern const OfxMessageSuiteV2 message_suite;
extern const message_suite_v1 message_suite_1;
extern const OfxProgressSuiteV1 progress_suite_1;
extern const OfxProgressSuiteV2 progress_suite_2;

/* ---- plugin.c ---- */

extern OfxPlugin *plugin;
extern struct OfxImageEffectStruct descriptor;
extern OfxImageEffectHandle instance, upstream;

void load_plugin(const char *path);
void unload_plugin(void);
void create_instance(void);
void destroy_instance(void);

OfxStatus call_plugin(const char *action, const void *handle, OfxPropertySetHandle in, OfxPropertySetHandle out);

/* Calls the plugin; ends the host if the action fails. */
void must_call(const char *action, const void *handle, OfxPropertySetHandle in, OfxPropertySetHandle out);

/* Tells the instance that a parameter or a clip changed. */
void notify_changed(const char *type, const char *name);

/* ---- rendering.c ---- */

extern int interactive, fresh_instances, window[4];
extern FILE *output;

OfxStatus render_to(OfxImageEffectHandle effect, int time, picture *target, double *seconds);

/* Renders frames in turn, or on `threads` threads if that is positive, and prints the reply. */
void render(const int *times, int count, int threads);

#endif
