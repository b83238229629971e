/* The configuration that the installation wrote. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static void copy_text(char *field, size_t size, const char *value)
{
    snprintf(field, size, "%s", value);
}

static void set_value(vst_config *config, const char *name, const char *value)
{
    if (!strcmp(name, "python"))
        copy_text(config->python, sizeof config->python, value);
    else if (!strcmp(name, "package"))
        copy_text(config->package, sizeof config->package, value);
    else if (!strcmp(name, "style") && config->styles < VST_NAMES)
        copy_text(config->style[config->styles++], VST_NAME, value);
    else if (!strcmp(name, "mode") && config->modes < VST_NAMES)
        copy_text(config->mode[config->modes++], VST_NAME, value);
    else if (!strcmp(name, "alone") && config->stateless_modes < VST_NAMES)
        copy_text(config->stateless_mode[config->stateless_modes++], VST_NAME, value);
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
        set_value(config, line, value);
    }
    fclose(file);
    return 0;
}

int vst_read_config(vst_config *config, char error[VST_ERROR_SIZE])
{
    memset(config, 0, sizeof *config);
    const char *named = getenv("VST_PLUGIN_CONFIG");
    char beside[VST_PATH] = "", inside[VST_PATH + 32] = "", binary[VST_PATH] = "";
    static const char inside_binary = 0; /* an address inside this binary */
    Dl_info info;
    if (dladdr(&inside_binary, &info) && info.dli_fname && realpath(info.dli_fname, binary)) {
        char *dot = strrchr(binary, '.'), *slash = strrchr(binary, '/');
        snprintf(beside, sizeof beside, "%.*s.conf", (int)((dot > slash ? dot : binary + strlen(binary)) - binary),
                 binary);
        snprintf(inside, sizeof inside, "%.*s/../Resources/vst.conf", (int)(slash - binary), binary);
    }
    const char *paths[] = {named && *named ? named : NULL, inside, beside};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        if (!paths[i] || !*paths[i] || load(paths[i], config))
            continue;
        if (config->python[0] && config->package[0])
            return 0;
        vst_set_error(error, "vst: %s names no Python; run 'vst plugin install' again", paths[i]);
        return -1;
    }
    vst_set_error(error, "vst: the plugin %s is not installed; run 'vst plugin install'", binary);
    return -1;
}
