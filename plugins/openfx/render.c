/* One frame: images in, the client's answer out. */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "plugin.h"

#define P the.property
#define FURTHEST 1000000 /* a clip with frames beyond has no bounds */

enum { NOTHING, AN_ERROR, A_NOTE };

/* An image of the host with its place in the plane. */
typedef struct placed {
    OfxPropertySetHandle handle; /* NULL where there is none */
    void *data;
    OfxRectI bounds;
    int row_bytes;
    vst_image view; /* the whole image, top row first */
} placed;

static int read_image(OfxPropertySetHandle handle, placed *image)
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

static void let_go(placed *image)
{
    if (image->handle)
        the.effect->clipReleaseImage(image->handle);
    image->handle = NULL;
}

/* 0, or -1 where the clip has no such image. */
static int get_image(OfxImageClipHandle clip, OfxTime time, placed *image)
{
    memset(image, 0, sizeof *image);
    OfxPropertySetHandle handle = NULL;
    if (the.effect->clipGetImage(clip, time, NULL, &handle) != kOfxStatOK || !handle)
        return -1;
    image->handle = handle;
    if (!read_image(handle, image))
        return 0;
    let_go(image);
    return -1;
}

/* The part of an image within a window, as a picture of its own. */
static vst_image part_of(const placed *image, OfxRectI window)
{
    vst_image part = image->view;
    part.width = window.x2 - window.x1;
    part.height = window.y2 - window.y1;
    part.data = image->view.data + (ptrdiff_t)(image->bounds.y2 - window.y2) * image->view.row_bytes +
                (ptrdiff_t)(window.x1 - image->bounds.x1) * vst_pixel_bytes(&image->view);
    return part;
}

static void clear(const vst_image *target)
{
    for (int row = 0; row < target->height; row++)
        memset(target->data + (ptrdiff_t)row * target->row_bytes, 0,
               (size_t)target->width * (size_t)vst_pixel_bytes(target));
}

void frame_range(const effect *instance, OfxTime time, int *first, int *last)
{
    OfxPropertySetHandle properties;
    double range[2] = {time, time};
    if (the.effect->clipGetPropertySet(instance->source, &properties) == kOfxStatOK &&
        P->propGetDoubleN(properties, kOfxImageEffectPropFrameRange, 2, range) != kOfxStatOK)
        range[0] = range[1] = time;
    int now = (int)lround(time);
    *first = range[0] > -FURTHEST && range[0] < FURTHEST ? (int)ceil(range[0]) : now < 0 ? now : 0;
    *last = range[1] > -FURTHEST && range[1] < FURTHEST ? (int)floor(range[1]) : FURTHEST;
    if (*first > now)
        *first = now;
    if (*last < now)
        *last = now;
}

/* Whether the host gives frames of other times. Some say so, and give the frame that is being rendered. */
static int gives_other_times(const effect *instance, OfxTime time, const placed *current, int first, int last)
{
    static atomic_int seen; /* once it did, it does */
    if (!the.temporal)
        return 0;
    if (atomic_load(&seen) || first == last)
        return 1;
    int now = (int)lround(time), asked = 0;
    int others[] = {now - 1, now + 1, now - 2, now + 2, first, last};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (others[i] < first || others[i] > last || others[i] == now)
            continue;
        placed other;
        asked = 1;
        if (get_image(instance->source, time + (others[i] - now), &other))
            continue;
        int differs = other.data != current->data;
        let_go(&other);
        if (differs) {
            atomic_store(&seen, 1);
            return 1;
        }
    }
    return !asked;
}

/* What the callbacks of one render need. */
typedef struct job {
    effect *instance;
    OfxTime time;
    int now, progressing, cancelled;
    const placed *source;
    const vst_image *target;
    int left, top;
} job;

static int bring_frame(void *context, int index, float *planes, uint8_t hash[VST_HASH])
{
    job *it = context;
    if (index == it->now) {
        vst_read(&it->source->view, planes, hash);
        return 0;
    }
    placed image;
    if (get_image(it->instance->source, it->time + ((double)index - it->now), &image))
        return 1;
    /* A picture of another size is no frame of the same shot. */
    int fits = image.view.width == it->source->view.width && image.view.height == it->source->view.height;
    if (fits)
        vst_read(&image.view, planes, hash);
    let_go(&image);
    return !fits;
}

static void take_result(void *context, const float *planes)
{
    job *it = context;
    vst_write(planes, it->source->view.width, it->source->view.height, it->left, it->top, &it->source->view,
              it->target);
}

static int is_aborted(void *context)
{
    job *it = context;
    return it->cancelled || the.effect->abort(it->instance->handle) != 0;
}

static void show_progress(void *context, double part)
{
    static const char label[] = "painting the shot up to this frame";
    job *it = context;
    void *handle = it->instance->handle;
    OfxStatus status = kOfxStatOK;
    if (!it->progressing) {
        if (the.progress2)
            status = the.progress2->progressStart(handle, label, "");
        else if (the.progress1)
            status = the.progress1->progressStart(handle, label);
        else
            return;
        if (status != kOfxStatOK)
            return;
        it->progressing = 1;
    }
    status = the.progress2 ? the.progress2->progressUpdate(handle, part) : the.progress1->progressUpdate(handle, part);
    if (status == kOfxStatReplyNo)
        it->cancelled = 1;
}

static void end_progress(job *it)
{
    if (it->progressing && the.progress2)
        the.progress2->progressEnd(it->instance->handle);
    else if (it->progressing)
        the.progress1->progressEnd(it->instance->handle);
}

static void announce(effect *instance, int kind, const char *text)
{
    int before = atomic_exchange(&instance->announced, kind);
    if (!the.message)
        return;
    if (kind == NOTHING) {
        if (before != NOTHING && the.message_version > 1)
            the.message->clearPersistentMessage(instance->handle);
        return;
    }
    if (kind == A_NOTE && before == A_NOTE)
        return;
    const char *type = kind == AN_ERROR ? kOfxMessageError : kOfxMessageMessage;
    if (the.message_version > 1)
        the.message->setPersistentMessage(instance->handle, type, "", "%s", text);
    else if (kind == AN_ERROR)
        the.message->message(instance->handle, type, "", "%s", text);
}

static int is_linear(const values *chosen, const placed *source)
{
    if (chosen->colour_space != COLOUR_AUTO)
        return chosen->colour_space == COLOUR_LINEAR;
    int floating = source->view.depth == VST_FLOAT || source->view.depth == VST_HALF;
    return floating && (strcasestr(the.host_name, "nuke") || strcasestr(the.host_name, "natron"));
}

static OfxStatus paint(effect *instance, job *it, const values *chosen, int interactive)
{
    vst_settings settings = {
        .width = it->source->view.width,
        .height = it->source->view.height,
        .time = it->now,
        .gap = 1,
        .style = chosen->style,
        .mode = chosen->mode,
        .device = chosen->device,
        .weights = chosen->weights,
        .strength = chosen->strength,
        .style_scale = chosen->style_scale,
        .keep_color = chosen->keep_color,
        .seed = chosen->seed,
        .linear = is_linear(chosen, it->source),
        .interactive = interactive,
        .limit = chosen->limit,
    };
    frame_range(instance, it->time, &settings.first, &settings.last);
    settings.temporal =
        paints_alone(chosen->mode) ||
        gives_other_times(instance, it->time, it->source, settings.first, settings.last);
    if (!settings.temporal)
        vst_log("frame %d: the host gives no frame but the current one; painting in order", it->now);
    /* Between two frames, as for a second field, lies another sequence of frames. */
    snprintf(settings.run, sizeof settings.run, "ofx %ld.%d %.9g", instance->number,
             atomic_load(&instance->changes), it->time - it->now);
    vst_callbacks callbacks = {it, bring_frame, take_result, is_aborted, show_progress};
    char message[VST_MESSAGE];
    vst_outcome outcome = vst_paint(&settings, &callbacks, message);
    end_progress(it);
    if (outcome == VST_ABORTED)
        return kOfxStatFailed;
    if (outcome == VST_FAILED) {
        announce(instance, AN_ERROR, message);
        return kOfxStatFailed;
    }
    announce(instance, outcome == VST_APPROXIMATE ? A_NOTE : NOTHING,
             "approximate: the shot was not painted from its beginning; a render does");
    return kOfxStatOK;
}

OfxStatus render(effect *instance, OfxPropertySetHandle in)
{
    OfxTime time = 0;
    int window[4], interactive = 0;
    if (P->propGetDouble(in, kOfxPropTime, 0, &time) != kOfxStatOK ||
        P->propGetIntN(in, kOfxImageEffectPropRenderWindow, 4, window) != kOfxStatOK)
        return kOfxStatErrValue;
    P->propGetInt(in, kOfxImageEffectPropInteractiveRenderStatus, 0, &interactive);
    placed output, source;
    if (get_image(instance->output, time, &output)) {
        vst_log("frame %g: the host has no output image of a kind that is known", time);
        return kOfxStatErrImageFormat;
    }
    OfxRectI inside = {window[0], window[1], window[2], window[3]};
    inside.x1 = inside.x1 > output.bounds.x1 ? inside.x1 : output.bounds.x1;
    inside.y1 = inside.y1 > output.bounds.y1 ? inside.y1 : output.bounds.y1;
    inside.x2 = inside.x2 < output.bounds.x2 ? inside.x2 : output.bounds.x2;
    inside.y2 = inside.y2 < output.bounds.y2 ? inside.y2 : output.bounds.y2;
    OfxStatus status = kOfxStatOK;
    if (inside.x1 >= inside.x2 || inside.y1 >= inside.y2) {
        let_go(&output);
        return status;
    }
    vst_image target = part_of(&output, inside);
    if (get_image(instance->source, time, &source)) {
        clear(&target); /* as the specification has it: black and transparent */
    } else {
        values chosen;
        read_values(instance, time, &chosen);
        job it = {.instance = instance, .time = time, .now = (int)lround(time), .source = &source, .target = &target};
        it.left = inside.x1 - source.bounds.x1;
        it.top = source.bounds.y2 - inside.y2;
        int same = source.view.depth == target.depth && source.view.components == target.components;
        if (same && (chosen.strength <= 0 || source.view.components == 1))
            vst_copy(it.left, it.top, &source.view, &target);
        else
            status = paint(instance, &it, &chosen, interactive);
        let_go(&source);
    }
    let_go(&output);
    return status;
}
