/* A host's pixels to planes and back. */
#include "pixels.h"

#include <string.h>

#include "frame_hash.h"

#define LARGEST_HALF 65504.0f
#define SNAP 0.01f /* masks nearer than that to 0 or 1 are 0 or 1, as in vst render */
#define CHUNK VST_HASH_CHUNK /* pixels that are converted at a time, while they are in the nearest cache */

float vst_from_half(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16, exponent = (half >> 10) & 31, fraction = half & 1023;
    uint32_t bits;
    float value;
    if (exponent == 31) {
        bits = sign | 0x7f800000u | fraction << 13;
    } else if (exponent) {
        bits = sign | (exponent + 112) << 23 | fraction << 13;
    } else {
        value = (float)fraction * (1.0f / 16777216.0f);
        return sign ? -value : value;
    }
    memcpy(&value, &bits, sizeof value);
    return value;
}

uint16_t vst_to_half(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint16_t sign = (uint16_t)((bits >> 16) & 0x8000u);
    bits &= 0x7fffffffu;
    if (bits >= 0x7f800000u)
        return (uint16_t)(sign | (bits > 0x7f800000u ? 0x7e00u : 0x7c00u));
    if (bits >= 0x477ff000u)
        return (uint16_t)(sign | 0x7c00u);
    if (bits < 0x38800000u) { /* too small for a normal half: multiples of 2^-24 */
        float size;
        memcpy(&size, &bits, sizeof size);
        size = size * 16777216.0f + 8388608.0f; /* rounds to nearest, ties to even */
        memcpy(&bits, &size, sizeof bits);
        return (uint16_t)(sign | (bits & 0xffffu));
    }
    bits += 0xfffu + ((bits >> 13) & 1);
    return (uint16_t)(sign | ((bits - 0x38000000u) >> 13));
}

int vst_pixel_bytes(const vst_image *image)
{
    static const int bytes[] = {1, 2, 2, 4};
    return bytes[image->depth] * image->components;
}

static const unsigned char *row_of(const vst_image *image, int row)
{
    return image->data + (ptrdiff_t)row * image->row_bytes;
}

/* One component of `count` pixels as floats. */
static void gather(const unsigned char *pixels, vst_depth depth, int components, int which, int count,
                   float *restrict out)
{
    if (depth == VST_FLOAT) {
        const float *in = (const float *)(const void *)pixels + which;
        if (components == 4)
            for (int i = 0; i < count; i++)
                out[i] = in[4 * i];
        else
            for (int i = 0; i < count; i++)
                out[i] = in[components * i];
    } else if (depth == VST_BYTE) {
        for (int i = 0; i < count; i++)
            out[i] = (float)pixels[components * i + which] / 255.0f;
    } else if (depth == VST_SHORT) {
        const uint16_t *in = (const uint16_t *)(const void *)pixels + which;
        for (int i = 0; i < count; i++)
            out[i] = (float)in[components * i] / 65535.0f;
    } else {
        const uint16_t *in = (const uint16_t *)(const void *)pixels + which;
        for (int i = 0; i < count; i++)
            out[i] = vst_from_half(in[components * i]);
    }
}

static void scatter(unsigned char *pixels, vst_depth depth, int components, int which, int count,
                    const float *restrict in)
{
    if (depth == VST_FLOAT) {
        float *out = (float *)(void *)pixels + which;
        for (int i = 0; i < count; i++)
            out[components * i] = in[i];
        return;
    }
    for (int i = 0; i < count; i++) {
        float value = in[i];
        if (depth == VST_HALF) {
            ((uint16_t *)(void *)pixels)[components * i + which] = vst_to_half(value);
            continue;
        }
        value = value > 0 ? (value < 1 ? value : 1) : 0;
        if (depth == VST_BYTE)
            pixels[components * i + which] = (unsigned char)(value * 255.0f + 0.5f);
        else
            ((uint16_t *)(void *)pixels)[components * i + which] = (uint16_t)(value * 65535.0f + 0.5f);
    }
}

/* NaN becomes 0, and nothing is beyond a half's range. */
static void make_finite(float *values, int count)
{
    for (int i = 0; i < count; i++) {
        float value = values[i];
        value = value > -LARGEST_HALF ? value : (value == value ? -LARGEST_HALF : 0.0f);
        values[i] = value < LARGEST_HALF ? value : LARGEST_HALF;
    }
}

static void make_unit(float *values, int count)
{
    for (int i = 0; i < count; i++) {
        float value = values[i] > 0 ? values[i] : 0;
        values[i] = value < 1 ? value : 1;
    }
}

/* The value of the byte that is nearest to a value, 0..1. */
static float nearest_byte(float value)
{
    value = value > 0 ? (value < 1 ? value : 1) : 0;
    return (float)(int)(value * 255.0f + 0.5f) / 255.0f;
}

/* Whether every sample is what a byte becomes as a half, as where a host converted an 8-bit clip. */
static int has_values_of_bytes(const vst_image *image)
{
    int colours = image->components == 1 ? 1 : 3;
    for (int row = 0; row < image->height; row++) {
        const uint16_t *in = (const uint16_t *)(const void *)row_of(image, row);
        for (int x = 0; x < image->width; x++, in += image->components) {
            if (image->premultiplied && image->components == 4 && in[3] != vst_to_half(1))
                return 0;
            for (int which = 0; which < colours; which++)
                if (in[which] != vst_to_half(nearest_byte(vst_from_half(in[which]))))
                    return 0;
        }
    }
    return 1;
}

void vst_read(const vst_image *image, float *planes, uint8_t hash[VST_HASH_SIZE])
{
    size_t plane = (size_t)image->width * (size_t)image->height;
    /* A byte that was rounded to a half would be rounded again where motion is estimated, now and then to another
     * byte: then flow and trust of single pixels differ from those of the clip itself. */
    int is_rounded = image->depth == VST_HALF && has_values_of_bytes(image);
    int bytes = vst_pixel_bytes(image), unmultiply = image->premultiplied && image->components == 4;
    vst_hash_state state;
    vst_hash_begin(&state, (uint64_t)image->width, (uint64_t)image->height);
    for (int row = 0; row < image->height; row++) {
        for (int x = 0; x < image->width; x += CHUNK) {
            int count = image->width - x < CHUNK ? image->width - x : CHUNK;
            const unsigned char *pixels = row_of(image, row) + (ptrdiff_t)x * bytes;
            float factor[CHUNK];
            if (unmultiply) {
                gather(pixels, image->depth, 4, 3, count, factor);
                make_unit(factor, count);
                for (int i = 0; i < count; i++)
                    factor[i] = factor[i] > 0 ? 1.0f / factor[i] : 0.0f;
            }
            for (int which = 0; which < 3; which++) {
                float *out = planes + (size_t)which * plane + (size_t)row * (size_t)image->width + x;
                gather(pixels, image->depth, image->components, image->components == 1 ? 0 : which, count, out);
                if (unmultiply)
                    for (int i = 0; i < count; i++)
                        out[i] *= factor[i];
                if (is_rounded)
                    for (int i = 0; i < count; i++)
                        out[i] = nearest_byte(out[i]);
                if (image->depth == VST_FLOAT || image->depth == VST_HALF)
                    make_finite(out, count);
                vst_hash_chunk(&state, out, count);
            }
        }
    }
    vst_hash_end(&state, hash);
}

/* The columns and rows of the target that lie within a frame. */
typedef struct overlap {
    int left, right, top, bottom;
} overlap;

static int clamped(int value, int largest)
{
    return value < 0 ? 0 : value > largest ? largest : value;
}

static overlap overlapping(int width, int height, int left, int top, const vst_image *target)
{
    overlap found = {clamped(-left, target->width), clamped(width - left, target->width),
                     clamped(-top, target->height), clamped(height - top, target->height)};
    return found;
}

static void clear_around(const vst_image *target, overlap inside)
{
    size_t bytes = (size_t)vst_pixel_bytes(target);
    for (int row = 0; row < target->height; row++) {
        unsigned char *pixels = target->data + (ptrdiff_t)row * target->row_bytes;
        if (row < inside.top || row >= inside.bottom || inside.left >= inside.right) {
            memset(pixels, 0, bytes * (size_t)target->width);
            continue;
        }
        memset(pixels, 0, bytes * (size_t)inside.left);
        memset(pixels + bytes * (size_t)inside.right, 0, bytes * (size_t)(target->width - inside.right));
    }
}

/* The mask at `count` pixels of a row of the frame. */
static void read_mask(const vst_mask *mask, int x, int y, int count, float *restrict out)
{
    static const float luma[] = {0.2126f, 0.7152f, 0.0722f};
    const vst_image *image = &mask->image;
    memset(out, 0, (size_t)count * sizeof *out);
    int row = y + mask->top, first = clamped(-(x + mask->left), count);
    int end = clamped(image->width - (x + mask->left), count);
    if (!image->data || row < 0 || row >= image->height || first >= end)
        return;
    const unsigned char *pixels = row_of(image, row) + (ptrdiff_t)(x + mask->left + first) * vst_pixel_bytes(image);
    count = end - first;
    out += first;
    if (image->components != 3) {
        gather(pixels, image->depth, image->components, image->components - 1, count, out);
    } else {
        float part[CHUNK];
        for (int which = 0; which < 3; which++) {
            gather(pixels, image->depth, 3, which, count, part);
            for (int i = 0; i < count; i++)
                out[i] += luma[which] * part[i];
        }
    }
    make_unit(out, count);
    for (int i = 0; i < count; i++)
        out[i] = out[i] < SNAP ? 0 : out[i] > 1 - SNAP ? 1 : out[i];
}

/* One component of `count` pixels of a source, multiplied by alpha or not. */
static void gather_source(const unsigned char *pixels, const vst_image *source, int which, int multiplied, int count,
                          float *restrict out)
{
    int is_multiplied = source->premultiplied && source->components == 4;
    gather(pixels, source->depth, source->components, source->components == 1 ? 0 : which, count, out);
    if (source->components != 4 || is_multiplied == multiplied)
        return;
    float alpha[CHUNK];
    gather(pixels, source->depth, 4, 3, count, alpha);
    make_unit(alpha, count);
    for (int i = 0; i < count; i++)
        out[i] = multiplied ? out[i] * alpha[i] : alpha[i] > 0 ? out[i] / alpha[i] : 0;
}

/* Mixes a source into a frame: exactly the source where the share is 0, exactly the frame where it is 1. */
static void mix_source(const float *restrict source, const float *restrict share, int count, float *restrict frame)
{
    for (int i = 0; i < count; i++) {
        if (share[i] <= 0) {
            frame[i] = source[i];
        } else if (share[i] < 1) {
            float own = source[i];
            make_finite(&own, 1);
            frame[i] = own + share[i] * (frame[i] - own);
        }
    }
}

void vst_write(const float *planes, int width, int height, int left, int top, const vst_image *source,
               const vst_mask *mask, const vst_image *target)
{
    size_t plane = (size_t)width * (size_t)height;
    int bytes = vst_pixel_bytes(target), source_bytes = vst_pixel_bytes(source);
    overlap inside = overlapping(width, height, left, top, target);
    clear_around(target, inside);
    for (int row = inside.top; row < inside.bottom; row++) {
        for (int x = inside.left; x < inside.right; x += CHUNK) {
            int count = inside.right - x < CHUNK ? inside.right - x : CHUNK;
            unsigned char *pixels = target->data + (ptrdiff_t)row * target->row_bytes + (ptrdiff_t)x * bytes;
            const float *in = planes + (size_t)(row + top) * (size_t)width + (size_t)(x + left);
            const unsigned char *from = row_of(source, row + top) + (ptrdiff_t)(x + left) * source_bytes;
            float alpha[CHUNK], part[CHUNK], own[CHUNK], share[CHUNK];
            for (int i = 0; i < count; i++)
                alpha[i] = 1.0f;
            if (mask)
                read_mask(mask, x + left, row + top, count, share);
            if (source->components != 3) {
                gather(from, source->depth, source->components, source->components - 1, count, alpha);
                make_finite(alpha, count);
            }
            if (target->components != 3)
                scatter(pixels, target->depth, target->components, target->components - 1, count, alpha);
            if (target->components == 1)
                continue;
            int multiply = target->premultiplied && target->components == 4;
            if (multiply)
                make_unit(alpha, count);
            for (int which = 0; which < 3; which++, in += plane) {
                memcpy(part, in, (size_t)count * sizeof *part);
                if (multiply)
                    for (int i = 0; i < count; i++)
                        part[i] *= alpha[i];
                if (mask) {
                    gather_source(from, source, which, multiply, count, own);
                    mix_source(own, share, count, part);
                }
                scatter(pixels, target->depth, target->components, which, count, part);
            }
        }
    }
}

void vst_copy(int left, int top, const vst_image *source, const vst_image *target)
{
    int bytes = vst_pixel_bytes(target);
    overlap inside = overlapping(source->width, source->height, left, top, target);
    clear_around(target, inside);
    for (int row = inside.top; row < inside.bottom && inside.left < inside.right; row++)
        memcpy(target->data + (ptrdiff_t)row * target->row_bytes + (ptrdiff_t)inside.left * bytes,
               row_of(source, row + top) + (ptrdiff_t)(inside.left + left) * bytes,
               (size_t)(inside.right - inside.left) * (size_t)bytes);
}
