/* What the files of the OpenFX plugin share. */
#ifndef VST_OPENFX_PLUGIN_H
#define VST_OPENFX_PLUGIN_H

#include <stdatomic.h>

#include "../client/pixels.h"
#include "../client/vst_client.h"
#include "ofx.h"

#define IDENTIFIER "vst.paint"

/* The host and what it offers; filled by the load action. */
typedef struct suites {
    const OfxHost *host;
    const OfxPropertySuiteV1 *property;
    const OfxImageEffectSuiteV1 *effect;
    const OfxParameterSuiteV1 *parameter;
    const OfxMessageSuiteV2 *message; /* the first member only where message_version is 1; may be NULL */
    int message_version;
    const OfxProgressSuiteV1 *progress1; /* at most one of these two */
    const OfxProgressSuiteV2 *progress2;
    char host_name[128];
    int temporal; /* whether the host says that it gives frames of other times */
    vst_config config;
} suites;

extern suites the;

/* One instance of the effect. */
typedef struct effect {
    OfxImageEffectHandle handle;
    OfxImageClipHandle source, output;
    long number;
    atomic_int changes;   /* of the clip, so far */
    atomic_int announced; /* which kind of message stands in the host's message area */
} effect;

/* The values of all parameters at one time. */
typedef struct values {
    char style[1024], mode[VST_NAME], device[VST_NAME], weights[VST_PATH];
    double strength, style_scale;
    int keep_color, seed, colour_space, limit;
} values;

enum { COLOUR_AUTO, COLOUR_DISPLAY, COLOUR_LINEAR };

OfxStatus describe(OfxImageEffectHandle handle);
OfxStatus describe_in_context(OfxImageEffectHandle handle);

/* Reads the parameters; one that cannot be read has its default. */
void read_values(const effect *instance, OfxTime time, values *found);

/* Whether a mode paints each frame for itself. */
int paints_alone(const char *mode);

OfxStatus render(effect *instance, OfxPropertySetHandle in);

/* The first and the last frame of the source clip, at least those around `time`. */
void frame_range(const effect *instance, OfxTime time, int *first, int *last);

effect *effect_of(const void *handle);

#endif
