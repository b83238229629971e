/* Pictures in the pixel format of the host, and the clip. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

int width, height, frames;
picture clip[MOST_FRAMES];
int missing[MOST_FRAMES];

static vst_image view_of(const picture *it)
{
    vst_image view = {.data = it->bottom + (ptrdiff_t)(height - 1) * it->row_bytes,
                      .row_bytes = -(ptrdiff_t)it->row_bytes,
                      .width = width,
                      .height = height,
                      .depth = options.depth,
                      .components = options.components,
                      .premultiplied = options.premultiplied};
    return view;
}

picture new_picture(void)
{
    vst_image shape = {.depth = options.depth, .components = options.components};
    size_t row = (size_t)width * (size_t)vst_pixel_bytes(&shape) + (size_t)options.pad;
    picture it = {.size = row * (size_t)height + 2 * GUARD};
    it.memory = malloc(it.size);
    memset(it.memory, GUARD_BYTE, it.size);
    it.bottom = it.memory + GUARD + (options.negative ? row * (size_t)(height - 1) : 0);
    it.row_bytes = options.negative ? -(int)row : (int)row;
    return it;
}

void free_picture(picture *it)
{
    free(it->memory);
    free(it->before);
    memset(it, 0, sizeof *it);
}

/* Whether all bytes outside of the pixels are unchanged. */
int guards_are_intact(const picture *it)
{
    vst_image view = view_of(it);
    size_t pixels = (size_t)width * (size_t)vst_pixel_bytes(&view), row = pixels + (size_t)options.pad;
    for (size_t i = 0; i < it->size; i++) {
        size_t inside = i - GUARD;
        if (i >= GUARD && i < it->size - GUARD && inside % row < pixels)
            continue;
        if (it->memory[i] != GUARD_BYTE)
            return 0;
    }
    return 1;
}

static void put_sample(unsigned char *at, double value)
{
    float single = (float)value;
    uint16_t two = vst_to_half(single);
    value = value < 0 ? 0 : value > 1 ? 1 : value;
    if (options.depth == VST_FLOAT)
        memcpy(at, &single, sizeof single);
    else if (options.depth == VST_HALF)
        memcpy(at, &two, sizeof two);
    else if (options.depth == VST_BYTE)
        *at = (unsigned char)(value * 255 + 0.5);
    else {
        two = (uint16_t)(value * 65535 + 0.5);
        memcpy(at, &two, sizeof two);
    }
}

static double get_sample(const unsigned char *at)
{
    float single;
    uint16_t two;
    memcpy(&two, at, options.depth == VST_BYTE ? 1 : sizeof two);
    if (options.depth == VST_FLOAT) {
        memcpy(&single, at, sizeof single);
        return single;
    }
    return options.depth == VST_HALF ? vst_from_half(two) : options.depth == VST_BYTE ? *at / 255.0 : two / 65535.0;
}

static int sample_bytes(void)
{
    return options.depth == VST_FLOAT ? 4 : options.depth == VST_BYTE ? 1 : 2;
}

void fill_picture(picture *it, const float *rgba)
{
    vst_image view = view_of(it);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++, rgba += 4) {
            unsigned char *at = view.data + y * view.row_bytes + (ptrdiff_t)x * vst_pixel_bytes(&view);
            for (int c = 0; c < options.components; c++) {
                double value = options.components == 1 ? rgba[3] : rgba[c];
                if (options.premultiplied && c < 3 && options.components == 4)
                    value *= rgba[3];
                put_sample(at + c * sample_bytes(), value);
            }
        }
    it->before = realloc(it->before, it->size);
    memcpy(it->before, it->memory, it->size);
}

void read_picture(const picture *it, float *rgba)
{
    vst_image view = view_of(it);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++, rgba += 4) {
            const unsigned char *at = view.data + y * view.row_bytes + (ptrdiff_t)x * vst_pixel_bytes(&view);
            double alpha = options.components == 3 ? 1 : get_sample(at + (options.components - 1) * sample_bytes());
            for (int c = 0; c < 3; c++) {
                double value = options.components == 1 ? 0 : get_sample(at + c * sample_bytes());
                int unmultiply = options.premultiplied && alpha > 0 && options.components == 4;
                rgba[c] = (float)(unmultiply ? value / alpha : value);
            }
            rgba[3] = (float)alpha;
        }
}

void read_clip(const char *path, int only)
{
    size_t length = (size_t)width * (size_t)height * 4;
    float *rgba = malloc(length * sizeof *rgba);
    FILE *file = fopen(path, "rb");
    if (!file)
        die("cannot read %s", path);
    if (only >= 0) {
        if (fread(rgba, sizeof *rgba, length, file) == length)
            fill_picture(&clip[only], rgba);
    } else {
        while (frames < MOST_FRAMES && fread(rgba, sizeof *rgba, length, file) == length) {
            clip[frames] = new_picture();
            fill_picture(&clip[frames++], rgba);
        }
    }
    fclose(file);
    free(rgba);
}

float *mask_frames[MOST_FRAMES];

void read_mask(const char *path, int only)
{
    size_t length = (size_t)width * (size_t)height * (size_t)options.mask_components;
    FILE *file = fopen(path, "rb");
    if (!file)
        die("cannot read %s", path);
    for (int i = only < 0 ? 0 : only; i < MOST_FRAMES; i++) {
        float *values = malloc(length * sizeof *values);
        if (fread(values, sizeof *values, length, file) != length) {
            free(values);
            break;
        }
        free(mask_frames[i]);
        mask_frames[i] = values;
        if (only >= 0)
            break;
    }
    fclose(file);
}

void free_mask(void)
{
    for (int i = 0; i < MOST_FRAMES; i++)
        free(mask_frames[i]);
}
