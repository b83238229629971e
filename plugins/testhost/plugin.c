/* The plugin: loading, describing and instances. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

OfxPlugin *plugin;
struct OfxImageEffectStruct descriptor;
OfxImageEffectHandle instance, upstream;

static const void *fetch_suite(OfxPropertySetHandle host, const char *name, int version)
{
    (void)host;
    if (!strcmp(name, kOfxPropertySuite) && version == 1)
        return &property_suite;
    if (!strcmp(name, kOfxImageEffectSuite) && version == 1)
        return &effect_suite;
    if (!strcmp(name, kOfxParameterSuite) && version == 1)
        return &parameter_suite;
    if (!strcmp(name, kOfxMessageSuite) && version == options.messages)
        return version == 2 ? (const void *)&message_suite : &message_suite_1;
    if (!strcmp(name, kOfxProgressSuite) && version == options.progress)
        return version == 2 ? (const void *)&progress_suite_2 : &progress_suite_1;
    return NULL;
}

static OfxHost host = {.fetchSuite = fetch_suite};
static void *library;

OfxStatus call_plugin(const char *action, const void *handle, OfxPropertySetHandle in, OfxPropertySetHandle out)
{
    return plugin->mainEntry(action, handle, in, out);
}

void must_call(const char *action, const void *handle, OfxPropertySetHandle in, OfxPropertySetHandle out)
{
    OfxStatus status = call_plugin(action, handle, in, out);
    if (status != kOfxStatOK && status != kOfxStatReplyDefault)
        die("%s failed with %d", action, status);
}

static void init_effect(OfxImageEffectHandle effect)
{
    memset(effect, 0, sizeof *effect);
    effect->properties = new_set();
    effect->source.properties = new_set();
    effect->output.properties = new_set();
    effect->output.is_output = 1;
    effect->mask.properties = new_set();
    effect->mask.is_mask = 1;
    set_int(effect->mask.properties, kOfxImageClipPropConnected, 0, options.mask != NULL);
    double range[2] = {0, frames - 1};
    set_doubles(effect->source.properties, kOfxImageEffectPropFrameRange, 2, range);
    if (options.rate > 0)
        set_double(effect->source.properties, kOfxImageEffectPropFrameRate, 0, options.rate);
}

static void free_effect(OfxImageEffectHandle effect)
{
    free_set(effect->properties);
    free_set(effect->source.properties);
    free_set(effect->output.properties);
    free_set(effect->mask.properties);
    free(effect->parameters);
}

void load_plugin(const char *path)
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
        die("the library has another kind of plugin");
    host.host = new_set();
    set_string(host.host, kOfxPropName, 0, options.name);
    set_int(host.host, kOfxImageEffectPropTemporalClipAccess, 0, options.temporal != TEMPORAL_NO);
    plugin->setHost(&host);
    must_call(kOfxActionLoad, NULL, NULL, NULL);
    init_effect(&descriptor);
    must_call(kOfxActionDescribe, &descriptor, NULL, NULL);
    OfxPropertySetHandle in = new_set();
    set_string(in, kOfxImageEffectPropContext, 0, kOfxImageEffectContextFilter);
    must_call(kOfxImageEffectActionDescribeInContext, &descriptor, in, NULL);
    free_set(in);
    if (call_plugin("an action of a later version", &descriptor, NULL, NULL) != kOfxStatReplyDefault)
        die("the plugin handled an unknown action");
}

static OfxImageEffectHandle create_effect(OfxImageEffectHandle before)
{
    OfxImageEffectHandle made = calloc(1, sizeof *made);
    init_effect(made);
    made->source.upstream = before;
    made->parameters = calloc(MOST_PARAMETERS, sizeof *made->parameters);
    made->count = described_count;
    for (int i = 0; i < described_count; i++) {
        parameter *it = &made->parameters[i];
        *it = described[i];
        char *text = NULL;
        get_int(it->properties, kOfxParamPropDefault, 0, &it->integer);
        get_double(it->properties, kOfxParamPropDefault, 0, &it->number);
        if (get_string(it->properties, kOfxParamPropDefault, 0, &text) == kOfxStatOK)
            snprintf(it->text, sizeof it->text, "%s", text);
    }
    must_call(kOfxActionCreateInstance, made, NULL, NULL);
    OfxPropertySetHandle out = new_set();
    must_call(kOfxImageEffectActionGetClipPreferences, made, NULL, out);
    free_set(out);
    return made;
}

static void destroy_effect(OfxImageEffectHandle effect)
{
    if (!effect)
        return;
    must_call(kOfxActionSyncPrivateData, effect, NULL, NULL);
    must_call(kOfxActionDestroyInstance, effect, NULL, NULL);
    free_effect(effect);
    free(effect);
}

void create_instance(void)
{
    upstream = options.chained ? create_effect(NULL) : NULL;
    instance = create_effect(upstream);
}

void destroy_instance(void)
{
    destroy_effect(instance);
    destroy_effect(upstream);
    instance = upstream = NULL;
}

void unload_plugin(void)
{
    must_call(kOfxActionUnload, NULL, NULL, NULL);
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

void notify_changed(const char *type, const char *name)
{
    OfxPropertySetHandle in = new_set();
    set_string(in, kOfxPropType, 0, type);
    set_string(in, kOfxPropName, 0, name);
    set_string(in, kOfxPropChangeReason, 0, "OfxChangeUserEdited");
    set_double(in, kOfxPropTime, 0, 0);
    must_call(kOfxActionInstanceChanged, instance, in, NULL);
    free_set(in);
}
