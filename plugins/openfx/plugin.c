/* The plugin's entry: which action goes where. */
#include "plugin.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

suites the;

static OfxStatus load(void)
{
    if (!the.host || !the.host->fetchSuite)
        return kOfxStatErrMissingHostFeature;
    OfxPropertySetHandle host = the.host->host;
    the.property = the.host->fetchSuite(host, kOfxPropertySuite, 1);
    the.effect = the.host->fetchSuite(host, kOfxImageEffectSuite, 1);
    the.parameter = the.host->fetchSuite(host, kOfxParameterSuite, 1);
    if (!the.property || !the.effect || !the.parameter) {
        vst_log("the host lacks the property, image effect or parameter suite");
        return kOfxStatErrMissingHostFeature;
    }
    the.message_version = 2;
    the.message = the.host->fetchSuite(host, kOfxMessageSuite, 2);
    if (!the.message) {
        the.message_version = 1;
        the.message = the.host->fetchSuite(host, kOfxMessageSuite, 1);
    }
    the.progress2 = the.host->fetchSuite(host, kOfxProgressSuite, 2);
    the.progress1 = the.progress2 ? NULL : the.host->fetchSuite(host, kOfxProgressSuite, 1);
    char *name = NULL;
    if (the.property->propGetString(host, kOfxPropName, 0, &name) == kOfxStatOK && name)
        snprintf(the.host_name, sizeof the.host_name, "%s", name);
    the.temporal = 1;
    the.property->propGetInt(host, kOfxImageEffectPropTemporalClipAccess, 0, &the.temporal);
    char message[VST_MESSAGE]; /* goes to the log; the first render says it to the user */
    vst_read_config(&the.config, message);
    vst_log("loaded by %s; temporal access %s", the.host_name[0] ? the.host_name : "a host without a name",
            the.temporal ? "offered" : "not offered");
    return kOfxStatOK;
}

static OfxStatus unload(void)
{
    vst_close();
    const OfxHost *host = the.host;
    memset(&the, 0, sizeof the);
    the.host = host;
    return kOfxStatOK;
}

effect *effect_of(const void *handle)
{
    OfxPropertySetHandle properties;
    void *data = NULL;
    if (!handle || the.effect->getPropertySet((OfxImageEffectHandle)handle, &properties) != kOfxStatOK ||
        the.property->propGetPointer(properties, kOfxPropInstanceData, 0, &data) != kOfxStatOK)
        return NULL;
    return data;
}

static OfxStatus create(OfxImageEffectHandle handle)
{
    static atomic_long count;
    OfxPropertySetHandle properties;
    effect *made = calloc(1, sizeof *made);
    if (!made)
        return kOfxStatErrMemory;
    made->handle = handle;
    made->number = atomic_fetch_add(&count, 1);
    if (the.effect->clipGetHandle(handle, kOfxImageEffectSimpleSourceClipName, &made->source, NULL) != kOfxStatOK ||
        the.effect->clipGetHandle(handle, kOfxImageEffectOutputClipName, &made->output, NULL) != kOfxStatOK ||
        the.effect->getPropertySet(handle, &properties) != kOfxStatOK ||
        the.property->propSetPointer(properties, kOfxPropInstanceData, 0, made) != kOfxStatOK) {
        free(made);
        return kOfxStatFailed;
    }
    return kOfxStatOK;
}

static OfxStatus destroy(OfxImageEffectHandle handle, effect *instance)
{
    OfxPropertySetHandle properties;
    if (the.effect->getPropertySet(handle, &properties) == kOfxStatOK)
        the.property->propSetPointer(properties, kOfxPropInstanceData, 0, NULL);
    free(instance);
    return kOfxStatOK;
}

static OfxStatus changed(effect *instance, OfxPropertySetHandle in)
{
    char *type = NULL, *reason = NULL;
    the.property->propGetString(in, kOfxPropType, 0, &type);
    the.property->propGetString(in, kOfxPropChangeReason, 0, &reason);
    /* Parameters are part of every request; another clip means that nothing known of the old one counts. */
    if (type && !strcmp(type, kOfxTypeClip) && (!reason || strcmp(reason, kOfxChangeTime) != 0))
        atomic_fetch_add(&instance->changes, 1);
    return kOfxStatOK;
}

static OfxStatus purge(effect *instance)
{
    atomic_fetch_add(&instance->changes, 1);
    vst_purge();
    return kOfxStatOK;
}

static OfxStatus is_identity(effect *instance, OfxPropertySetHandle in, OfxPropertySetHandle out)
{
    OfxTime time = 0;
    values chosen;
    the.property->propGetDouble(in, kOfxPropTime, 0, &time);
    read_values(instance, time, &chosen);
    if (chosen.strength > 0)
        return kOfxStatReplyDefault;
    the.property->propSetString(out, kOfxPropName, 0, kOfxImageEffectSimpleSourceClipName);
    the.property->propSetDouble(out, kOfxPropTime, 0, time);
    return kOfxStatOK;
}

static OfxStatus frames_needed(effect *instance, OfxPropertySetHandle in, OfxPropertySetHandle out)
{
    OfxTime time = 0;
    values chosen;
    the.property->propGetDouble(in, kOfxPropTime, 0, &time);
    read_values(instance, time, &chosen);
    double range[2] = {time, time};
    if (chosen.strength > 0 && !paints_alone(chosen.mode)) {
        /* What every render looks at. Frames of the past, back to the shot's start, are asked for when they are
         * needed: to name them here would have a host render all of them for each frame. */
        int first, last;
        frame_range(instance, time, &first, &last);
        range[0] = fmax(time - 2, fmin(first, time));
        range[1] = fmin(time + 2, fmax(last, time));
    }
    the.property->propSetDoubleN(out, kOfxImageClipPropFramesNeededSource, 2, range);
    return kOfxStatOK;
}

static OfxStatus regions_of_interest(effect *instance, OfxPropertySetHandle in, OfxPropertySetHandle out)
{
    OfxTime time = 0;
    OfxRectD region;
    the.property->propGetDouble(in, kOfxPropTime, 0, &time);
    if (the.effect->clipGetRegionOfDefinition(instance->source, time, &region) != kOfxStatOK)
        return kOfxStatReplyDefault;
    double sides[4] = {region.x1, region.y1, region.x2, region.y2};
    the.property->propSetDoubleN(out, kOfxImageClipPropRoISource, 4, sides);
    return kOfxStatOK;
}

static OfxStatus clip_preferences(effect *instance, OfxPropertySetHandle out)
{
    values chosen;
    read_values(instance, 0, &chosen);
    /* A painting with memory goes on changing where the clip stands still. */
    the.property->propSetInt(out, kOfxImageEffectFrameVarying, 0, !paints_alone(chosen.mode));
    return kOfxStatOK;
}

static OfxStatus act_on(const char *action, const void *handle, OfxPropertySetHandle in, OfxPropertySetHandle out)
{
    effect *instance = effect_of(handle);
    if (!instance)
        return kOfxStatErrBadHandle;
    if (!strcmp(action, kOfxActionDestroyInstance))
        return destroy((OfxImageEffectHandle)handle, instance);
    if (!strcmp(action, kOfxActionInstanceChanged))
        return changed(instance, in);
    if (!strcmp(action, kOfxActionPurgeCaches))
        return purge(instance);
    if (!strcmp(action, kOfxImageEffectActionIsIdentity))
        return is_identity(instance, in, out);
    if (!strcmp(action, kOfxImageEffectActionGetFramesNeeded))
        return frames_needed(instance, in, out);
    if (!strcmp(action, kOfxImageEffectActionGetRegionsOfInterest))
        return regions_of_interest(instance, in, out);
    if (!strcmp(action, kOfxImageEffectActionGetClipPreferences))
        return clip_preferences(instance, out);
    if (!strcmp(action, kOfxImageEffectActionRender))
        return render(instance, in);
    return kOfxStatOK; /* sequences begin and end, and there is no private data */
}

static OfxStatus main_entry(const char *action, const void *handle, OfxPropertySetHandle in, OfxPropertySetHandle out)
{
    static const char *const of_instances[] = {
        kOfxActionDestroyInstance,
        kOfxActionInstanceChanged,
        kOfxActionPurgeCaches,
        kOfxActionSyncPrivateData,
        kOfxImageEffectActionIsIdentity,
        kOfxImageEffectActionGetFramesNeeded,
        kOfxImageEffectActionGetRegionsOfInterest,
        kOfxImageEffectActionGetClipPreferences,
        kOfxImageEffectActionRender,
        kOfxImageEffectActionBeginSequenceRender,
        kOfxImageEffectActionEndSequenceRender,
    };
    if (!action)
        return kOfxStatErrBadHandle;
    if (!strcmp(action, kOfxActionLoad))
        return load();
    if (!the.property)
        return kOfxStatErrMissingHostFeature;
    if (!strcmp(action, kOfxActionUnload))
        return unload();
    if (!strcmp(action, kOfxActionDescribe))
        return describe((OfxImageEffectHandle)handle);
    if (!strcmp(action, kOfxImageEffectActionDescribeInContext))
        return describe_in_context((OfxImageEffectHandle)handle);
    if (!strcmp(action, kOfxActionCreateInstance))
        return create((OfxImageEffectHandle)handle);
    for (size_t i = 0; i < sizeof of_instances / sizeof *of_instances; i++)
        if (!strcmp(action, of_instances[i]))
            return act_on(action, handle, in, out);
    return kOfxStatReplyDefault;
}

static void set_host(OfxHost *host)
{
    the.host = host;
}

EXPORT OfxStatus OfxSetHost(const OfxHost *host);
EXPORT int OfxGetNumberOfPlugins(void);
EXPORT OfxPlugin *OfxGetPlugin(int number);

OfxStatus OfxSetHost(const OfxHost *host)
{
    the.host = host;
    return kOfxStatOK;
}

int OfxGetNumberOfPlugins(void)
{
    return 1;
}

OfxPlugin *OfxGetPlugin(int number)
{
    static OfxPlugin plugin = {kOfxImageEffectPluginApi, 1, IDENTIFIER, 1, 0, set_host, main_entry};
    return number ? NULL : &plugin;
}
