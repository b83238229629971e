/* A host for the OpenFX plugin, for tests: it does what hosts were seen to do, at its worst.
 *
 *     vst_ofx_host PLUGIN.ofx CLIP WIDTH HEIGHT OUTPUT [OPTION...]
 *
 * CLIP is raw float RGBA, top row first, not premultiplied, frame after frame. The host reads commands from
 * standard input, one a line, and answers each with one line:
 *
 *     render T...            render frames, each in turn; OUTPUT gets each as float RGBA, as CLIP. The answer
 *                            has each one's status, and the seconds that the render action took
 *     threads N T...         the same on N threads at once, on one instance
 *     set NAME VALUE         a parameter; the instance is told
 *     change T FILE          frame T of the clip becomes the first of another file; nobody is told
 *     told                   the instance is told that its clip changed
 *     instance               destroy the instance, create another
 *     fresh 0|1              one instance a frame
 *     interactive 0|1        render as for somebody at a screen
 *     missing T              the clip has no frame T any more
 *     abort MS               the next render is aborted after so many milliseconds
 *     window X1 Y1 X2 Y2     render windows, relative to the image
 *     identity T, needed T   what the plugin answers
 *     purge                  caches
 *     reload                 unload everything and load it again
 *     describe               what the plugin said of itself
 *
 * Options: depth=byte|short|half|float components=RGBA|RGB|Alpha rows=negative pad=BYTES origin=X,Y
 * premultiplied=1 temporal=yes|no|same scale=S name=HOST messages=0|1|2 progress=0|1|2 poor=1
 * chained=call|thread: the clip goes through another instance first, which is rendered when an image of it is
 * asked for, there and then or in a thread of its own
 *
 * Images lie between guard bytes, rows are padded, and both are looked at after every render, as is whether
 * sources are unchanged and every image was released. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../client/pixels.h"
#include "../openfx/ofx.h"

#define GUARD 64
#define GUARD_BYTE 0xa5
#define MOST_FRAMES 256
#define MOST_PARAMETERS 64
#define MOST_VALUES 160

static void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("host: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(70);
}

/* ---- property sets ---- */

typedef struct property {
    char *name;
    int count;
    char kind; /* i, d, s or p */
    int whole[4];
    double number[4];
    void *pointer[4];
    char *text[MOST_VALUES];
    struct property *next;
} property;

struct OfxPropertySetStruct {
    property *first;
};

static pthread_mutex_t properties = PTHREAD_MUTEX_INITIALIZER;

static property *find(OfxPropertySetHandle set, const char *name, int make)
{
    for (property *it = set->first; it; it = it->next)
        if (!strcmp(it->name, name))
            return it;
    if (!make)
        return NULL;
    property *it = calloc(1, sizeof *it);
    it->name = strdup(name);
    it->next = set->first;
    return set->first = it;
}

static OfxPropertySetHandle new_set(void)
{
    return calloc(1, sizeof(struct OfxPropertySetStruct));
}

static void free_set(OfxPropertySetHandle set)
{
    for (property *it = set->first, *next; it; it = next) {
        next = it->next;
        for (int i = 0; i < MOST_VALUES; i++)
            free(it->text[i]);
        free(it->name);
        free(it);
    }
    free(set);
}

static OfxStatus put(OfxPropertySetHandle set, const char *name, int index, char kind, const void *value)
{
    if (!set)
        return kOfxStatErrBadHandle;
    if (index < 0 || index >= (kind == 's' ? MOST_VALUES : 4))
        return kOfxStatErrBadIndex;
    pthread_mutex_lock(&properties);
    property *it = find(set, name, 1);
    it->kind = kind;
    if (index >= it->count)
        it->count = index + 1;
    if (kind == 'i')
        memcpy(&it->whole[index], value, sizeof(int));
    else if (kind == 'd')
        memcpy(&it->number[index], value, sizeof(double));
    else if (kind == 'p')
        memcpy(&it->pointer[index], value, sizeof(void *));
    else {
        free(it->text[index]);
        it->text[index] = strdup(value);
    }
    pthread_mutex_unlock(&properties);
    return kOfxStatOK;
}

static OfxStatus get(OfxPropertySetHandle set, const char *name, int index, char kind, void *value)
{
    if (!set)
        return kOfxStatErrBadHandle;
    OfxStatus status = kOfxStatErrUnknown;
    pthread_mutex_lock(&properties);
    property *it = find(set, name, 0);
    if (it && it->kind == kind) {
        status = index >= 0 && index < it->count ? kOfxStatOK : kOfxStatErrBadIndex;
        if (status == kOfxStatOK && kind == 'i')
            memcpy(value, &it->whole[index], sizeof(int));
        else if (status == kOfxStatOK && kind == 'd')
            memcpy(value, &it->number[index], sizeof(double));
        else if (status == kOfxStatOK && kind == 'p')
            memcpy(value, &it->pointer[index], sizeof(void *));
        else if (status == kOfxStatOK)
            memcpy(value, &it->text[index], sizeof(char *));
    }
    pthread_mutex_unlock(&properties);
    return status;
}

static OfxStatus set_pointer(OfxPropertySetHandle s, const char *n, int i, void *v) { return put(s, n, i, 'p', &v); }
static OfxStatus set_string(OfxPropertySetHandle s, const char *n, int i, const char *v)
{
    return v ? put(s, n, i, 's', v) : kOfxStatErrValue;
}
static OfxStatus set_double(OfxPropertySetHandle s, const char *n, int i, double v) { return put(s, n, i, 'd', &v); }
static OfxStatus set_int(OfxPropertySetHandle s, const char *n, int i, int v) { return put(s, n, i, 'i', &v); }
static OfxStatus get_pointer(OfxPropertySetHandle s, const char *n, int i, void **v) { return get(s, n, i, 'p', v); }
static OfxStatus get_string(OfxPropertySetHandle s, const char *n, int i, char **v) { return get(s, n, i, 's', v); }
static OfxStatus get_double(OfxPropertySetHandle s, const char *n, int i, double *v) { return get(s, n, i, 'd', v); }
static OfxStatus get_int(OfxPropertySetHandle s, const char *n, int i, int *v) { return get(s, n, i, 'i', v); }

#define SEVERAL(NAME, ONE, TYPE)                                                              \
    static OfxStatus NAME(OfxPropertySetHandle s, const char *n, int count, TYPE *v)          \
    {                                                                                         \
        OfxStatus status = kOfxStatOK;                                                        \
        for (int i = 0; i < count && status == kOfxStatOK; i++)                               \
            status = ONE;                                                                     \
        return status;                                                                        \
    }
SEVERAL(set_pointers, set_pointer(s, n, i, v[i]), void *const)
SEVERAL(set_strings, set_string(s, n, i, v[i]), const char *const)
SEVERAL(set_doubles, set_double(s, n, i, v[i]), const double)
SEVERAL(set_ints, set_int(s, n, i, v[i]), const int)
SEVERAL(get_pointers, get_pointer(s, n, i, &v[i]), void *)
SEVERAL(get_strings, get_string(s, n, i, &v[i]), char *)
SEVERAL(get_doubles, get_double(s, n, i, &v[i]), double)
SEVERAL(get_ints, get_int(s, n, i, &v[i]), int)

static OfxStatus reset(OfxPropertySetHandle set, const char *name)
{
    pthread_mutex_lock(&properties);
    property *it = find(set, name, 0);
    if (it)
        it->count = 0;
    pthread_mutex_unlock(&properties);
    return it ? kOfxStatOK : kOfxStatErrUnknown;
}

static OfxStatus dimension(OfxPropertySetHandle set, const char *name, int *count)
{
    pthread_mutex_lock(&properties);
    property *it = find(set, name, 0);
    *count = it ? it->count : 0;
    pthread_mutex_unlock(&properties);
    return it ? kOfxStatOK : kOfxStatErrUnknown;
}

static const OfxPropertySuiteV1 property_suite = {
    set_pointer, set_string, set_double, set_int, set_pointers, set_strings, set_doubles, set_ints, get_pointer,
    get_string, get_double, get_int, get_pointers, get_strings, get_doubles, get_ints, reset, dimension};

/* ---- what the host is like ---- */

static struct {
    vst_depth depth;
    int components, negative, pad, x, y, premultiplied, temporal, messages, progress, poor, chained;
    double scale;
    const char *name;
} like = {VST_FLOAT, 4, 0, 0, 0, 0, 0, 1, 2, 2, 0, 0, 1, "vst test host"};

enum { TEMPORAL_NO, TEMPORAL_YES, TEMPORAL_SAME };
enum { CHAINED_NOT, CHAINED_CALL, CHAINED_THREAD };

/* ---- images ---- */

typedef struct picture {
    unsigned char *memory, *before;
    size_t size;
    unsigned char *bottom; /* what the host hands out */
    int row_bytes;
} picture;

static int width, height, frames;
static picture clip[MOST_FRAMES];
static int missing[MOST_FRAMES];
static atomic_int images;

static vst_image view_of(const picture *it)
{
    vst_image view = {.data = it->bottom + (ptrdiff_t)(height - 1) * it->row_bytes,
                      .row_bytes = -(ptrdiff_t)it->row_bytes,
                      .width = width,
                      .height = height,
                      .depth = like.depth,
                      .components = like.components,
                      .premultiplied = like.premultiplied};
    return view;
}

static picture new_picture(void)
{
    vst_image shape = {.depth = like.depth, .components = like.components};
    size_t row = (size_t)width * (size_t)vst_pixel_bytes(&shape) + (size_t)like.pad;
    picture it = {.size = row * (size_t)height + 2 * GUARD};
    it.memory = malloc(it.size);
    memset(it.memory, GUARD_BYTE, it.size);
    it.bottom = it.memory + GUARD + (like.negative ? row * (size_t)(height - 1) : 0);
    it.row_bytes = like.negative ? -(int)row : (int)row;
    return it;
}

static void free_picture(picture *it)
{
    free(it->memory);
    free(it->before);
    memset(it, 0, sizeof *it);
}

/* Whether all bytes that are no pixels are as they were. */
static int untouched(const picture *it)
{
    vst_image view = view_of(it);
    size_t pixels = (size_t)width * (size_t)vst_pixel_bytes(&view), row = pixels + (size_t)like.pad;
    for (size_t i = 0; i < it->size; i++) {
        size_t inside = i - GUARD;
        if (i >= GUARD && i < it->size - GUARD && inside % row < pixels)
            continue;
        if (it->memory[i] != GUARD_BYTE)
            return 0;
    }
    return 1;
}

static void put_sample(unsigned char *at, double value)
{
    float single = (float)value;
    uint16_t two = vst_to_half(single);
    value = value < 0 ? 0 : value > 1 ? 1 : value;
    if (like.depth == VST_FLOAT)
        memcpy(at, &single, sizeof single);
    else if (like.depth == VST_HALF)
        memcpy(at, &two, sizeof two);
    else if (like.depth == VST_BYTE)
        *at = (unsigned char)(value * 255 + 0.5);
    else {
        two = (uint16_t)(value * 65535 + 0.5);
        memcpy(at, &two, sizeof two);
    }
}

static double get_sample(const unsigned char *at)
{
    float single;
    uint16_t two;
    memcpy(&two, at, like.depth == VST_BYTE ? 1 : sizeof two);
    if (like.depth == VST_FLOAT) {
        memcpy(&single, at, sizeof single);
        return single;
    }
    return like.depth == VST_HALF ? vst_from_half(two) : like.depth == VST_BYTE ? *at / 255.0 : two / 65535.0;
}

static int sample_bytes(void)
{
    return like.depth == VST_FLOAT ? 4 : like.depth == VST_BYTE ? 1 : 2;
}

static void fill_picture(picture *it, const float *rgba)
{
    vst_image view = view_of(it);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++, rgba += 4) {
            unsigned char *at = view.data + y * view.row_bytes + (ptrdiff_t)x * vst_pixel_bytes(&view);
            for (int c = 0; c < like.components; c++) {
                double value = like.components == 1 ? rgba[3] : rgba[c];
                if (like.premultiplied && c < 3 && like.components == 4)
                    value *= rgba[3];
                put_sample(at + c * sample_bytes(), value);
            }
        }
    it->before = realloc(it->before, it->size);
    memcpy(it->before, it->memory, it->size);
}

static void read_picture(const picture *it, float *rgba)
{
    vst_image view = view_of(it);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++, rgba += 4) {
            const unsigned char *at = view.data + y * view.row_bytes + (ptrdiff_t)x * vst_pixel_bytes(&view);
            double alpha = like.components == 3 ? 1 : get_sample(at + (like.components - 1) * sample_bytes());
            for (int c = 0; c < 3; c++) {
                double value = like.components == 1 ? 0 : get_sample(at + c * sample_bytes());
                rgba[c] = (float)(like.premultiplied && alpha > 0 && like.components == 4 ? value / alpha : value);
            }
            rgba[3] = (float)alpha;
        }
}

/* ---- effects, clips, parameters ---- */

typedef struct parameter {
    char *name, *type;
    OfxPropertySetHandle properties;
    int whole;
    double number;
    char text[4096];
} parameter;

struct OfxImageClipStruct {
    OfxPropertySetHandle properties;
    int is_output;
    struct OfxImageEffectStruct *upstream; /* what paints its images, if any */
};

struct OfxImageEffectStruct {
    OfxPropertySetHandle properties;
    parameter *parameters; /* those of the description */
    int count;
    struct OfxImageClipStruct source, output;
    atomic_int progressing;
};

static parameter described[MOST_PARAMETERS];
static int described_count;
static _Thread_local struct { int time; picture *output; } now;
static atomic_int abort_at_ms, aborting;
static atomic_int progress_calls;
static char last_message[2048];
static pthread_mutex_t messages = PTHREAD_MUTEX_INITIALIZER;

static int milliseconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int)((time.tv_sec % 100000) * 1000 + time.tv_nsec / 1000000);
}

static OfxStatus effect_properties(OfxImageEffectHandle effect, OfxPropertySetHandle *found)
{
    *found = effect->properties;
    return kOfxStatOK;
}

static OfxStatus effect_parameters(OfxImageEffectHandle effect, OfxParamSetHandle *found)
{
    *found = (OfxParamSetHandle)(void *)effect;
    return kOfxStatOK;
}

static OfxStatus define_clip(OfxImageEffectHandle effect, const char *name, OfxPropertySetHandle *found)
{
    *found = strcmp(name, "Output") ? effect->source.properties : effect->output.properties;
    return kOfxStatOK;
}

static OfxStatus clip_handle(OfxImageEffectHandle effect, const char *name, OfxImageClipHandle *found,
                             OfxPropertySetHandle *set)
{
    *found = strcmp(name, "Output") ? &effect->source : &effect->output;
    if (set)
        *set = (*found)->properties;
    return kOfxStatOK;
}

static OfxStatus clip_properties(OfxImageClipHandle it, OfxPropertySetHandle *found)
{
    *found = it->properties;
    return kOfxStatOK;
}

static OfxStatus render_to(struct OfxImageEffectStruct *effect, int time, picture *target, double *seconds);

typedef struct errand {
    struct OfxImageEffectStruct *effect;
    int time;
    picture *target;
    OfxStatus status;
} errand;

static void *run_errand(void *argument)
{
    errand *it = argument;
    double seconds;
    it->status = render_to(it->effect, it->time, it->target, &seconds);
    return NULL;
}

/* A frame as the effect upstream paints it; NULL where it fails. */
static picture *upstream_picture(struct OfxImageEffectStruct *effect, int time)
{
    picture *made = malloc(sizeof *made);
    *made = new_picture();
    errand it = {effect, time, made, kOfxStatFailed};
    pthread_t id;
    if (like.chained == CHAINED_CALL) {
        run_errand(&it);
    } else {
        pthread_create(&id, NULL, run_errand, &it);
        pthread_join(id, NULL);
    }
    if (it.status == kOfxStatOK)
        return made;
    free_picture(made);
    free(made);
    return NULL;
}

static OfxStatus clip_image(OfxImageClipHandle it, OfxTime time, const OfxRectD *region, OfxPropertySetHandle *found)
{
    static const char *const depths[] = {kOfxBitDepthByte, kOfxBitDepthShort, kOfxBitDepthHalf, kOfxBitDepthFloat};
    (void)region;
    int frame = (int)time;
    const picture *from = now.output;
    picture *made = NULL;
    if (!it->is_output) {
        if (like.temporal == TEMPORAL_SAME)
            frame = now.time;
        if (frame < 0 || frame >= frames || missing[frame] || (like.temporal == TEMPORAL_NO && frame != now.time))
            return kOfxStatFailed;
        from = it->upstream ? made = upstream_picture(it->upstream, frame) : &clip[frame];
        if (!from)
            return kOfxStatFailed;
    }
    OfxPropertySetHandle set = new_set();
    if (made)
        set_pointer(set, "made", 0, made);
    int bounds[4] = {like.x, like.y, like.x + width, like.y + height};
    set_pointer(set, kOfxImagePropData, 0, from->bottom);
    set_ints(set, kOfxImagePropBounds, 4, bounds);
    set_int(set, kOfxImagePropRowBytes, 0, from->row_bytes);
    set_string(set, kOfxImageEffectPropPixelDepth, 0, depths[like.depth]);
    set_string(set, kOfxImageEffectPropComponents, 0,
               like.components == 4   ? kOfxImageComponentRGBA
               : like.components == 3 ? kOfxImageComponentRGB
                                      : kOfxImageComponentAlpha);
    set_string(set, kOfxImageEffectPropPreMultiplication, 0,
               like.components == 3  ? kOfxImageOpaque
               : like.premultiplied ? kOfxImagePreMultiplied
                                    : kOfxImageUnPreMultiplied);
    atomic_fetch_add(&images, 1);
    *found = set;
    return kOfxStatOK;
}

static OfxStatus release_image(OfxPropertySetHandle image)
{
    void *made = NULL;
    if (get_pointer(image, "made", 0, &made) == kOfxStatOK) {
        free_picture(made);
        free(made);
    }
    free_set(image);
    atomic_fetch_sub(&images, 1);
    return kOfxStatOK;
}

static OfxStatus clip_region(OfxImageClipHandle it, OfxTime time, OfxRectD *bounds)
{
    (void)it, (void)time;
    OfxRectD found = {like.x, like.y, like.x + width, like.y + height};
    *bounds = found;
    return kOfxStatOK;
}

static int abort_wanted(OfxImageEffectHandle effect)
{
    (void)effect;
    return atomic_load(&aborting) && milliseconds() >= atomic_load(&abort_at_ms);
}

static void unused(void) { die("a function was called that the plugin does not declare"); }

static const OfxImageEffectSuiteV1 effect_suite = {
    effect_properties, effect_parameters, define_clip,  clip_handle, clip_properties, clip_image, release_image,
    clip_region,       abort_wanted,      unused,       unused,      unused,          unused};

static OfxStatus define_parameter(OfxParamSetHandle set, const char *type, const char *name,
                                  OfxPropertySetHandle *found)
{
    (void)set;
    if (like.poor && !strcmp(type, kOfxParamTypeString))
        return kOfxStatErrUnsupported;
    for (int i = 0; i < described_count; i++)
        if (!strcmp(described[i].name, name))
            return kOfxStatErrExists;
    if (described_count == MOST_PARAMETERS)
        die("too many parameters");
    parameter *it = &described[described_count++];
    memset(it, 0, sizeof *it);
    it->name = strdup(name);
    it->type = strdup(type);
    it->properties = new_set();
    if (found)
        *found = it->properties;
    return kOfxStatOK;
}

static parameter *parameter_of(OfxImageEffectHandle effect, const char *name)
{
    for (int i = 0; i < effect->count; i++)
        if (!strcmp(effect->parameters[i].name, name))
            return &effect->parameters[i];
    return NULL;
}

static OfxStatus parameter_handle(OfxParamSetHandle set, const char *name, OfxParamHandle *found,
                                  OfxPropertySetHandle *properties_found)
{
    parameter *it = parameter_of((OfxImageEffectHandle)(void *)set, name);
    if (!it)
        return kOfxStatErrUnknown;
    *found = (OfxParamHandle)(void *)it;
    if (properties_found)
        *properties_found = it->properties;
    return kOfxStatOK;
}

static OfxStatus set_properties(OfxParamSetHandle set, OfxPropertySetHandle *found)
{
    *found = ((OfxImageEffectHandle)(void *)set)->properties;
    return kOfxStatOK;
}

static OfxStatus parameter_properties(OfxParamHandle it, OfxPropertySetHandle *found)
{
    *found = ((parameter *)(void *)it)->properties;
    return kOfxStatOK;
}

static OfxStatus take_value(OfxParamHandle handle, va_list arguments)
{
    parameter *it = (parameter *)(void *)handle;
    if (like.poor && !strcmp(it->type, kOfxParamTypeChoice))
        return kOfxStatErrUnsupported;
    if (!strcmp(it->type, kOfxParamTypeDouble))
        *va_arg(arguments, double *) = it->number;
    else if (!strcmp(it->type, kOfxParamTypeString))
        *va_arg(arguments, char **) = it->text;
    else
        *va_arg(arguments, int *) = it->whole;
    return kOfxStatOK;
}

static OfxStatus value(OfxParamHandle handle, ...)
{
    va_list arguments;
    va_start(arguments, handle);
    OfxStatus status = take_value(handle, arguments);
    va_end(arguments);
    return status;
}

static OfxStatus value_at(OfxParamHandle handle, OfxTime time, ...)
{
    va_list arguments;
    va_start(arguments, time);
    OfxStatus status = take_value(handle, arguments);
    va_end(arguments);
    return status;
}

static const OfxParameterSuiteV1 parameter_suite = {
    define_parameter, parameter_handle, set_properties, parameter_properties, value,  value_at, unused,
    unused,           unused,           unused,         unused,               unused, unused,   unused,
    unused,           unused,           unused,         unused};

static void keep_message(const char *type, const char *format, va_list arguments)
{
    pthread_mutex_lock(&messages);
    int length = snprintf(last_message, sizeof last_message, "%s: ", type);
    vsnprintf(last_message + length, sizeof last_message - (size_t)length, format, arguments);
    pthread_mutex_unlock(&messages);
}

static OfxStatus show(void *handle, const char *type, const char *id, const char *format, ...)
{
    (void)handle, (void)id;
    va_list arguments;
    va_start(arguments, format);
    keep_message(type, format, arguments);
    va_end(arguments);
    return kOfxStatOK;
}

static OfxStatus clear_message(void *handle)
{
    (void)handle;
    pthread_mutex_lock(&messages);
    last_message[0] = 0;
    pthread_mutex_unlock(&messages);
    return kOfxStatOK;
}

static const OfxMessageSuiteV2 message_suite = {show, show, clear_message};
static const struct { OfxStatus (*message)(void *, const char *, const char *, const char *, ...); } message_suite_1 = {
    show};

static OfxStatus progress_start_2(void *instance, const char *label, const char *id)
{
    (void)label, (void)id;
    if (atomic_fetch_add(&((OfxImageEffectHandle)instance)->progressing, 1))
        die("progress was started twice");
    return kOfxStatOK;
}

static OfxStatus progress_start_1(void *instance, const char *label)
{
    return progress_start_2(instance, label, "");
}

static OfxStatus progress_update(void *instance, double part)
{
    if (atomic_load(&((OfxImageEffectHandle)instance)->progressing) != 1 || !(part >= 0 && part <= 1))
        die("progress %g without a start", part);
    atomic_fetch_add(&progress_calls, 1);
    return kOfxStatOK;
}

static OfxStatus progress_end(void *instance)
{
    if (atomic_fetch_sub(&((OfxImageEffectHandle)instance)->progressing, 1) != 1)
        die("progress ended without a start");
    return kOfxStatOK;
}

static const OfxProgressSuiteV1 progress_suite_1 = {progress_start_1, progress_update, progress_end};
static const OfxProgressSuiteV2 progress_suite_2 = {progress_start_2, progress_update, progress_end};

static const void *fetch_suite(OfxPropertySetHandle host, const char *name, int version)
{
    (void)host;
    if (!strcmp(name, kOfxPropertySuite) && version == 1)
        return &property_suite;
    if (!strcmp(name, kOfxImageEffectSuite) && version == 1)
        return &effect_suite;
    if (!strcmp(name, kOfxParameterSuite) && version == 1)
        return &parameter_suite;
    if (!strcmp(name, kOfxMessageSuite) && version == like.messages)
        return version == 2 ? (const void *)&message_suite : &message_suite_1;
    if (!strcmp(name, kOfxProgressSuite) && version == like.progress)
        return version == 2 ? (const void *)&progress_suite_2 : &progress_suite_1;
    return NULL;
}

/* ---- the plugin ---- */

static OfxHost host = {.fetchSuite = fetch_suite};
static void *library;
static OfxPlugin *plugin;
static struct OfxImageEffectStruct descriptor, *instance, *upstream;

static OfxStatus act(const char *action, const void *handle, OfxPropertySetHandle in, OfxPropertySetHandle out)
{
    return plugin->mainEntry(action, handle, in, out);
}

static void need(const char *action, const void *handle, OfxPropertySetHandle in, OfxPropertySetHandle out)
{
    OfxStatus status = act(action, handle, in, out);
    if (status != kOfxStatOK && status != kOfxStatReplyDefault)
        die("%s failed with %d", action, status);
}

static void init_effect(struct OfxImageEffectStruct *effect)
{
    memset(effect, 0, sizeof *effect);
    effect->properties = new_set();
    effect->source.properties = new_set();
    effect->output.properties = new_set();
    effect->output.is_output = 1;
    double range[2] = {0, frames - 1};
    set_doubles(effect->source.properties, kOfxImageEffectPropFrameRange, 2, range);
}

static void free_effect(struct OfxImageEffectStruct *effect)
{
    free_set(effect->properties);
    free_set(effect->source.properties);
    free_set(effect->output.properties);
    free(effect->parameters);
}

static void load_plugin(const char *path)
{
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        die("%s", dlerror());
    int (*count)(void);
    OfxPlugin *(*get_plugin)(int);
    *(void **)&count = dlsym(library, "OfxGetNumberOfPlugins");
    *(void **)&get_plugin = dlsym(library, "OfxGetPlugin");
    if (!count || !get_plugin || count() != 1)
        die("the library has no plugin");
    plugin = get_plugin(0);
    if (strcmp(plugin->pluginApi, kOfxImageEffectPluginApi) != 0 || plugin->apiVersion != 1 || get_plugin(1))
        die("the plugin is of another kind");
    host.host = new_set();
    set_string(host.host, kOfxPropName, 0, like.name);
    set_int(host.host, kOfxImageEffectPropTemporalClipAccess, 0, like.temporal != TEMPORAL_NO);
    plugin->setHost(&host);
    need(kOfxActionLoad, NULL, NULL, NULL);
    init_effect(&descriptor);
    need(kOfxActionDescribe, &descriptor, NULL, NULL);
    OfxPropertySetHandle in = new_set();
    set_string(in, kOfxImageEffectPropContext, 0, kOfxImageEffectContextFilter);
    need(kOfxImageEffectActionDescribeInContext, &descriptor, in, NULL);
    free_set(in);
    if (act("an action of a later version", &descriptor, NULL, NULL) != kOfxStatReplyDefault)
        die("an unknown action was not left alone");
}

static struct OfxImageEffectStruct *create_effect(struct OfxImageEffectStruct *before)
{
    struct OfxImageEffectStruct *made = calloc(1, sizeof *made);
    init_effect(made);
    made->source.upstream = before;
    made->parameters = calloc(MOST_PARAMETERS, sizeof *made->parameters);
    made->count = described_count;
    for (int i = 0; i < described_count; i++) {
        parameter *it = &made->parameters[i];
        *it = described[i];
        char *text = NULL;
        get_int(it->properties, kOfxParamPropDefault, 0, &it->whole);
        get_double(it->properties, kOfxParamPropDefault, 0, &it->number);
        if (get_string(it->properties, kOfxParamPropDefault, 0, &text) == kOfxStatOK)
            snprintf(it->text, sizeof it->text, "%s", text);
    }
    need(kOfxActionCreateInstance, made, NULL, NULL);
    OfxPropertySetHandle out = new_set();
    need(kOfxImageEffectActionGetClipPreferences, made, NULL, out);
    free_set(out);
    return made;
}

static void destroy_effect(struct OfxImageEffectStruct *effect)
{
    if (!effect)
        return;
    need(kOfxActionSyncPrivateData, effect, NULL, NULL);
    need(kOfxActionDestroyInstance, effect, NULL, NULL);
    free_effect(effect);
    free(effect);
}

static void create_instance(void)
{
    upstream = like.chained ? create_effect(NULL) : NULL;
    instance = create_effect(upstream);
}

static void destroy_instance(void)
{
    destroy_effect(instance);
    destroy_effect(upstream);
    instance = upstream = NULL;
}

static void unload_plugin(void)
{
    need(kOfxActionUnload, NULL, NULL, NULL);
    free_effect(&descriptor);
    for (int i = 0; i < described_count; i++) {
        free(described[i].name);
        free(described[i].type);
        free_set(described[i].properties);
    }
    described_count = 0;
    free_set(host.host);
    dlclose(library);
}

static void tell(const char *type, const char *name)
{
    OfxPropertySetHandle in = new_set();
    set_string(in, kOfxPropType, 0, type);
    set_string(in, kOfxPropName, 0, name);
    set_string(in, kOfxPropChangeReason, 0, "OfxChangeUserEdited");
    set_double(in, kOfxPropTime, 0, 0);
    need(kOfxActionInstanceChanged, instance, in, NULL);
    free_set(in);
}

/* ---- rendering ---- */

static int interactive, fresh, window[4];
static FILE *output;
static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;

static OfxStatus render_to(struct OfxImageEffectStruct *effect, int time, picture *target, double *seconds)
{
    /* Renders may be nested in a thread. */
    int time_before = now.time;
    picture *output_before = now.output;
    now.time = time;
    now.output = target;
    OfxPropertySetHandle in = new_set();
    double scale[2] = {like.scale, like.scale};
    int whole[4] = {like.x, like.y, like.x + width, like.y + height};
    int part[4] = {like.x + window[0], like.y + window[1], like.x + window[2], like.y + window[3]};
    set_double(in, kOfxPropTime, 0, time);
    set_ints(in, kOfxImageEffectPropRenderWindow, 4, effect == instance && window[2] ? part : whole);
    set_doubles(in, kOfxImageEffectPropRenderScale, 2, scale);
    set_int(in, kOfxImageEffectPropInteractiveRenderStatus, 0, interactive);
    set_int(in, kOfxImageEffectPropSequentialRenderStatus, 0, 1);
    need(kOfxImageEffectActionBeginSequenceRender, effect, in, NULL);
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    OfxStatus status = act(kOfxImageEffectActionRender, effect, in, NULL);
    clock_gettime(CLOCK_MONOTONIC, &after);
    *seconds = (double)(after.tv_sec - before.tv_sec) + 1e-9 * (double)(after.tv_nsec - before.tv_nsec);
    need(kOfxImageEffectActionEndSequenceRender, effect, in, NULL);
    free_set(in);
    if (!untouched(target))
        die("frame %d: bytes outside of the picture were written", time);
    now.time = time_before;
    now.output = output_before;
    return status;
}

static OfxStatus render_frame(int time, float *rgba, double *seconds)
{
    picture target = new_picture();
    OfxStatus status = render_to(instance, time, &target, seconds);
    read_picture(&target, rgba);
    free_picture(&target);
    return status;
}

static void look_at_sources(void)
{
    if (atomic_load(&images))
        die("%d images were not released", atomic_load(&images));
    if (atomic_load(&instance->progressing) || (upstream && atomic_load(&upstream->progressing)))
        die("progress was not ended");
    for (int i = 0; i < frames; i++)
        if (memcmp(clip[i].memory, clip[i].before, clip[i].size) != 0)
            die("frame %d of the source was written to", i);
}

typedef struct task {
    const int *times;
    int count;
    atomic_int *next;
    float *pictures;
    int *statuses;
    double *seconds;
} task;

static void *work(void *argument)
{
    task *it = argument;
    for (int i; (i = atomic_fetch_add(it->next, 1)) < it->count;)
        it->statuses[i] = render_frame(it->times[i], it->pictures + (size_t)i * (size_t)width * (size_t)height * 4,
                                       &it->seconds[i]);
    return NULL;
}

static void render(const int *times, int count, int threads)
{
    size_t length = (size_t)width * (size_t)height * 4;
    float *pictures = calloc((size_t)count * length, sizeof *pictures);
    int statuses[MOST_FRAMES] = {0};
    double seconds[MOST_FRAMES] = {0};
    atomic_int next = 0;
    task shared = {times, count, &next, pictures, statuses, seconds};
    pthread_t ids[8];
    for (int i = 0; i < threads; i++)
        pthread_create(&ids[i], NULL, work, &shared);
    if (!threads)
        for (int i = 0; i < count; i++) {
            if (fresh) {
                destroy_instance();
                create_instance();
            }
            statuses[i] = render_frame(times[i], pictures + (size_t)i * length, &seconds[i]);
        }
    for (int i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    atomic_store(&aborting, 0);
    look_at_sources();
    pthread_mutex_lock(&writing);
    fwrite(pictures, sizeof *pictures, (size_t)count * length, output);
    fflush(output);
    pthread_mutex_unlock(&writing);
    free(pictures);
    printf("rendered");
    for (int i = 0; i < count; i++)
        printf(" %d", statuses[i]);
    printf(" seconds");
    for (int i = 0; i < count; i++)
        printf(" %.6f", seconds[i]);
    printf(" progress %d message %s\n", atomic_exchange(&progress_calls, 0), last_message);
}

static void ask(const char *what, int time)
{
    OfxPropertySetHandle in = new_set(), out = new_set();
    double range[2] = {0, 0};
    set_double(in, kOfxPropTime, 0, time);
    if (!strcmp(what, "identity")) {
        printf("identity %d\n", act(kOfxImageEffectActionIsIdentity, instance, in, out) == kOfxStatOK);
    } else {
        need(kOfxImageEffectActionGetFramesNeeded, instance, in, out);
        get_doubles(out, kOfxImageClipPropFramesNeededSource, 2, range);
        printf("needed %g %g\n", range[0], range[1]);
    }
    free_set(in);
    free_set(out);
}

static void print_description(void)
{
    printf("plugin %s %u.%u", plugin->pluginIdentifier, plugin->pluginVersionMajor, plugin->pluginVersionMinor);
    for (int i = 0; i < described_count; i++) {
        property *options = find(described[i].properties, kOfxParamPropChoiceOption, 0);
        printf("; %s %s", described[i].name, described[i].type);
        for (int k = 0; options && k < options->count; k++)
            printf("%s%s", k ? "," : " ", options->text[k]);
    }
    printf("; sequential %d", find(descriptor.properties, kOfxImageEffectInstancePropSequentialRender, 1)->whole[0]);
    printf("; safety %s\n", find(descriptor.properties, kOfxImageEffectPluginRenderThreadSafety, 1)->text[0]);
}

static void read_clip(const char *path, int only)
{
    size_t length = (size_t)width * (size_t)height * 4;
    float *rgba = malloc(length * sizeof *rgba);
    FILE *file = fopen(path, "rb");
    if (!file)
        die("%s cannot be read", path);
    if (only >= 0) {
        if (fread(rgba, sizeof *rgba, length, file) == length)
            fill_picture(&clip[only], rgba);
    } else {
        while (frames < MOST_FRAMES && fread(rgba, sizeof *rgba, length, file) == length) {
            clip[frames] = new_picture();
            fill_picture(&clip[frames++], rgba);
        }
    }
    fclose(file);
    free(rgba);
}

static void set_parameter(const char *name, const char *text)
{
    parameter *it = parameter_of(instance, name);
    if (!it)
        die("no parameter %s", name);
    it->whole = atoi(text);
    it->number = atof(text);
    snprintf(it->text, sizeof it->text, "%s", text);
    tell(kOfxTypeParameter, name);
}

static void configure(const char *option)
{
    const char *is = strchr(option, '=');
    if (!is)
        die("%s is no option", option);
    is++;
    int number = atoi(is);
    if (!strncmp(option, "depth=", 6))
        like.depth = !strcmp(is, "byte") ? VST_BYTE : !strcmp(is, "short") ? VST_SHORT
                   : !strcmp(is, "half") ? VST_HALF : VST_FLOAT;
    else if (!strncmp(option, "components=", 11))
        like.components = !strcmp(is, "RGBA") ? 4 : !strcmp(is, "RGB") ? 3 : 1;
    else if (!strncmp(option, "rows=", 5))
        like.negative = !strcmp(is, "negative");
    else if (!strncmp(option, "pad=", 4))
        like.pad = number;
    else if (!strncmp(option, "origin=", 7))
        sscanf(is, "%d,%d", &like.x, &like.y);
    else if (!strncmp(option, "premultiplied=", 14))
        like.premultiplied = number;
    else if (!strncmp(option, "temporal=", 9))
        like.temporal = !strcmp(is, "no") ? TEMPORAL_NO : !strcmp(is, "same") ? TEMPORAL_SAME : TEMPORAL_YES;
    else if (!strncmp(option, "scale=", 6))
        like.scale = atof(is);
    else if (!strncmp(option, "name=", 5))
        like.name = is;
    else if (!strncmp(option, "messages=", 9))
        like.messages = number;
    else if (!strncmp(option, "progress=", 9))
        like.progress = number;
    else if (!strncmp(option, "chained=", 8))
        like.chained = !strcmp(is, "thread") ? CHAINED_THREAD : CHAINED_CALL;
    else if (!strncmp(option, "poor=", 5))
        like.poor = number;
    else
        die("%s is no option", option);
}

static void obey(char *line, const char *path)
{
    char *rest = line, *word = strsep(&rest, " ");
    int numbers[MOST_FRAMES], count = 0;
    char *first = rest ? strdup(rest) : strdup("");
    for (char *at = rest; at && *at && count < MOST_FRAMES; at = strchr(at, ' ') ? strchr(at, ' ') + 1 : NULL)
        numbers[count++] = atoi(at);
    if (!strcmp(word, "render")) {
        render(numbers, count, 0);
    } else if (!strcmp(word, "threads")) {
        render(numbers + 1, count - 1, numbers[0]);
    } else if (!strcmp(word, "identity") || !strcmp(word, "needed")) {
        ask(word, numbers[0]);
    } else if (!strcmp(word, "describe")) {
        print_description();
    } else {
        char *value_text = first, *name = strsep(&value_text, " ");
        if (!strcmp(word, "set"))
            set_parameter(name, value_text ? value_text : "");
        else if (!strcmp(word, "change"))
            read_clip(value_text, numbers[0]);
        else if (!strcmp(word, "told"))
            tell(kOfxTypeClip, "Source");
        else if (!strcmp(word, "instance"))
            destroy_instance(), create_instance();
        else if (!strcmp(word, "fresh"))
            fresh = numbers[0];
        else if (!strcmp(word, "interactive"))
            interactive = numbers[0];
        else if (!strcmp(word, "missing"))
            missing[numbers[0]] = 1;
        else if (!strcmp(word, "abort"))
            atomic_store(&abort_at_ms, milliseconds() + numbers[0]), atomic_store(&aborting, 1);
        else if (!strcmp(word, "window"))
            memcpy(window, numbers, sizeof window);
        else if (!strcmp(word, "purge"))
            need(kOfxActionPurgeCaches, instance, NULL, NULL);
        else if (!strcmp(word, "reload"))
            destroy_instance(), unload_plugin(), load_plugin(path), create_instance();
        else
            die("%s is no command", word);
        printf("ok\n");
    }
    free(first);
}

int main(int count, char **arguments)
{
    if (count < 6)
        die("usage: vst_ofx_host PLUGIN.ofx CLIP WIDTH HEIGHT OUTPUT [OPTION...]");
    for (int i = 6; i < count; i++)
        configure(arguments[i]);
    width = atoi(arguments[3]);
    height = atoi(arguments[4]);
    if (width < 1 || height < 1)
        die("a picture of %s×%s has no pixels", arguments[3], arguments[4]);
    read_clip(arguments[2], -1);
    output = fopen(arguments[5], "wb");
    if (!output)
        die("%s cannot be written", arguments[5]);
    load_plugin(arguments[1]);
    create_instance();
    setvbuf(stdout, NULL, _IOLBF, 0);
    char line[8192];
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        if (*line)
            obey(line, arguments[1]);
    }
    destroy_instance();
    unload_plugin();
    for (int i = 0; i < frames; i++)
        free_picture(&clip[i]);
    fclose(output);
    return 0;
}
