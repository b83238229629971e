#include "pixels.h"

#include <stdlib.h>
#include <string.h>

#define LARGEST 65504.0f /* of a half */
#define CHUNK 256        /* pixels that are converted at a time, while they are in the nearest cache */

/* The hash is NH of UMAC (Black, Halevi, Krawczyk, Krovetz, Rogaway 1999): sums of products of keyed pairs of
 * words, here over chunks of up to CHUNK words, twice with different keys, chained by multiplication. It tells
 * frames apart at the speed of memory; it is no defence against somebody who looks for collisions. */
#define KEYS (CHUNK + 8)

typedef struct hash_state {
    uint32_t keys[KEYS];
    uint64_t a, b;
} hash_state;

static uint64_t mixed(uint64_t x)
{
    x ^= x >> 32;
    x *= 0x9e3779b97f4a7c15u;
    x ^= x >> 29;
    x *= 0xd6e8feb86659fd93u;
    return x ^ (x >> 32);
}

static void hash_begin(hash_state *state, uint64_t width, uint64_t height)
{
    for (uint64_t i = 0; i < KEYS; i++)
        state->keys[i] = (uint32_t)(mixed(i + 1) >> 16);
    state->a = mixed(width * 0x10001u + height);
    state->b = mixed(~state->a);
}

static void hash_chunk(hash_state *state, const float *values, int count)
{
    uint32_t words[CHUNK];
    memcpy(words, values, (size_t)count * sizeof *words);
    memset(words + count, 0, (size_t)(CHUNK - count) * sizeof *words);
    const uint32_t *keys = state->keys;
    uint64_t a = 0, b = 0;
    for (int i = 0; i < CHUNK / 2; i++) {
        uint32_t x = words[i], y = words[i + CHUNK / 2];
        a += (uint64_t)(uint32_t)(x + keys[i]) * (uint32_t)(y + keys[i + CHUNK / 2]);
        b += (uint64_t)(uint32_t)(x + keys[i + 4]) * (uint32_t)(y + keys[i + 4 + CHUNK / 2]);
    }
    state->a = mixed((state->a ^ a) + (uint64_t)count);
    state->b = mixed((state->b ^ b) + (uint64_t)count);
}

static void hash_end(const hash_state *state, uint8_t hash[VST_HASH])
{
    memcpy(hash, &state->a, 8);
    memcpy(hash + 8, &state->b, 8);
}

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
        value = value > -LARGEST ? value : (value == value ? -LARGEST : 0.0f);
        values[i] = value < LARGEST ? value : LARGEST;
    }
}

static void make_unit(float *values, int count)
{
    for (int i = 0; i < count; i++) {
        float value = values[i] > 0 ? values[i] : 0;
        values[i] = value < 1 ? value : 1;
    }
}

void vst_read(const vst_image *image, float *planes, uint8_t hash[VST_HASH])
{
    size_t plane = (size_t)image->width * (size_t)image->height;
    int bytes = vst_pixel_bytes(image), unmultiply = image->premultiplied && image->components == 4;
    hash_state state;
    hash_begin(&state, (uint64_t)image->width, (uint64_t)image->height);
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
                if (image->depth == VST_FLOAT || image->depth == VST_HALF)
                    make_finite(out, count);
                hash_chunk(&state, out, count);
            }
        }
    }
    hash_end(&state, hash);
}

/* The columns and rows of the target that lie within a frame. */
typedef struct overlap {
    int left, right, top, bottom;
} overlap;

static int clamped(int value, int most)
{
    return value < 0 ? 0 : value > most ? most : value;
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

void vst_write(const float *planes, int width, int height, int left, int top, const vst_image *source,
               const vst_image *target)
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
            float alpha[CHUNK], part[CHUNK];
            for (int i = 0; i < count; i++)
                alpha[i] = 1.0f;
            if (source->components != 3) {
                const unsigned char *there = row_of(source, row + top) + (ptrdiff_t)(x + left) * source_bytes;
                gather(there, source->depth, source->components, source->components - 1, count, alpha);
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
