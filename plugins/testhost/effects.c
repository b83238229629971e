/* Effects, clips and images, and the image effect suite. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host.h"

_Thread_local current_render current;
atomic_int images, abort_at_ms, aborting;

int milliseconds(void)
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

static OfxImageClipHandle clip_named(OfxImageEffectHandle effect, const char *name)
{
    return !strcmp(name, "Output") ? &effect->output : !strcmp(name, "Mask") ? &effect->mask : &effect->source;
}

static OfxStatus define_clip(OfxImageEffectHandle effect, const char *name, OfxPropertySetHandle *found)
{
    if (options.limited && !strcmp(name, "Mask"))
        return kOfxStatErrUnsupported;
    *found = clip_named(effect, name)->properties;
    return kOfxStatOK;
}

static OfxStatus clip_handle(OfxImageEffectHandle effect, const char *name, OfxImageClipHandle *found,
                             OfxPropertySetHandle *set)
{
    if (options.limited && !strcmp(name, "Mask"))
        return kOfxStatErrUnknown;
    *found = clip_named(effect, name);
    if (set)
        *set = (*found)->properties;
    return kOfxStatOK;
}

static OfxStatus clip_properties(OfxImageClipHandle it, OfxPropertySetHandle *found)
{
    *found = it->properties;
    return kOfxStatOK;
}

typedef struct upstream_render {
    OfxImageEffectHandle effect;
    int time;
    picture *target;
    OfxStatus status;
} upstream_render;

static void *render_upstream(void *argument)
{
    upstream_render *it = argument;
    double seconds;
    it->status = render_to(it->effect, it->time, it->target, &seconds);
    return NULL;
}

/* A frame rendered by the effect upstream; NULL if that fails. */
static picture *upstream_picture(OfxImageEffectHandle effect, int time)
{
    picture *made = malloc(sizeof *made);
    *made = new_picture();
    upstream_render it = {effect, time, made, kOfxStatFailed};
    pthread_t id;
    if (options.chained == CHAINED_CALL) {
        render_upstream(&it);
    } else {
        pthread_create(&id, NULL, render_upstream, &it);
        pthread_join(id, NULL);
    }
    if (it.status == kOfxStatOK)
        return made;
    free_picture(made);
    free(made);
    return NULL;
}

/* A mask is float, whatever the clip is, with the top row first in memory. */
static OfxStatus mask_image(int frame, OfxPropertySetHandle *found)
{
    if (frame != current.time || frame >= MOST_FRAMES || !mask_frames[frame])
        return kOfxStatFailed;
    int components = options.mask_components, row = width * components;
    int bounds[4] = {options.mask_x, options.mask_y, options.mask_x + width, options.mask_y + height};
    OfxPropertySetHandle set = new_set();
    set_pointer(set, kOfxImagePropData, 0, mask_frames[frame] + (ptrdiff_t)row * (height - 1));
    set_ints(set, kOfxImagePropBounds, 4, bounds);
    set_int(set, kOfxImagePropRowBytes, 0, -row * (int)sizeof(float));
    set_string(set, kOfxImageEffectPropPixelDepth, 0, kOfxBitDepthFloat);
    set_string(set, kOfxImageEffectPropComponents, 0,
               components == 4   ? kOfxImageComponentRGBA
               : components == 3 ? kOfxImageComponentRGB
                                 : kOfxImageComponentAlpha);
    atomic_fetch_add(&images, 1);
    *found = set;
    return kOfxStatOK;
}

static OfxStatus clip_image(OfxImageClipHandle it, OfxTime time, const OfxRectD *region,
                            OfxPropertySetHandle *found)
{
    static const char *const depths[] = {kOfxBitDepthByte, kOfxBitDepthShort, kOfxBitDepthHalf, kOfxBitDepthFloat};
    (void)region;
    int frame = (int)time;
    if (it->is_mask)
        return mask_image(frame, found);
    const picture *from = current.output;
    picture *made = NULL;
    if (!it->is_output) {
        if (options.temporal == TEMPORAL_SAME)
            frame = current.time;
        if (frame < 0 || frame >= frames || missing[frame])
            return kOfxStatFailed;
        if (options.temporal == TEMPORAL_NO && frame != current.time)
            return kOfxStatFailed;
        from = it->upstream ? made = upstream_picture(it->upstream, frame) : &clip[frame];
        if (!from)
            return kOfxStatFailed;
    }
    OfxPropertySetHandle set = new_set();
    if (made)
        set_pointer(set, "made", 0, made);
    int bounds[4] = {options.x, options.y, options.x + width, options.y + height};
    set_pointer(set, kOfxImagePropData, 0, from->bottom);
    set_ints(set, kOfxImagePropBounds, 4, bounds);
    set_int(set, kOfxImagePropRowBytes, 0, from->row_bytes);
    set_string(set, kOfxImageEffectPropPixelDepth, 0, depths[options.depth]);
    set_string(set, kOfxImageEffectPropComponents, 0,
               options.components == 4   ? kOfxImageComponentRGBA
               : options.components == 3 ? kOfxImageComponentRGB
                                      : kOfxImageComponentAlpha);
    set_string(set, kOfxImageEffectPropPreMultiplication, 0,
               options.components == 3  ? kOfxImageOpaque
               : options.premultiplied ? kOfxImagePreMultiplied
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
    OfxRectD found = {options.x, options.y, options.x + width, options.y + height};
    *bounds = found;
    return kOfxStatOK;
}

static int abort_wanted(OfxImageEffectHandle effect)
{
    (void)effect;
    return atomic_load(&aborting) && milliseconds() >= atomic_load(&abort_at_ms);
}

void unused(void) { die("the plugin called a function that it does not declare"); }

const OfxImageEffectSuiteV1 effect_suite = {
    effect_properties, effect_parameters, define_clip,  clip_handle, clip_properties, clip_image, release_image,
    clip_region,       abort_wanted,      unused,       unused,      unused,          unused};
