/* The host's options. */
#define _GNU_SOURCE
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

host_options options = {VST_FLOAT, 4, 0, 0, 0, 0, 0, TEMPORAL_YES, 2, 2, 0, CHAINED_NOT, 1, 0, "vst test host",
                        NULL, 1, 0, 0};

/* A number with a point, whatever the locale that the host has taken. */
double decimal(const char *text)
{
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    double number = strtod_l(text, NULL, c_locale);
    freelocale(c_locale);
    return number;
}

void configure(const char *option)
{
    const char *is = strchr(option, '=');
    if (!is)
        die("%s is not an option", option);
    is++;
    int number = atoi(is);
    if (!strncmp(option, "depth=", 6))
        options.depth = !strcmp(is, "byte") ? VST_BYTE : !strcmp(is, "short") ? VST_SHORT
                   : !strcmp(is, "half") ? VST_HALF : VST_FLOAT;
    else if (!strncmp(option, "components=", 11))
        options.components = !strcmp(is, "RGBA") ? 4 : !strcmp(is, "RGB") ? 3 : 1;
    else if (!strncmp(option, "rows=", 5))
        options.negative = !strcmp(is, "negative");
    else if (!strncmp(option, "pad=", 4))
        options.pad = number;
    else if (!strncmp(option, "origin=", 7))
        sscanf(is, "%d,%d", &options.x, &options.y);
    else if (!strncmp(option, "premultiplied=", 14))
        options.premultiplied = number;
    else if (!strncmp(option, "temporal=", 9))
        options.temporal = !strcmp(is, "no") ? TEMPORAL_NO : !strcmp(is, "same") ? TEMPORAL_SAME : TEMPORAL_YES;
    else if (!strncmp(option, "scale=", 6))
        options.scale = decimal(is);
    else if (!strncmp(option, "rate=", 5))
        options.rate = decimal(is);
    else if (!strncmp(option, "name=", 5))
        options.name = is;
    else if (!strncmp(option, "mask=", 5))
        options.mask = is;
    else if (!strncmp(option, "mask_components=", 16))
        options.mask_components = !strcmp(is, "RGBA") ? 4 : !strcmp(is, "RGB") ? 3 : 1;
    else if (!strncmp(option, "mask_origin=", 12))
        sscanf(is, "%d,%d", &options.mask_x, &options.mask_y);
    else if (!strncmp(option, "messages=", 9))
        options.messages = number;
    else if (!strncmp(option, "progress=", 9))
        options.progress = number;
    else if (!strncmp(option, "chained=", 8))
        options.chained = !strcmp(is, "thread") ? CHAINED_THREAD : CHAINED_CALL;
    else if (!strncmp(option, "locale=", 7)) {
        if (!setlocale(LC_ALL, is))
            die("there is no locale %s", is);
    } else if (!strncmp(option, "limited=", 8))
        options.limited = number;
    else
        die("%s is not an option", option);
}
