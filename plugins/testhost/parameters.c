/* Parameters, and the parameter suite. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <string.h>

#include "host.h"

parameter described[MOST_PARAMETERS];
int described_count;

static OfxStatus define_parameter(OfxParamSetHandle set, const char *type, const char *name,
                                  OfxPropertySetHandle *found)
{
    (void)set;
    if (options.limited && !strcmp(type, kOfxParamTypeString))
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

parameter *parameter_of(OfxImageEffectHandle effect, const char *name)
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

static OfxStatus take_value(OfxParamHandle handle, OfxTime time, va_list arguments)
{
    parameter *it = (parameter *)(void *)handle;
    if (options.limited && !strcmp(it->type, kOfxParamTypeChoice))
        return kOfxStatErrUnsupported;
    if (!strcmp(it->type, kOfxParamTypeDouble))
        *va_arg(arguments, double *) =
            it->is_animated ? it->number + (it->later - it->number) * time / (frames - 1) : it->number;
    else if (!strcmp(it->type, kOfxParamTypeString))
        *va_arg(arguments, char **) = it->text;
    else
        *va_arg(arguments, int *) = it->integer;
    return kOfxStatOK;
}

static OfxStatus value(OfxParamHandle handle, ...)
{
    va_list arguments;
    va_start(arguments, handle);
    OfxStatus status = take_value(handle, current.time, arguments);
    va_end(arguments);
    return status;
}

static OfxStatus value_at(OfxParamHandle handle, OfxTime time, ...)
{
    va_list arguments;
    va_start(arguments, time);
    OfxStatus status = take_value(handle, time, arguments);
    va_end(arguments);
    return status;
}

const OfxParameterSuiteV1 parameter_suite = {
    define_parameter, parameter_handle, set_properties, parameter_properties, value,  value_at, unused,
    unused,           unused,           unused,         unused,               unused, unused,   unused,
    unused,           unused,           unused,         unused};
