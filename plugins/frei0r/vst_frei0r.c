/* The frei0r filter, which uses the same client as the OpenFX plugin.
 *
 * A filter is given one frame at a time, in order, so the worker detects cuts from the frame and the two before
 * it. frei0r cannot report errors: the frame passes through unchanged, and the error goes to the log and, once for each
 * kind of error, to standard error. When the instance ends it says how many frames passed through. */
#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../client/parameters.h"
#include "../client/pixels.h"
#include "../client/vst_client.h"
#include "frei0r_abi.h"
#include "host_lines.h"

#define AS_CONSTANT(constant, ...) constant,
enum { VST_FREI0R_PARAMETERS(AS_CONSTANT) PARAMETERS };

#define AS_INFO(constant, name, type, initial, full_scale, hint) [constant] = {name, type, hint},
static const f0r_param_info_t parameters[PARAMETERS] = {VST_FREI0R_PARAMETERS(AS_INFO)};

#define AS_INITIAL(constant, name, type, initial, full_scale, hint) [constant] = initial,
static const double initial_values[PARAMETERS] = {VST_FREI0R_PARAMETERS(AS_INITIAL)};

/* By convention numbers of frei0r are 0..1; this is what 1 stands for. */
#define AS_FULL_SCALE(constant, name, type, initial, full_scale, hint) [constant] = full_scale,
static const double full_scales[PARAMETERS] = {VST_FREI0R_PARAMETERS(AS_FULL_SCALE)};

#define KINDS 32 /* of errors that are told apart */

/* Times that hosts give, in seconds or milliseconds, even of a clock that counts from 1970, lie between these. Others
 * are no times: FFmpeg gives AV_NOPTS_VALUE where it copies a frame, as it does for most widths. */
#define EARLIEST -1e9
#define LATEST 9e15

typedef struct filter {
    int width, height;
    long number;
    double values[PARAMETERS];
    char texts[PARAMETERS][VST_PATH];
    double time, step; /* of the last frame, and the shortest step so far */
    long frames, failures;
    uint32_t reported[KINDS]; /* the kinds of the errors that were printed */
    int reported_count;
} filter;

static atomic_long instances;

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
        .explanation = "Stylizes a clip, stable over time",
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
    char error[VST_ERROR_SIZE];
    if (made && config) {
        made->width = (int)width;
        made->height = (int)height;
        made->number = atomic_fetch_add(&instances, 1);
        made->step = 1;
        memcpy(made->values, initial_values, sizeof made->values);
        /* Without a configuration the first render reports the error. */
        if (!vst_read_config(config, error)) {
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
    filter *it = instance;
    if (it && it->failures)
        fprintf(stderr, "vst: %ld of %ld frames passed through without being stylized\n", it->failures, it->frames);
    free(it);
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

/* The time to send: that of the host, or one step after the last frame if the host's makes no sense. */
static double time_of(filter *it, double time)
{
    if (!(time > EARLIEST && time < LATEST))
        time = it->frames ? it->time + it->step : 0;
    double step = time - it->time;
    if (it->frames && step > 0 && (step < it->step || it->frames == 1))
        it->step = step;
    return it->time = time;
}

/* A kind of error: its text without numbers. */
static uint32_t kind_of(const char *text)
{
    uint32_t kind = 2166136261u;
    for (; *text; text++)
        if (!isdigit((unsigned char)*text))
            kind = (kind ^ (unsigned char)*text) * 16777619u;
    return kind;
}

static void report(filter *it, const char *error)
{
    uint32_t kind = kind_of(error);
    it->failures++;
    for (int i = 0; i < it->reported_count; i++)
        if (it->reported[i] == kind)
            return;
    if (it->reported_count == KINDS)
        return;
    it->reported[it->reported_count++] = kind;
    fprintf(stderr, "%s\n", error);
}

/* Whether all numbers are numbers: hosts also read "nan" and "inf". */
static int check_numbers(const filter *it, char error[VST_ERROR_SIZE])
{
    for (int i = 0; i < PARAMETERS; i++) {
        if (parameters[i].type != F0R_PARAM_STRING && !isfinite(it->values[i])) {
            snprintf(error, VST_ERROR_SIZE, "vst: %s is not a number; set it to one between 0 and 1",
                     parameters[i].name);
            vst_log("%s", error);
            return -1;
        }
    }
    return 0;
}

typedef struct render_context {
    vst_image in, out;
} render_context;

static int give_frame(void *context, int index, float *planes, uint8_t hash[VST_HASH_SIZE])
{
    (void)index; /* the client has checked it */
    vst_read(&((render_context *)context)->in, planes, hash);
    return 0;
}

static void receive_result(void *context, const float *planes)
{
    render_context *it = context;
    vst_write(planes, it->in.width, it->in.height, 0, 0, &it->in, NULL, &it->out);
}

static vst_outcome stylize(filter *it, double time, render_context *context, char error[VST_ERROR_SIZE])
{
    char run[64];
    double strength = it->values[STRENGTH], seed = it->values[SEED];
    double interval = fmax(-1, fmin(it->values[KEYFRAME_INTERVAL], 2)); /* the worker refuses what is beyond 0..1 */
    snprintf(run, sizeof run, "frei0r %ld", it->number);
    vst_render_message request = {
        .editor = "frei0r",
        .run = run,
        .width = it->width,
        .height = it->height,
        .index = (int)(it->frames % INT_MAX),
        .time = time,
        .gap = 0, /* hosts count in seconds or in milliseconds */
        .style = it->texts[STYLE],
        .mode = it->texts[MODE],
        .device = it->texts[DEVICE],
        .weights = it->texts[WEIGHTS],
        .strength = strength < 1 ? strength : 1,
        .keep_color = it->values[KEEP_COLOR] >= 0.5,
        .keep_borders = it->values[KEEP_BORDERS] >= 0.5,
        .keyframe_interval = (int)lround(interval * full_scales[KEYFRAME_INTERVAL]),
        .look_ahead = 1, /* as far as the host allows: not at all */
        .style_scale = it->values[STYLE_SCALE] * full_scales[STYLE_SCALE],
        .seed = seed > 0 ? (int)((seed < 1 ? seed : 1) * full_scales[SEED] + 0.5) : 0,
        .limit = 1,
    };
    vst_callbacks callbacks = {.context = context, .frame = give_frame, .result = receive_result};
    return vst_stylize(&request, &callbacks, error);
}

void f0r_update(f0r_instance_t instance, double time, const uint32_t *in, uint32_t *out)
{
    filter *it = instance;
    if (!it || !in || !out)
        return;
    vst_image picture = {.data = (unsigned char *)(uintptr_t)in,
                         .row_bytes = line_bytes(__builtin_return_address(0), in, it->width, it->height),
                         .width = it->width,
                         .height = it->height,
                         .depth = VST_BYTE,
                         .components = 4};
    render_context context = {picture, picture};
    context.out.data = (unsigned char *)out;
    char error[VST_ERROR_SIZE] = "";
    vst_outcome outcome = VST_FAILED;
    time = time_of(it, time);
    if (!check_numbers(it, error) && it->values[STRENGTH] > 0)
        outcome = stylize(it, time, &context, error);
    if (outcome == VST_FAILED && out != in)
        vst_copy(0, 0, &context.in, &context.out);
    it->frames++;
    if (error[0])
        report(it, error);
}
