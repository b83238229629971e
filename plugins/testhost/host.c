/* A host for the OpenFX plugin, for tests: it combines the difficult behaviour of real hosts.
 *
 *     vst_ofx_host PLUGIN.ofx CLIP WIDTH HEIGHT OUTPUT [OPTION...]
 *
 * CLIP is raw float RGBA, top row first, not premultiplied, frame after frame. The host reads commands from
 * standard input, one a line, and answers each with one line:
 *
 *     render T...            render frames in turn and append them to OUTPUT, float RGBA as CLIP. The answer has
 *                            the status of each, and the seconds that its render action took
 *     threads N T...         the same on N threads at once, on one instance
 *     set NAME VALUE         set a parameter and notify the instance
 *     animate NAME A B       let a number go from A at frame 0 to B at the last one
 *     environment NAME VALUE set an environment variable of the host
 *     change T FILE          replace frame T of the clip by the first of FILE, without notifying the instance
 *     change_mask T FILE     the same with the mask, and notify the instance
 *     clip_changed           notify the instance that its clip changed
 *     instance               destroy the instance, create another
 *     fresh 0|1              a new instance for each frame
 *     interactive 0|1        render as for interactive use
 *     missing T              remove frame T from the clip
 *     abort MS               abort the next render after MS milliseconds
 *     window X1 Y1 X2 Y2     the render window, relative to the image
 *     identity T, needed T   ask the plugin
 *     purge                  purge caches
 *     reload                 unload the plugin and load it again
 *     describe               print the plugin's description
 *
 * Options: depth=byte|short|half|float components=RGBA|RGB|Alpha rows=negative pad=BYTES origin=X,Y
 * premultiplied=1 temporal=yes|no|same scale=S rate=FPS name=HOST messages=0|1|2 progress=0|1|2 limited=1 (no text
 * parameters, no values of choices, no optional clips) locale=NAME (setlocale, as hosts with a user interface do) chained=call|thread
 * (the source is rendered by another instance, in the same thread or in another one) mask=FILE (raw float, frame
 * after frame of the size of the clip) mask_components=Alpha|RGB|RGBA mask_origin=X,Y
 *
 * Pictures lie between guard bytes and rows are padded. After every render the host checks the guards, that the
 * sources are unchanged, and that every image was released. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("host: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(70);
}

static void print_reply(const char *what, int time)
{
    OfxPropertySetHandle in = new_set(), out = new_set();
    double range[2] = {0, 0};
    set_double(in, kOfxPropTime, 0, time);
    if (!strcmp(what, "identity")) {
        printf("identity %d\n", call_plugin(kOfxImageEffectActionIsIdentity, instance, in, out) == kOfxStatOK);
    } else {
        must_call(kOfxImageEffectActionGetFramesNeeded, instance, in, out);
        get_doubles(out, kOfxImageClipPropFramesNeededSource, 2, range);
        printf("needed %g %g", range[0], range[1]);
        int has_mask = get_doubles(out, "OfxImageClipPropFrameRange_Mask", 2, range) == kOfxStatOK;
        has_mask ? printf(" mask %g %g\n", range[0], range[1]) : printf("\n");
    }
    free_set(in);
    free_set(out);
}

static void print_description(void)
{
    printf("plugin %s %u.%u", plugin->pluginIdentifier, plugin->pluginVersionMajor, plugin->pluginVersionMinor);
    for (int i = 0; i < described_count; i++) {
        property *choices = find_property(described[i].properties, kOfxParamPropChoiceOption, 0);
        printf("; %s %s", described[i].name, described[i].type);
        for (int k = 0; choices && k < choices->count; k++)
            printf("%s%s", k ? "," : " ", choices->text[k]);
    }
    OfxPropertySetHandle set = descriptor.properties;
    printf("; sequential %d", find_property(set, kOfxImageEffectInstancePropSequentialRender, 1)->integer[0]);
    printf("; safety %s\n", find_property(set, kOfxImageEffectPluginRenderThreadSafety, 1)->text[0]);
}

static void set_parameter(const char *name, const char *text)
{
    parameter *it = parameter_of(instance, name);
    if (!it)
        die("the plugin has no parameter %s", name);
    it->is_animated = 0;
    it->integer = atoi(text);
    it->number = decimal(text);
    snprintf(it->text, sizeof it->text, "%s", text);
    notify_changed(kOfxTypeParameter, name);
}

static void animate_parameter(const char *name, const char *values)
{
    parameter *it = parameter_of(instance, name);
    int animates = 0;
    const char *later = values ? strchr(values, ' ') : NULL;
    if (!it || get_int(it->properties, kOfxParamPropAnimates, 0, &animates) != kOfxStatOK || !animates || !later)
        die("%s has no values over time", name);
    it->is_animated = 1;
    char *first = strndup(values, (size_t)(later - values));
    it->number = decimal(first);
    it->later = decimal(later + 1);
    free(first);
}

static void run_command(char *line, const char *path)
{
    char *rest = line, *word = strsep(&rest, " ");
    int numbers[MOST_FRAMES], count = 0;
    char *first = rest ? strdup(rest) : strdup("");
    for (char *at = rest; at && *at && count < MOST_FRAMES; at = strchr(at, ' ') ? strchr(at, ' ') + 1 : NULL)
        numbers[count++] = atoi(at);
    if (!strcmp(word, "render")) {
        render(numbers, count, 0);
    } else if (!strcmp(word, "threads")) {
        render(numbers + 1, count - 1, numbers[0]);
    } else if (!strcmp(word, "identity") || !strcmp(word, "needed")) {
        print_reply(word, numbers[0]);
    } else if (!strcmp(word, "describe")) {
        print_description();
    } else {
        char *value_text = first, *name = strsep(&value_text, " ");
        if (!strcmp(word, "set"))
            set_parameter(name, value_text ? value_text : "");
        else if (!strcmp(word, "animate"))
            animate_parameter(name, value_text);
        else if (!strcmp(word, "environment"))
            setenv(name, value_text ? value_text : "", 1);
        else if (!strcmp(word, "change"))
            read_clip(value_text, numbers[0]);
        else if (!strcmp(word, "change_mask"))
            read_mask(value_text, numbers[0]), notify_changed(kOfxTypeClip, "Mask");
        else if (!strcmp(word, "clip_changed"))
            notify_changed(kOfxTypeClip, "Source");
        else if (!strcmp(word, "instance"))
            destroy_instance(), create_instance();
        else if (!strcmp(word, "fresh"))
            fresh_instances = numbers[0];
        else if (!strcmp(word, "interactive"))
            interactive = numbers[0];
        else if (!strcmp(word, "missing"))
            missing[numbers[0]] = 1;
        else if (!strcmp(word, "abort"))
            atomic_store(&abort_at_ms, milliseconds() + numbers[0]), atomic_store(&aborting, 1);
        else if (!strcmp(word, "window"))
            memcpy(window, numbers, sizeof window);
        else if (!strcmp(word, "purge"))
            must_call(kOfxActionPurgeCaches, instance, NULL, NULL);
        else if (!strcmp(word, "reload"))
            destroy_instance(), unload_plugin(), load_plugin(path), create_instance();
        else
            die("%s is not a command", word);
        printf("ok\n");
    }
    free(first);
}

int main(int count, char **arguments)
{
    if (count < 6)
        die("usage: vst_ofx_host PLUGIN.ofx CLIP WIDTH HEIGHT OUTPUT [OPTION...]");
    for (int i = 6; i < count; i++)
        configure(arguments[i]);
    width = atoi(arguments[3]);
    height = atoi(arguments[4]);
    if (width < 1 || height < 1)
        die("a frame of %s×%s has no pixels", arguments[3], arguments[4]);
    read_clip(arguments[2], -1);
    if (options.mask)
        read_mask(options.mask, -1);
    output = fopen(arguments[5], "wb");
    if (!output)
        die("cannot write %s", arguments[5]);
    load_plugin(arguments[1]);
    create_instance();
    setvbuf(stdout, NULL, _IOLBF, 0);
    char line[8192];
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        if (*line)
            run_command(line, arguments[1]);
    }
    destroy_instance();
    unload_plugin();
    for (int i = 0; i < frames; i++)
        free_picture(&clip[i]);
    free_mask();
    fclose(output);
    return 0;
}
