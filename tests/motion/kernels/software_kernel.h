// The extensions of CUDA C++ that vst's sources use, in plain C++.
#pragma once
#include <cmath>
#include <cstddef>
#include <utility>

#define __device__
#define __global__
#define __forceinline__ inline
#define __launch_bounds__(count)

struct Three {
    unsigned x, y, z;
};

static Three gridDim, blockDim, blockIdx, threadIdx;

using std::floor;
using std::sqrt;

template <class Number>
static void atomicAdd(Number *place, Number value)
{
    *place += value;
}

template <class... Values, std::size_t... Numbers>
static void each_thread(void (*kernel)(Values...), const unsigned *blocks, const unsigned *threads, void **values,
                        std::index_sequence<Numbers...>)
{
    gridDim = {blocks[0], blocks[1], blocks[2]};
    blockDim = {threads[0], threads[1], threads[2]};
    for (blockIdx.z = 0; blockIdx.z < gridDim.z; ++blockIdx.z)
        for (blockIdx.y = 0; blockIdx.y < gridDim.y; ++blockIdx.y)
            for (blockIdx.x = 0; blockIdx.x < gridDim.x; ++blockIdx.x)
                for (threadIdx.z = 0; threadIdx.z < blockDim.z; ++threadIdx.z)
                    for (threadIdx.y = 0; threadIdx.y < blockDim.y; ++threadIdx.y)
                        for (threadIdx.x = 0; threadIdx.x < blockDim.x; ++threadIdx.x)
                            kernel(*static_cast<Values *>(values[Numbers])...);
}

template <class... Values>
static void start(void (*kernel)(Values...), const unsigned *blocks, const unsigned *threads, void **values)
{
    each_thread(kernel, blocks, threads, values, std::index_sequence_for<Values...>());
}
