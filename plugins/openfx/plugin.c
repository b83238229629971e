/* The plugin's entry point: dispatches the host's actions. */
#include "plugin.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

openfx_host ofx;

static OfxStatus load(void)
{
    if (!ofx.host || !ofx.host->fetchSuite)
        return kOfxStatErrMissingHostFeature;
    OfxPropertySetHandle host = ofx.host->host;
    ofx.property = ofx.host->fetchSuite(host, kOfxPropertySuite, 1);
    ofx.effect = ofx.host->fetchSuite(host, kOfxImageEffectSuite, 1);
    ofx.parameter = ofx.host->fetchSuite(host, kOfxParameterSuite, 1);
    if (!ofx.property || !ofx.effect || !ofx.parameter) {
        vst_log("the host lacks the property, image effect or parameter suite");
        return kOfxStatErrMissingHostFeature;
    }
    ofx.message_version = 2;
    ofx.message = ofx.host->fetchSuite(host, kOfxMessageSuite, 2);
    if (!ofx.message) {
        ofx.message_version = 1;
        ofx.message = ofx.host->fetchSuite(host, kOfxMessageSuite, 1);
    }
    ofx.progress2 = ofx.host->fetchSuite(host, kOfxProgressSuite, 2);
    ofx.progress1 = ofx.progress2 ? NULL : ofx.host->fetchSuite(host, kOfxProgressSuite, 1);
    char *name = NULL;
    if (ofx.property->propGetString(host, kOfxPropName, 0, &name) == kOfxStatOK && name)
        snprintf(ofx.host_name, sizeof ofx.host_name, "%s", name);
    ofx.temporal = 1;
    ofx.property->propGetInt(host, kOfxImageEffectPropTemporalClipAccess, 0, &ofx.temporal);
    char error[VST_ERROR_SIZE]; /* goes to the log; the first render reports it to the user */
    vst_read_config(&ofx.config, error);
    vst_log("loaded by %s; temporal access %s", ofx.host_name[0] ? ofx.host_name : "a host without a name",
            ofx.temporal ? "offered" : "not offered");
    return kOfxStatOK;
}

static OfxStatus unload(void)
{
    vst_close();
    const OfxHost *host = ofx.host;
    memset(&ofx, 0, sizeof ofx);
    ofx.host = host;
    return kOfxStatOK;
}

effect *effect_of(const void *handle)
{
    OfxPropertySetHandle properties;
    void *data = NULL;
    if (!handle || ofx.effect->getPropertySet((OfxImageEffectHandle)handle, &properties) != kOfxStatOK ||
        ofx.property->propGetPointer(properties, kOfxPropInstanceData, 0, &data) != kOfxStatOK)
        return NULL;
    return data;
}

static OfxStatus create(OfxImageEffectHandle handle)
{
    static atomic_long instances;
    OfxPropertySetHandle properties;
    effect *made = calloc(1, sizeof *made);
    if (!made)
        return kOfxStatErrMemory;
    made->handle = handle;
    made->number = atomic_fetch_add(&instances, 1);
    if (ofx.effect->clipGetHandle(handle, kOfxImageEffectSimpleSourceClipName, &made->source, NULL) != kOfxStatOK ||
        ofx.effect->clipGetHandle(handle, kOfxImageEffectOutputClipName, &made->output, NULL) != kOfxStatOK ||
        ofx.effect->getPropertySet(handle, &properties) != kOfxStatOK ||
        ofx.property->propSetPointer(properties, kOfxPropInstanceData, 0, made) != kOfxStatOK) {
        free(made);
        return kOfxStatFailed;
    }
    if (ofx.effect->clipGetHandle(handle, MASK_CLIP, &made->mask, NULL) != kOfxStatOK)
        made->mask = NULL;
    return kOfxStatOK;
}

static OfxStatus destroy(OfxImageEffectHandle handle, effect *instance)
{
    OfxPropertySetHandle properties;
    if (ofx.effect->getPropertySet(handle, &properties) == kOfxStatOK)
        ofx.property->propSetPointer(properties, kOfxPropInstanceData, 0, NULL);
    free(instance);
    return kOfxStatOK;
}

static OfxStatus instance_changed(effect *instance, OfxPropertySetHandle in)
{
    char *type = NULL, *name = NULL, *reason = NULL;
    ofx.property->propGetString(in, kOfxPropType, 0, &type);
    ofx.property->propGetString(in, kOfxPropName, 0, &name);
    ofx.property->propGetString(in, kOfxPropChangeReason, 0, &reason);
    /* Parameters are part of every request, and the mask is read at every render; another source makes the known
     * frames invalid. */
    int is_mask = name && !strcmp(name, MASK_CLIP);
    if (type && !strcmp(type, kOfxTypeClip) && !is_mask && (!reason || strcmp(reason, kOfxChangeTime) != 0))
        atomic_fetch_add(&instance->changes, 1);
    return kOfxStatOK;
}

static OfxStatus purge_caches(effect *instance)
{
    atomic_fetch_add(&instance->changes, 1);
    vst_purge();
    return kOfxStatOK;
}

static OfxStatus is_identity(effect *instance, OfxPropertySetHandle in, OfxPropertySetHandle out)
{
    OfxTime time = 0;
    values chosen;
    ofx.property->propGetDouble(in, kOfxPropTime, 0, &time);
    read_values(instance, time, &chosen);
    if (!(chosen.strength <= 0)) /* also if it is not a number, which the render refuses */
        return kOfxStatReplyDefault;
    ofx.property->propSetString(out, kOfxPropName, 0, kOfxImageEffectSimpleSourceClipName);
    ofx.property->propSetDouble(out, kOfxPropTime, 0, time);
    return kOfxStatOK;
}

static OfxStatus frames_needed(effect *instance, OfxPropertySetHandle in, OfxPropertySetHandle out)
{
    OfxTime time = 0;
    values chosen;
    ofx.property->propGetDouble(in, kOfxPropTime, 0, &time);
    read_values(instance, time, &chosen);
    double range[2] = {time, time};
    if (!(chosen.strength <= 0) && !is_stateless(&chosen)) {
        /* The frames that renders always fetch. Earlier frames of the shot, and those up to the next keyframe, are
         * fetched only if needed: if they were listed here, hosts would render all of them for each frame. */
        int first, last;
        frame_range(instance, time, &first, &last);
        range[0] = fmax(time - 2, fmin(first, time));
        range[1] = fmin(time + 2, fmax(last, time));
    }
    ofx.property->propSetDoubleN(out, kOfxImageClipPropFramesNeededSource, 2, range);
    if (has_mask(instance)) {
        double now[2] = {time, time};
        ofx.property->propSetDoubleN(out, FRAMES_NEEDED_MASK, 2, now);
    }
    return kOfxStatOK;
}

static OfxStatus regions_of_interest(effect *instance, OfxPropertySetHandle in, OfxPropertySetHandle out)
{
    OfxTime time = 0;
    OfxRectD region;
    ofx.property->propGetDouble(in, kOfxPropTime, 0, &time);
    if (ofx.effect->clipGetRegionOfDefinition(instance->source, time, &region) != kOfxStatOK)
        return kOfxStatReplyDefault;
    double sides[4] = {region.x1, region.y1, region.x2, region.y2};
    ofx.property->propSetDoubleN(out, kOfxImageClipPropRoISource, 4, sides);
    if (has_mask(instance))
        ofx.property->propSetDoubleN(out, REGION_NEEDED_MASK, 4, sides);
    return kOfxStatOK;
}

static OfxStatus clip_preferences(effect *instance, OfxPropertySetHandle out)
{
    values chosen;
    read_values(instance, 0, &chosen);
    /* With a temporal mode, the output changes even where the clip does not. */
    ofx.property->propSetInt(out, kOfxImageEffectFrameVarying, 0, !is_stateless(&chosen));
    return kOfxStatOK;
}

static OfxStatus act_on_instance(const char *action, const void *handle, OfxPropertySetHandle in,
                                 OfxPropertySetHandle out)
{
    effect *instance = effect_of(handle);
    if (!instance)
        return kOfxStatErrBadHandle;
    if (!strcmp(action, kOfxActionDestroyInstance))
        return destroy((OfxImageEffectHandle)handle, instance);
    if (!strcmp(action, kOfxActionInstanceChanged))
        return instance_changed(instance, in);
    if (!strcmp(action, kOfxActionPurgeCaches))
        return purge_caches(instance);
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
    return kOfxStatOK; /* sequences need no set-up, and there is no private data */
}

static OfxStatus main_entry(const char *action, const void *handle, OfxPropertySetHandle in,
                            OfxPropertySetHandle out)
{
    static const char *const instance_actions[] = {
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
    if (!ofx.property)
        return kOfxStatErrMissingHostFeature;
    if (!strcmp(action, kOfxActionUnload))
        return unload();
    if (!strcmp(action, kOfxActionDescribe))
        return describe((OfxImageEffectHandle)handle);
    if (!strcmp(action, kOfxImageEffectActionDescribeInContext))
        return describe_in_context((OfxImageEffectHandle)handle);
    if (!strcmp(action, kOfxActionCreateInstance))
        return create((OfxImageEffectHandle)handle);
    for (size_t i = 0; i < sizeof instance_actions / sizeof *instance_actions; i++)
        if (!strcmp(action, instance_actions[i]))
            return act_on_instance(action, handle, in, out);
    return kOfxStatReplyDefault;
}

static void set_host(OfxHost *host)
{
    ofx.host = host;
}

EXPORT OfxStatus OfxSetHost(const OfxHost *host);
EXPORT int OfxGetNumberOfPlugins(void);
EXPORT OfxPlugin *OfxGetPlugin(int number);

OfxStatus OfxSetHost(const OfxHost *host)
{
    ofx.host = host;
    return kOfxStatOK;
}

int OfxGetNumberOfPlugins(void)
{
    return 1;
}

OfxPlugin *OfxGetPlugin(int number)
{
    static OfxPlugin plugin = {kOfxImageEffectPluginApi, 1, IDENTIFIER, 1, 1, set_host, main_entry};
    return number ? NULL : &plugin;
}
