/* The hash that tells source frames apart.
 *
 * NH of UMAC (Black, Halevi, Krawczyk, Krovetz, Rogaway 1999): sums of products of keyed pairs of words, over
 * chunks of up to VST_HASH_CHUNK words, twice with different keys, chained by multiplication. It runs at the speed
 * of memory and does not resist deliberate collisions. */
#ifndef VST_FRAME_HASH_H
#define VST_FRAME_HASH_H

#include <stdint.h>

#include "protocol.h"

#define VST_HASH_CHUNK 256
#define VST_HASH_KEYS (VST_HASH_CHUNK + 8)

typedef struct vst_hash_state {
    uint32_t keys[VST_HASH_KEYS];
    uint64_t a, b;
} vst_hash_state;

void vst_hash_begin(vst_hash_state *state, uint64_t width, uint64_t height);

/* Adds up to VST_HASH_CHUNK samples. */
void vst_hash_chunk(vst_hash_state *state, const float *values, int count);

void vst_hash_end(const vst_hash_state *state, uint8_t hash[VST_HASH_SIZE]);

#endif
