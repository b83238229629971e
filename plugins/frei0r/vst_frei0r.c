/* The frei0r filter: frames in order, as hosts of frei0r give them, through the same client as the OpenFX plugin.
 *
 * A filter sees one frame at a time and no other, so a shot's start is found from the frame and the two before
 * it. frei0r has no way to say that something went wrong: the frame is passed through, and the message goes to
 * standard error, once, and to the log. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../client/pixels.h"
#include "../client/vst_client.h"
#include "frei0r_abi.h"

enum { STYLE, MODE, STRENGTH, KEEP_COLOR, STYLE_SCALE, DEVICE, WEIGHTS, SEED, PARAMETERS };

/* Numbers of frei0r are 0..1 by custom; those that are not go up to this. */
#define LARGEST_SCALE 10.0
#define LARGEST_SEED 1000000.0

static const f0r_param_info_t parameters[PARAMETERS] = {
    {"style", F0R_PARAM_STRING, "a style, or a blend such as candy:0.6+wave:0.4"},
    {"mode", F0R_PARAM_STRING, "vtn: paint sticks to what moves; itn: each frame for itself"},
    {"strength", F0R_PARAM_DOUBLE, "0 is the clip, 1 the painting"},
    {"keep_color", F0R_PARAM_BOOL, "the clip's own colours, only the paint is taken"},
    {"style_scale", F0R_PARAM_DOUBLE, "a tenth of the size of the strokes; 0 chooses as vst render does"},
    {"device", F0R_PARAM_STRING, "auto, cpu, cuda or cuda:1"},
    {"weights", F0R_PARAM_STRING, "a folder with weights, looked into first"},
    {"seed", F0R_PARAM_DOUBLE, "a millionth of the seed, for modes that draw random numbers"},
};

typedef struct filter {
    int width, height;
    long number;
    double values[PARAMETERS];
    char texts[PARAMETERS][VST_PATH];
    int complained;
} filter;

static atomic_long count;

int f0r_init(void)
{
    return 1;
}

void f0r_deinit(void)
{
    vst_close();
}

void f0r_get_plugin_info(f0r_plugin_info_t *info)
{
    f0r_plugin_info_t filled = {
        .name = "vst",
        .author = "the vst contributors",
        .plugin_type = F0R_PLUGIN_TYPE_FILTER,
        .color_model = F0R_COLOR_MODEL_RGBA8888,
        .frei0r_version = 1,
        .major_version = 1,
        .minor_version = 0,
        .num_params = PARAMETERS,
        .explanation = "Turns a clip into a painting that holds still",
    };
    *info = filled;
}

void f0r_get_param_info(f0r_param_info_t *info, int index)
{
    if (index >= 0 && index < PARAMETERS)
        *info = parameters[index];
}

f0r_instance_t f0r_construct(unsigned width, unsigned height)
{
    filter *made = calloc(1, sizeof *made);
    vst_config *config = malloc(sizeof *config);
    char message[VST_MESSAGE];
    if (made && config) {
        made->width = (int)width;
        made->height = (int)height;
        made->number = atomic_fetch_add(&count, 1);
        made->values[STRENGTH] = 1;
        /* Without a configuration the first frame says what is wrong. */
        if (!vst_read_config(config, message)) {
            snprintf(made->texts[STYLE], VST_PATH, "%s", config->style[0]);
            snprintf(made->texts[MODE], VST_PATH, "%s", config->mode[0]);
        }
        snprintf(made->texts[DEVICE], VST_PATH, "auto");
    }
    free(config);
    return made;
}

void f0r_destruct(f0r_instance_t instance)
{
    free(instance);
}

void f0r_set_param_value(f0r_instance_t instance, f0r_param_t value, int index)
{
    filter *it = instance;
    if (!it || !value || index < 0 || index >= PARAMETERS)
        return;
    if (parameters[index].type == F0R_PARAM_STRING) {
        const char *text = *(char **)value;
        /* An empty style, mode or device, as some hosts set at first, is the default. */
        if (text && (*text || index == WEIGHTS))
            snprintf(it->texts[index], VST_PATH, "%s", text);
    } else {
        it->values[index] = *(double *)value;
    }
}

void f0r_get_param_value(f0r_instance_t instance, f0r_param_t value, int index)
{
    filter *it = instance;
    if (!it || !value || index < 0 || index >= PARAMETERS)
        return;
    if (parameters[index].type == F0R_PARAM_STRING)
        *(char **)value = it->texts[index];
    else
        *(double *)value = it->values[index];
}

typedef struct job {
    vst_image in, out;
} job;

static int bring_frame(void *context, int index, float *planes, uint8_t hash[VST_HASH])
{
    (void)index;
    vst_read(&((job *)context)->in, planes, hash);
    return 0;
}

static void take_result(void *context, const float *planes)
{
    job *it = context;
    vst_write(planes, it->in.width, it->in.height, 0, 0, &it->in, &it->out);
}

void f0r_update(f0r_instance_t instance, double time, const uint32_t *in, uint32_t *out)
{
    filter *it = instance;
    if (!it)
        return;
    vst_image picture = {.data = (unsigned char *)(uintptr_t)in,
                         .row_bytes = (ptrdiff_t)it->width * 4,
                         .width = it->width,
                         .height = it->height,
                         .depth = VST_BYTE,
                         .components = 4};
    job work = {picture, picture};
    work.out.data = (unsigned char *)out;
    double strength = it->values[STRENGTH], seed = it->values[SEED];
    char message[VST_MESSAGE] = "";
    vst_outcome outcome = VST_FAILED;
    if (strength > 0) {
        vst_settings settings = {
            .width = it->width,
            .height = it->height,
            .time = time,
            .gap = 0, /* hosts count in seconds or in milliseconds */
            .style = it->texts[STYLE],
            .mode = it->texts[MODE],
            .device = it->texts[DEVICE],
            .weights = it->texts[WEIGHTS],
            .strength = strength < 1 ? strength : 1,
            .keep_color = it->values[KEEP_COLOR] >= 0.5,
            .style_scale = it->values[STYLE_SCALE] * LARGEST_SCALE,
            .seed = seed > 0 ? (int)((seed < 1 ? seed : 1) * LARGEST_SEED + 0.5) : 0,
            .limit = 1,
        };
        snprintf(settings.run, sizeof settings.run, "frei0r %ld", it->number);
        vst_callbacks callbacks = {.context = &work, .frame = bring_frame, .result = take_result};
        outcome = vst_paint(&settings, &callbacks, message);
    }
    if (outcome == VST_FAILED) {
        if (work.out.data != work.in.data)
            memcpy(work.out.data, work.in.data, (size_t)it->width * (size_t)it->height * 4);
        if (message[0] && !it->complained)
            fprintf(stderr, "%s\n", message);
        it->complained = message[0] != 0;
    }
}
