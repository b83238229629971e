/* The plugin's description and its parameters. */
#include <stdio.h>
#include <string.h>

#include "../client/parameters.h"
#include "plugin.h"

#define P ofx.property

static const char *const devices[] = {VST_CHOICES_DEVICE};
static const char *const colour_spaces[] = {VST_CHOICES_COLOUR_SPACE};
static const char *const look_aheads[] = {VST_CHOICES_LOOK_AHEAD};
#define LENGTH(array) ((int)(sizeof(array) / sizeof *(array)))

typedef enum kind { CHOICE, NUMBER, INTEGER, BOOLEAN, TEXT, FOLDER } kind;

typedef struct parameter {
    const char *name, *label;
    kind kind;
    double initial, smallest, largest, largest_shown;
    int animates;
    const char *hint;
} parameter;

#define AS_ROW(...) {__VA_ARGS__},
static const parameter parameters[] = {VST_OPENFX_PARAMETERS(AS_ROW)};
#define PARAMETERS (sizeof parameters / sizeof *parameters)

static void set_choices(const parameter *it, OfxPropertySetHandle properties)
{
    int count = 0;
    const vst_config *config = &ofx.config;
    const char *const *names = NULL;
    if (!strcmp(it->name, "device"))
        names = devices, count = LENGTH(devices);
    else if (!strcmp(it->name, "colourSpace"))
        names = colour_spaces, count = LENGTH(colour_spaces);
    else if (!strcmp(it->name, "lookAhead"))
        names = look_aheads, count = LENGTH(look_aheads);
    else
        count = strcmp(it->name, "style") ? config->modes : config->styles;
    for (int i = 0; i < count; i++)
        P->propSetString(properties, kOfxParamPropChoiceOption, i,
                         names ? names[i] : strcmp(it->name, "style") ? config->mode[i] : config->style[i]);
    if (!count)
        P->propSetString(properties, kOfxParamPropChoiceOption, 0, "run 'vst plugin install'");
}

static void define(OfxParamSetHandle set, const parameter *it)
{
    static const char *const types[] = {kOfxParamTypeChoice,  kOfxParamTypeDouble, kOfxParamTypeInteger,
                                        kOfxParamTypeBoolean, kOfxParamTypeString, kOfxParamTypeString};
    OfxPropertySetHandle properties = NULL;
    if (ofx.parameter->paramDefine(set, types[it->kind], it->name, &properties) != kOfxStatOK || !properties) {
        vst_log("the host has no parameters of type %s; %s keeps its default", types[it->kind], it->name);
        return;
    }
    P->propSetString(properties, kOfxPropLabel, 0, it->label);
    P->propSetString(properties, kOfxParamPropHint, 0, it->hint);
    P->propSetInt(properties, kOfxParamPropAnimates, 0, it->animates);
    if (it->kind == CHOICE) {
        set_choices(it, properties);
        P->propSetInt(properties, kOfxParamPropDefault, 0, (int)it->initial);
    } else if (it->kind == NUMBER) {
        P->propSetDouble(properties, kOfxParamPropDefault, 0, it->initial);
        P->propSetDouble(properties, kOfxParamPropMin, 0, it->smallest);
        P->propSetDouble(properties, kOfxParamPropMax, 0, it->largest);
        P->propSetDouble(properties, kOfxParamPropDisplayMin, 0, it->smallest);
        P->propSetDouble(properties, kOfxParamPropDisplayMax, 0, it->largest_shown);
    } else if (it->kind == INTEGER) {
        P->propSetInt(properties, kOfxParamPropDefault, 0, (int)it->initial);
        P->propSetInt(properties, kOfxParamPropMin, 0, (int)it->smallest);
        P->propSetInt(properties, kOfxParamPropMax, 0, (int)it->largest);
        P->propSetInt(properties, kOfxParamPropDisplayMin, 0, (int)it->smallest);
        P->propSetInt(properties, kOfxParamPropDisplayMax, 0, (int)it->largest_shown);
    } else if (it->kind == BOOLEAN) {
        P->propSetInt(properties, kOfxParamPropDefault, 0, (int)it->initial);
    } else {
        P->propSetString(properties, kOfxParamPropDefault, 0, "");
        if (it->kind == FOLDER) {
            P->propSetString(properties, kOfxParamPropStringMode, 0, kOfxParamStringIsDirectoryPath);
            P->propSetInt(properties, kOfxParamPropStringFilePathExists, 0, 0);
        }
    }
}

static void set_strings(OfxPropertySetHandle properties, const char *name, const char *const *list, int count)
{
    for (int i = 0; i < count; i++)
        P->propSetString(properties, name, i, list[i]);
}

OfxStatus describe(OfxImageEffectHandle handle)
{
    static const char *const contexts[] = {kOfxImageEffectContextFilter, kOfxImageEffectContextGeneral};
    static const char *const depths[] = {kOfxBitDepthFloat, kOfxBitDepthHalf, kOfxBitDepthShort, kOfxBitDepthByte};
    OfxPropertySetHandle properties;
    if (ofx.effect->getPropertySet(handle, &properties) != kOfxStatOK)
        return kOfxStatErrBadHandle;
    /* Projects save the identifier and parameter names, not labels. */
    P->propSetString(properties, kOfxPropLabel, 0, "vst stylize");
    P->propSetString(properties, kOfxImageEffectPluginPropGrouping, 0, "vst");
    P->propSetString(properties, kOfxPropPluginDescription, 0,
                     "Stylizes a clip, stable over time: strokes follow the motion. Frames rendered in any order "
                     "equal those of 'vst render'.");
    set_strings(properties, kOfxImageEffectPropSupportedContexts, contexts, 2);
    set_strings(properties, kOfxImageEffectPropSupportedPixelDepths, depths, 4);
    P->propSetInt(properties, kOfxImageEffectPluginPropSingleInstance, 0, 0);
    P->propSetInt(properties, kOfxImageEffectPropSupportsMultiResolution, 0, 0);
    P->propSetInt(properties, kOfxImageEffectPropSupportsTiles, 0, 0);
    P->propSetInt(properties, kOfxImageEffectPropTemporalClipAccess, 0, 1);
    P->propSetInt(properties, kOfxImageEffectPropSupportsMultipleClipDepths, 0, 0);
    P->propSetInt(properties, kOfxImageEffectPropSupportsMultipleClipPARs, 0, 0);
    P->propSetInt(properties, kOfxImageEffectPluginPropHostFrameThreading, 0, 0);
    P->propSetInt(properties, kOfxImageEffectInstancePropSequentialRender, 0, 2);
    P->propSetString(properties, kOfxImageEffectPluginRenderThreadSafety, 0, kOfxImageEffectRenderUnsafe);
    P->propSetString(properties, kOfxImageEffectPropClipPreferencesSlaveParam, 0, "mode");
    P->propSetString(properties, kOfxImageEffectPropClipPreferencesSlaveParam, 1, "keyframeInterval");
    return kOfxStatOK;
}

/* The optional clip that says where the source is stylized. */
static void define_mask(OfxImageEffectHandle handle)
{
    static const char *const components[] = {kOfxImageComponentAlpha, kOfxImageComponentRGBA,
                                             kOfxImageComponentRGB};
    OfxPropertySetHandle properties = NULL;
    if (ofx.effect->clipDefine(handle, MASK_CLIP, &properties) != kOfxStatOK || !properties) {
        vst_log("the host has no optional clips; there is no mask");
        return;
    }
    set_strings(properties, kOfxImageEffectPropSupportedComponents, components, 3);
    P->propSetInt(properties, kOfxImageEffectPropSupportsTiles, 0, 0);
    P->propSetInt(properties, kOfxImageClipPropOptional, 0, 1);
    P->propSetInt(properties, kOfxImageClipPropIsMask, 0, 1);
}

OfxStatus describe_in_context(OfxImageEffectHandle handle)
{
    static const char *const components[] = {kOfxImageComponentRGBA, kOfxImageComponentRGB,
                                             kOfxImageComponentAlpha};
    static const char *const clips[] = {kOfxImageEffectSimpleSourceClipName, kOfxImageEffectOutputClipName};
    for (int i = 0; i < 2; i++) {
        OfxPropertySetHandle properties;
        if (ofx.effect->clipDefine(handle, clips[i], &properties) != kOfxStatOK)
            return kOfxStatFailed;
        set_strings(properties, kOfxImageEffectPropSupportedComponents, components, 3);
        P->propSetInt(properties, kOfxImageEffectPropSupportsTiles, 0, 0);
        if (i == 0)
            P->propSetInt(properties, kOfxImageEffectPropTemporalClipAccess, 0, 1);
    }
    define_mask(handle);
    OfxParamSetHandle set;
    if (ofx.effect->getParamSet(handle, &set) != kOfxStatOK)
        return kOfxStatFailed;
    for (size_t i = 0; i < PARAMETERS; i++)
        define(set, &parameters[i]);
    OfxPropertySetHandle page;
    if (ofx.parameter->paramDefine(set, kOfxParamTypePage, "page", &page) == kOfxStatOK && page) {
        P->propSetString(page, kOfxPropLabel, 0, "vst");
        for (size_t i = 0; i < PARAMETERS; i++)
            P->propSetString(page, kOfxParamPropPageChild, (int)i, parameters[i].name);
    }
    return kOfxStatOK;
}

static OfxParamHandle handle_of(const effect *instance, const char *name)
{
    OfxParamSetHandle set;
    OfxParamHandle found = NULL;
    if (ofx.effect->getParamSet(instance->handle, &set) != kOfxStatOK ||
        ofx.parameter->paramGetHandle(set, name, &found, NULL) != kOfxStatOK)
        return NULL;
    return found;
}

static double initial_of(const char *name)
{
    for (size_t i = 0; i < PARAMETERS; i++)
        if (!strcmp(parameters[i].name, name))
            return parameters[i].initial;
    return 0;
}

static int read_integer(const effect *instance, const char *name, OfxTime time)
{
    int initial = (int)initial_of(name), value = initial;
    OfxParamHandle it = handle_of(instance, name);
    return it && ofx.parameter->paramGetValueAtTime(it, time, &value) == kOfxStatOK ? value : initial;
}

static double read_number(const effect *instance, const char *name, OfxTime time)
{
    double initial = initial_of(name), value = initial;
    OfxParamHandle it = handle_of(instance, name);
    return it && ofx.parameter->paramGetValueAtTime(it, time, &value) == kOfxStatOK ? value : initial;
}

static void read_text(const effect *instance, const char *name, OfxTime time, char *text, size_t size)
{
    char *value = NULL;
    OfxParamHandle it = handle_of(instance, name);
    int found = it && ofx.parameter->paramGetValueAtTime(it, time, &value) == kOfxStatOK && value;
    snprintf(text, size, "%s", found ? value : "");
}

static const char *name_at(const char names[][VST_NAME], int count, int index)
{
    return index >= 0 && index < count ? names[index] : count ? names[0] : "";
}

void read_values(const effect *instance, OfxTime time, values *found)
{
    const vst_config *config = &ofx.config;
    memset(found, 0, sizeof *found);
    read_text(instance, "blend", time, found->style, sizeof found->style);
    if (!found->style[strspn(found->style, " \t")])
        snprintf(found->style, sizeof found->style, "%s",
                 name_at(config->style, config->styles, read_integer(instance, "style", time)));
    snprintf(found->mode, sizeof found->mode, "%s",
             name_at(config->mode, config->modes, read_integer(instance, "mode", time)));
    int device = read_integer(instance, "device", time);
    snprintf(found->device, sizeof found->device, "%s", devices[device > 0 && device < LENGTH(devices) ? device : 0]);
    read_text(instance, "weights", time, found->weights, sizeof found->weights);
    found->strength = read_number(instance, "strength", time);
    found->style_scale = read_number(instance, "styleScale", time);
    found->keep_color = read_integer(instance, "keepColor", time) != 0;
    found->keep_borders = read_integer(instance, "keepBorders", time) != 0;
    found->keyframe_interval = read_integer(instance, "keyframeInterval", time);
    found->look_ahead = read_integer(instance, "lookAhead", time) == LOOK_AHEAD_AUTO;
    found->seed = read_integer(instance, "seed", time);
    found->colour_space = read_integer(instance, "colourSpace", time);
    found->limit = read_integer(instance, "replayLimit", time);
}

int is_stateless(const values *chosen)
{
    if (chosen->keyframe_interval > 1) /* keyframes are propagated to the frames between, in every mode */
        return 0;
    for (int i = 0; i < ofx.config.stateless_modes; i++)
        if (!strcmp(ofx.config.stateless_mode[i], chosen->mode))
            return 1;
    return 0;
}
