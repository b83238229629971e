#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static void keep(char *field, size_t size, const char *value)
{
    snprintf(field, size, "%s", value);
}

static void take(vst_config *config, const char *name, const char *value)
{
    if (!strcmp(name, "python"))
        keep(config->python, sizeof config->python, value);
    else if (!strcmp(name, "package"))
        keep(config->package, sizeof config->package, value);
    else if (!strcmp(name, "style") && config->styles < VST_NAMES)
        keep(config->style[config->styles++], VST_NAME, value);
    else if (!strcmp(name, "mode") && config->modes < VST_NAMES)
        keep(config->mode[config->modes++], VST_NAME, value);
    else if (!strcmp(name, "alone") && config->alone < VST_NAMES)
        keep(config->alone_mode[config->alone++], VST_NAME, value);
}

static int load(const char *path, vst_config *config)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return -1;
    char line[VST_PATH + 64];
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\r\n")] = 0;
        char *value = strchr(line, '=');
        if (line[0] == '#' || !value)
            continue;
        *value++ = 0;
        take(config, line, value);
    }
    fclose(file);
    return 0;
}

int vst_read_config(vst_config *config, char message[VST_MESSAGE])
{
    memset(config, 0, sizeof *config);
    const char *named = getenv("VST_PLUGIN_CONFIG");
    char beside[VST_PATH] = "", inside[VST_PATH + 32] = "", binary[VST_PATH] = "";
    static const char here = 0; /* an address inside this binary */
    Dl_info info;
    if (dladdr(&here, &info) && info.dli_fname && realpath(info.dli_fname, binary)) {
        char *dot = strrchr(binary, '.'), *slash = strrchr(binary, '/');
        snprintf(beside, sizeof beside, "%.*s.conf", (int)((dot > slash ? dot : binary + strlen(binary)) - binary),
                 binary);
        snprintf(inside, sizeof inside, "%.*s/../Resources/vst.conf", (int)(slash - binary), binary);
    }
    const char *places[] = {named && *named ? named : NULL, inside, beside};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (!places[i] || !*places[i] || load(places[i], config))
            continue;
        if (config->python[0] && config->package[0])
            return 0;
        vst_say(message, "vst: %s does not say where Python is; run 'vst plugin install' again", places[i]);
        return -1;
    }
    vst_say(message, "vst: the plugin %s is not installed; run 'vst plugin install'", binary);
    return -1;
}
