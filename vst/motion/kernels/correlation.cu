// Correlation of two feature maps over a square of displacements: Dosovitskiy 2015, eq. 1, kernel size 1.
//
// A thread handles one column x and loops over rows y by the size of the grid; the grid's z is every other
// independent index. Neighbouring threads read neighbouring pixels, and displaced rows are read repeatedly from
// the cache. Results are gathered, not scattered, so they are deterministic.
#include "scalar.cuh"

// Channels of a gradient per thread.
static constexpr int kChannels = 8;

// out[n, row * D + col, y, x] = mean over c of a[n, c, y, x] * b[n, c, y + dy, x + dx], D = 2 * reach + 1,
// dy = (row - reach) * stride, dx = (col - reach) * stride; a thread computes Columns values of col.
template <int Columns>
__device__ __forceinline__ void correlate(const Scalar *__restrict__ a, const Scalar *__restrict__ b,
                                          Scalar *__restrict__ out, Index batch, Index channels,
                                          Index height, Index width, Index reach, Index stride)
{
    const Index x = static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (x >= width) return;
    const Index side = 2 * reach + 1;
    const Index groups = (side + Columns - 1) / Columns;
    const Index plane = height * width;
    for (Index z = blockIdx.z; z < batch * side * groups; z += gridDim.z) {
        const Index first = z % groups * Columns;
        const Index row = z / groups % side;
        const Index n = z / groups / side;
        const Index shift = x + (first - reach) * stride;
        bool inside[Columns];
#pragma unroll
        for (int i = 0; i < Columns; ++i) {
            const Index at = shift + i * stride;
            inside[i] = first + i < side && at >= 0 && at < width;
        }
        for (Index y = static_cast<Index>(blockIdx.y) * blockDim.y + threadIdx.y; y < height;
             y += static_cast<Index>(gridDim.y) * blockDim.y) {
            Sum sums[Columns];
#pragma unroll
            for (int i = 0; i < Columns; ++i) sums[i] = 0;
            const Index displaced = y + (row - reach) * stride;
            if (displaced >= 0 && displaced < height) {
                const Scalar *from_a = a + n * channels * plane + y * width + x;
                const Scalar *from_b = b + n * channels * plane + displaced * width;
#pragma unroll 2
                for (Index c = 0; c < channels; ++c) {
                    const Sum value = widen(from_a[c * plane]);
#pragma unroll
                    for (int i = 0; i < Columns; ++i) {
                        if (inside[i]) sums[i] += value * widen(from_b[c * plane + shift + i * stride]);
                    }
                }
            }
            Scalar *to = out + (n * side * side + row * side + first) * plane + y * width + x;
#pragma unroll
            for (int i = 0; i < Columns; ++i) {
                if (first + i < side) to[i * plane] = narrow(sums[i] / static_cast<Sum>(channels));
            }
        }
    }
}

// The gradient of one map from the gradient of the output and the other map. Of a at p: the sum over displacements
// d of grad[d, p] * b[p + d]. Of b at q: the sum of grad[d, q - d] * a[q - d].
template <bool OfSecond>
__device__ __forceinline__ void propagate(const Scalar *__restrict__ grad, const Scalar *__restrict__ other,
                                          Scalar *__restrict__ out, Index batch, Index channels,
                                          Index height, Index width, Index reach, Index stride)
{
    const Index x = static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (x >= width) return;
    const Index side = 2 * reach + 1;
    const Index groups = (channels + kChannels - 1) / kChannels;
    const Index plane = height * width;
    for (Index z = blockIdx.z; z < batch * groups; z += gridDim.z) {
        const Index n = z / groups;
        const Index first = z % groups * kChannels;
        const Scalar *from = other + (n * channels + first) * plane;
        for (Index y = static_cast<Index>(blockIdx.y) * blockDim.y + threadIdx.y; y < height;
             y += static_cast<Index>(gridDim.y) * blockDim.y) {
            Sum sums[kChannels];
#pragma unroll
            for (int i = 0; i < kChannels; ++i) sums[i] = 0;
            for (Index row = 0; row < side; ++row) {
                const Index dy = (row - reach) * stride;
                const Index v = OfSecond ? y - dy : y + dy;
                if (v < 0 || v >= height) continue;
                for (Index col = 0; col < side; ++col) {
                    const Index dx = (col - reach) * stride;
                    const Index u = OfSecond ? x - dx : x + dx;
                    if (u < 0 || u >= width) continue;
                    const Index there = v * width + u;
                    const Index at = OfSecond ? there : y * width + x;
                    const Sum weight = widen(grad[(n * side * side + row * side + col) * plane + at]);
#pragma unroll
                    for (int i = 0; i < kChannels; ++i) {
                        if (first + i < channels) sums[i] += weight * widen(from[i * plane + there]);
                    }
                }
            }
            Scalar *to = out + (n * channels + first) * plane + y * width + x;
#pragma unroll
            for (int i = 0; i < kChannels; ++i) {
                if (first + i < channels) to[i * plane] = narrow(sums[i] / static_cast<Sum>(channels));
            }
        }
    }
}

// FlowNetC's 21 columns are a multiple of seven, and PWC-Net has nine: no thread is idle.
extern "C" __global__ void __launch_bounds__(128)
correlation_forward_7(const Scalar *a, const Scalar *b, Scalar *out, Index batch, Index channels,
                      Index height, Index width, Index reach, Index stride)
{
    correlate<7>(a, b, out, batch, channels, height, width, reach, stride);
}

extern "C" __global__ void __launch_bounds__(128)
correlation_forward_9(const Scalar *a, const Scalar *b, Scalar *out, Index batch, Index channels,
                      Index height, Index width, Index reach, Index stride)
{
    correlate<9>(a, b, out, batch, channels, height, width, reach, stride);
}

extern "C" __global__ void __launch_bounds__(128)
correlation_backward_a(const Scalar *grad, const Scalar *b, Scalar *out, Index batch, Index channels,
                       Index height, Index width, Index reach, Index stride)
{
    propagate<false>(grad, b, out, batch, channels, height, width, reach, stride);
}

extern "C" __global__ void __launch_bounds__(128)
correlation_backward_b(const Scalar *grad, const Scalar *a, Scalar *out, Index batch, Index channels,
                       Index height, Index width, Index reach, Index stride)
{
    propagate<true>(grad, a, out, batch, channels, height, width, reach, stride);
}
