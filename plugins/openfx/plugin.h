/* What the files of the OpenFX plugin share. */
#ifndef VST_OPENFX_PLUGIN_H
#define VST_OPENFX_PLUGIN_H

#include <stdatomic.h>

#include "../client/pixels.h"
#include "../client/vst_client.h"
#include "ofx.h"

#define IDENTIFIER "vst.paint" /* saved in projects */
#define MASK_CLIP "Mask"       /* likewise */
#define FRAMES_NEEDED_MASK "OfxImageClipPropFrameRange_" MASK_CLIP
#define REGION_NEEDED_MASK "OfxImageClipPropRoI_" MASK_CLIP

/* The host and the suites that it offers; filled by the load action. */
typedef struct openfx_host {
    const OfxHost *host;
    const OfxPropertySuiteV1 *property;
    const OfxImageEffectSuiteV1 *effect;
    const OfxParameterSuiteV1 *parameter;
    const OfxMessageSuiteV2 *message; /* the first member only where message_version is 1; may be NULL */
    int message_version;
    const OfxProgressSuiteV1 *progress1; /* at most one of these two */
    const OfxProgressSuiteV2 *progress2;
    char host_name[128];
    int temporal; /* whether the host claims to give frames of other times */
    vst_config config;
} openfx_host;

extern openfx_host ofx;

/* One instance of the effect. */
typedef struct effect {
    OfxImageEffectHandle handle;
    OfxImageClipHandle source, output, mask; /* the mask is NULL in hosts without further clips */
    long number;
    atomic_int changes; /* of the clip, so far */
    atomic_int shown;   /* the kind of message that the host shows now */
} effect;

/* The values of all parameters at one time. */
typedef struct values {
    char style[1024], mode[VST_NAME], device[VST_NAME], weights[VST_PATH];
    double strength, style_scale;
    int keep_color, keep_borders, keyframe_interval, look_ahead, seed, colour_space, limit;
} values;

enum { COLOUR_AUTO, COLOUR_DISPLAY, COLOUR_LINEAR };
enum { LOOK_AHEAD_AUTO, LOOK_AHEAD_NONE };

OfxStatus describe(OfxImageEffectHandle handle);
OfxStatus describe_in_context(OfxImageEffectHandle handle);

/* Reads the parameters; those that the host lacks have their defaults. */
void read_values(const effect *instance, OfxTime time, values *found);

/* Whether each frame is stylized independently. */
int is_stateless(const values *chosen);

OfxStatus render(effect *instance, OfxPropertySetHandle in);

/* Whether the user has connected a mask. */
int has_mask(const effect *instance);

/* The first and the last frame of the source clip, at least those around `time`. */
void frame_range(const effect *instance, OfxTime time, int *first, int *last);

effect *effect_of(const void *handle);

#endif
