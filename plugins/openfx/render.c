/* The render action: the host's images through the client. */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "plugin.h"

#define P ofx.property
#define LARGEST_INDEX 1000000 /* a clip with frames beyond counts as unbounded */
#define LARGEST_TIME 1e9      /* what is beyond is no time of a frame */
#define LARGEST_RATE 1e4      /* what is beyond is no frame rate */

typedef enum shown { SHOWN_NOTHING, SHOWN_ERROR, SHOWN_NOTE } shown;

/* An image of the host. */
typedef struct host_image {
    OfxPropertySetHandle handle; /* NULL where there is none */
    void *data;
    OfxRectI bounds; /* in the coordinates of the canvas */
    int row_bytes;
    vst_image view; /* the whole image, top row first */
} host_image;

static int read_image(OfxPropertySetHandle handle, host_image *image)
{
    char *depth = NULL, *components = NULL, *alpha = NULL;
    int bounds[4];
    vst_image *view = &image->view;
    memset(view, 0, sizeof *view);
    if (P->propGetPointer(handle, kOfxImagePropData, 0, &image->data) != kOfxStatOK || !image->data ||
        P->propGetIntN(handle, kOfxImagePropBounds, 4, bounds) != kOfxStatOK ||
        P->propGetInt(handle, kOfxImagePropRowBytes, 0, &image->row_bytes) != kOfxStatOK ||
        P->propGetString(handle, kOfxImageEffectPropPixelDepth, 0, &depth) != kOfxStatOK || !depth ||
        P->propGetString(handle, kOfxImageEffectPropComponents, 0, &components) != kOfxStatOK || !components)
        return -1;
    image->bounds = (OfxRectI){bounds[0], bounds[1], bounds[2], bounds[3]};
    view->width = bounds[2] - bounds[0];
    view->height = bounds[3] - bounds[1];
    if (view->width <= 0 || view->height <= 0)
        return -1;
    if (!strcmp(depth, kOfxBitDepthByte))
        view->depth = VST_BYTE;
    else if (!strcmp(depth, kOfxBitDepthShort))
        view->depth = VST_SHORT;
    else if (!strcmp(depth, kOfxBitDepthHalf))
        view->depth = VST_HALF;
    else if (!strcmp(depth, kOfxBitDepthFloat))
        view->depth = VST_FLOAT;
    else
        return -1;
    if (!strcmp(components, kOfxImageComponentRGBA))
        view->components = 4;
    else if (!strcmp(components, kOfxImageComponentRGB))
        view->components = 3;
    else if (!strcmp(components, kOfxImageComponentAlpha))
        view->components = 1;
    else
        return -1;
    if (P->propGetString(handle, kOfxImageEffectPropPreMultiplication, 0, &alpha) == kOfxStatOK && alpha)
        view->premultiplied = !strcmp(alpha, kOfxImagePreMultiplied);
    /* Data points to the bottom row, and rows go upwards. */
    view->data = (unsigned char *)image->data + (ptrdiff_t)(view->height - 1) * image->row_bytes;
    view->row_bytes = -(ptrdiff_t)image->row_bytes;
    return 0;
}

static void release_image(host_image *image)
{
    if (image->handle)
        ofx.effect->clipReleaseImage(image->handle);
    image->handle = NULL;
}

/* Returns 0, or -1 if the clip has no such image. */
static int get_image(OfxImageClipHandle clip, OfxTime time, host_image *image)
{
    memset(image, 0, sizeof *image);
    OfxPropertySetHandle handle = NULL;
    if (ofx.effect->clipGetImage(clip, time, NULL, &handle) != kOfxStatOK || !handle)
        return -1;
    image->handle = handle;
    if (!read_image(handle, image))
        return 0;
    release_image(image);
    return -1;
}

int has_mask(const effect *instance)
{
    OfxPropertySetHandle properties;
    int connected = 0;
    return instance->mask && ofx.effect->clipGetPropertySet(instance->mask, &properties) == kOfxStatOK &&
           P->propGetInt(properties, kOfxImageClipPropConnected, 0, &connected) == kOfxStatOK && connected;
}

/* Reads the mask at a time; where the clip has no image it is 0 everywhere. The image is to be released. */
static vst_mask read_mask(const effect *instance, OfxTime time, const host_image *source, host_image *image)
{
    vst_mask mask = {.left = 0};
    if (get_image(instance->mask, time, image)) {
        vst_log("frame %g: the mask has no image; the source stays as it is", time);
        return mask;
    }
    mask.image = image->view;
    mask.left = source->bounds.x1 - image->bounds.x1;
    mask.top = image->bounds.y2 - source->bounds.y2;
    return mask;
}

/* The part of an image within a window. */
static vst_image part_of(const host_image *image, OfxRectI window)
{
    vst_image part = image->view;
    part.width = window.x2 - window.x1;
    part.height = window.y2 - window.y1;
    part.data = image->view.data + (ptrdiff_t)(image->bounds.y2 - window.y2) * image->view.row_bytes +
                (ptrdiff_t)(window.x1 - image->bounds.x1) * vst_pixel_bytes(&image->view);
    return part;
}

static void clear_pixels(const vst_image *target)
{
    for (int row = 0; row < target->height; row++)
        memset(target->data + (ptrdiff_t)row * target->row_bytes, 0,
               (size_t)target->width * (size_t)vst_pixel_bytes(target));
}

void frame_range(const effect *instance, OfxTime time, int *first, int *last)
{
    OfxPropertySetHandle properties;
    double range[2] = {time, time};
    if (ofx.effect->clipGetPropertySet(instance->source, &properties) == kOfxStatOK &&
        P->propGetDoubleN(properties, kOfxImageEffectPropFrameRange, 2, range) != kOfxStatOK)
        range[0] = range[1] = time;
    int now = fabs(time) < LARGEST_TIME ? (int)lround(time) : 0;
    *first = range[0] > -LARGEST_INDEX && range[0] < LARGEST_INDEX ? (int)ceil(range[0]) : now < 0 ? now : 0;
    *last = range[1] > -LARGEST_INDEX && range[1] < LARGEST_INDEX ? (int)floor(range[1]) : LARGEST_INDEX;
    if (*first > now)
        *first = now;
    if (*last < now)
        *last = now;
}

/* Frames a second of the source clip; 0 if the host does not say. */
static double frame_rate(const effect *instance)
{
    OfxPropertySetHandle properties;
    double rate = 0;
    if (ofx.effect->clipGetPropertySet(instance->source, &properties) != kOfxStatOK ||
        P->propGetDouble(properties, kOfxImageEffectPropFrameRate, 0, &rate) != kOfxStatOK)
        return 0;
    return rate > 0 && rate <= LARGEST_RATE ? rate : 0;
}

/* Whether the host gives frames of other times. Some claim to, and give the frame that is being rendered. */
static int gives_other_times(const effect *instance, OfxTime time, const host_image *current, int first, int last)
{
    static atomic_int has_given;
    if (!ofx.temporal)
        return 0;
    if (atomic_load(&has_given) || first == last)
        return 1;
    int now = (int)lround(time), has_asked = 0;
    int others[] = {now - 1, now + 1, now - 2, now + 2, first, last};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (others[i] < first || others[i] > last || others[i] == now)
            continue;
        host_image other;
        has_asked = 1;
        if (get_image(instance->source, time + (others[i] - now), &other))
            continue;
        int differs = other.data != current->data;
        release_image(&other);
        if (differs) {
            atomic_store(&has_given, 1);
            return 1;
        }
    }
    return !has_asked;
}

typedef struct render_context {
    effect *instance;
    OfxTime time;
    int now, shows_progress, is_cancelled;
    const host_image *source;
    const vst_mask *mask; /* NULL: the source is stylized everywhere */
    const vst_image *target;
    int left, top; /* of the target in the source */
} render_context;

static int give_frame(void *context, int index, float *planes, uint8_t hash[VST_HASH_SIZE])
{
    render_context *it = context;
    if (index == it->now) {
        vst_read(&it->source->view, planes, hash);
        return 0;
    }
    host_image image;
    if (get_image(it->instance->source, it->time + ((double)index - it->now), &image))
        return 1;
    /* A frame of another size belongs to another shot. */
    int fits = image.view.width == it->source->view.width && image.view.height == it->source->view.height;
    if (fits)
        vst_read(&image.view, planes, hash);
    release_image(&image);
    return !fits;
}

static void receive_result(void *context, const float *planes)
{
    render_context *it = context;
    vst_write(planes, it->source->view.width, it->source->view.height, it->left, it->top, &it->source->view,
              it->mask, it->target);
}

static int is_aborted(void *context)
{
    render_context *it = context;
    return it->is_cancelled || ofx.effect->abort(it->instance->handle) != 0;
}

static void show_progress(void *context, double part)
{
    static const char label[] = "stylizing the shot up to this frame";
    render_context *it = context;
    void *handle = it->instance->handle;
    OfxStatus status = kOfxStatOK;
    if (!it->shows_progress) {
        if (ofx.progress2)
            status = ofx.progress2->progressStart(handle, label, "");
        else if (ofx.progress1)
            status = ofx.progress1->progressStart(handle, label);
        else
            return;
        if (status != kOfxStatOK)
            return;
        it->shows_progress = 1;
    }
    status = ofx.progress2 ? ofx.progress2->progressUpdate(handle, part)
                           : ofx.progress1->progressUpdate(handle, part);
    if (status == kOfxStatReplyNo)
        it->is_cancelled = 1;
}

static void end_progress(render_context *it)
{
    if (it->shows_progress && ofx.progress2)
        ofx.progress2->progressEnd(it->instance->handle);
    else if (it->shows_progress)
        ofx.progress1->progressEnd(it->instance->handle);
}

static void show_message(effect *instance, shown kind, const char *text)
{
    int before = atomic_exchange(&instance->shown, (int)kind);
    if (!ofx.message)
        return;
    if (kind == SHOWN_NOTHING) {
        if (before != SHOWN_NOTHING && ofx.message_version > 1)
            ofx.message->clearPersistentMessage(instance->handle);
        return;
    }
    if (kind == SHOWN_NOTE && before == SHOWN_NOTE)
        return;
    const char *type = kind == SHOWN_ERROR ? kOfxMessageError : kOfxMessageMessage;
    if (ofx.message_version > 1)
        ofx.message->setPersistentMessage(instance->handle, type, "", "%s", text);
    else if (kind == SHOWN_ERROR)
        ofx.message->message(instance->handle, type, "", "%s", text);
}

static int is_linear(const values *chosen, const host_image *source)
{
    if (chosen->colour_space != COLOUR_AUTO)
        return chosen->colour_space == COLOUR_LINEAR;
    int floating = source->view.depth == VST_FLOAT || source->view.depth == VST_HALF;
    return floating && (strcasestr(ofx.host_name, "nuke") || strcasestr(ofx.host_name, "natron"));
}

static OfxStatus stylize(effect *instance, render_context *it, const values *chosen, int interactive)
{
    char run[64];
    /* A time between two frames, as for a second field, belongs to another sequence of frames. */
    snprintf(run, sizeof run, "ofx %ld.%d %.9g", instance->number, atomic_load(&instance->changes),
             it->time - it->now);
    vst_render_message request = {
        .editor = "openfx",
        .run = run,
        .width = it->source->view.width,
        .height = it->source->view.height,
        .index = it->now,
        .time = it->now,
        .gap = 1,
        .frame_rate = frame_rate(instance),
        .style = chosen->style,
        .mode = chosen->mode,
        .device = chosen->device,
        .weights = chosen->weights,
        .strength = chosen->strength,
        .style_scale = chosen->style_scale,
        .keep_color = chosen->keep_color,
        .keep_borders = chosen->keep_borders,
        .keyframe_interval = chosen->keyframe_interval,
        .look_ahead = chosen->look_ahead,
        .seed = chosen->seed,
        .linear = is_linear(chosen, it->source),
        .interactive = interactive,
        .limit = chosen->limit,
    };
    frame_range(instance, it->time, &request.first, &request.last);
    /* The borders of a frame are those of its shot, in every mode. */
    request.temporal =
        (is_stateless(chosen) && !chosen->keep_borders) ||
        gives_other_times(instance, it->time, it->source, request.first, request.last);
    if (!request.temporal)
        vst_log("frame %d: the host gives no frame but the current one; stylizing in order", it->now);
    vst_callbacks callbacks = {it, give_frame, receive_result, is_aborted, show_progress};
    char error[VST_ERROR_SIZE];
    vst_outcome outcome = vst_stylize(&request, &callbacks, error);
    end_progress(it);
    if (outcome == VST_ABORTED)
        return kOfxStatFailed;
    if (outcome == VST_FAILED) {
        show_message(instance, SHOWN_ERROR, error);
        return kOfxStatFailed;
    }
    show_message(instance, outcome == VST_APPROXIMATE ? SHOWN_NOTE : SHOWN_NOTHING,
             "approximate: the shot was not stylized from its first frame; a render does that");
    return kOfxStatOK;
}

/* Returns 0, or -1 with an error that names the parameter as the host shows it. */
static int check_values(const values *chosen, OfxTime time, char error[VST_ERROR_SIZE])
{
    const char *wrong = !isfinite(chosen->strength) ? "Strength" : !isfinite(chosen->style_scale) ? "Stroke size" : NULL;
    if (wrong)
        snprintf(error, VST_ERROR_SIZE, "vst: %s is not a number; set it again", wrong);
    else if (!(fabs(time) < LARGEST_TIME))
        snprintf(error, VST_ERROR_SIZE, "vst: the host asks for the frame at time %g; expected the number of a frame",
                 time);
    else
        return 0;
    vst_log("%s", error);
    return -1;
}

OfxStatus render(effect *instance, OfxPropertySetHandle in)
{
    OfxTime time = 0;
    int window[4], interactive = 0;
    if (P->propGetDouble(in, kOfxPropTime, 0, &time) != kOfxStatOK ||
        P->propGetIntN(in, kOfxImageEffectPropRenderWindow, 4, window) != kOfxStatOK)
        return kOfxStatErrValue;
    P->propGetInt(in, kOfxImageEffectPropInteractiveRenderStatus, 0, &interactive);
    host_image output, source;
    if (get_image(instance->output, time, &output)) {
        vst_log("frame %g: the host gives no output image in a known pixel format", time);
        return kOfxStatErrImageFormat;
    }
    OfxRectI inside = {window[0], window[1], window[2], window[3]};
    inside.x1 = inside.x1 > output.bounds.x1 ? inside.x1 : output.bounds.x1;
    inside.y1 = inside.y1 > output.bounds.y1 ? inside.y1 : output.bounds.y1;
    inside.x2 = inside.x2 < output.bounds.x2 ? inside.x2 : output.bounds.x2;
    inside.y2 = inside.y2 < output.bounds.y2 ? inside.y2 : output.bounds.y2;
    OfxStatus status = kOfxStatOK;
    if (inside.x1 >= inside.x2 || inside.y1 >= inside.y2) {
        release_image(&output);
        return status;
    }
    vst_image target = part_of(&output, inside);
    if (get_image(instance->source, time, &source)) {
        clear_pixels(&target); /* the specification asks for transparent black */
    } else {
        values chosen;
        char error[VST_ERROR_SIZE];
        read_values(instance, time, &chosen);
        int is_valid = !check_values(&chosen, time, error);
        render_context it = {
            .instance = instance,
            .time = time,
            .now = is_valid ? (int)lround(time) : 0,
            .source = &source,
            .target = &target,
            .left = inside.x1 - source.bounds.x1,
            .top = source.bounds.y2 - inside.y2,
        };
        host_image mask_image = {.handle = NULL};
        vst_mask mask;
        if (is_valid && has_mask(instance)) {
            mask = read_mask(instance, time, &source, &mask_image);
            it.mask = &mask;
        }
        int is_same_format = source.view.depth == target.depth && source.view.components == target.components;
        if (!is_valid) {
            show_message(instance, SHOWN_ERROR, error);
            status = kOfxStatFailed;
        } else if (is_same_format && (chosen.strength <= 0 || source.view.components == 1)) {
            vst_copy(it.left, it.top, &source.view, &target);
        } else {
            status = stylize(instance, &it, &chosen, interactive);
        }
        release_image(&mask_image);
        release_image(&source);
    }
    release_image(&output);
    return status;
}
