#include "frame_hash.h"

#include <string.h>

static uint64_t mixed(uint64_t x)
{
    x ^= x >> 32;
    x *= 0x9e3779b97f4a7c15u;
    x ^= x >> 29;
    x *= 0xd6e8feb86659fd93u;
    return x ^ (x >> 32);
}

void vst_hash_begin(vst_hash_state *state, uint64_t width, uint64_t height)
{
    for (uint64_t i = 0; i < VST_HASH_KEYS; i++)
        state->keys[i] = (uint32_t)(mixed(i + 1) >> 16);
    state->a = mixed(width * 0x10001u + height);
    state->b = mixed(~state->a);
}

void vst_hash_chunk(vst_hash_state *state, const float *values, int count)
{
    uint32_t words[VST_HASH_CHUNK];
    memcpy(words, values, (size_t)count * sizeof *words);
    memset(words + count, 0, (size_t)(VST_HASH_CHUNK - count) * sizeof *words);
    const uint32_t *keys = state->keys;
    uint64_t a = 0, b = 0;
    for (int i = 0; i < VST_HASH_CHUNK / 2; i++) {
        uint32_t x = words[i], y = words[i + VST_HASH_CHUNK / 2];
        a += (uint64_t)(uint32_t)(x + keys[i]) * (uint32_t)(y + keys[i + VST_HASH_CHUNK / 2]);
        b += (uint64_t)(uint32_t)(x + keys[i + 4]) * (uint32_t)(y + keys[i + 4 + VST_HASH_CHUNK / 2]);
    }
    state->a = mixed((state->a ^ a) + (uint64_t)count);
    state->b = mixed((state->b ^ b) + (uint64_t)count);
}

void vst_hash_end(const vst_hash_state *state, uint8_t hash[VST_HASH_SIZE])
{
    memcpy(hash, &state->a, 8);
    memcpy(hash + 8, &state->b, 8);
}
