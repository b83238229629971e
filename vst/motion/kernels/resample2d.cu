// Bilinear sampling at p + flow(p), with which FlowNet 2.0 warps its second image; outside of the image its
// border pixels are repeated.
//
// A thread handles one column x and loops over rows y by the size of the grid; the grid's z is the batch and
// groups of channels. Flow and summed gradients have the type Sum.
#include "scalar.cuh"

// Channels per thread; they share one computation of positions.
static constexpr Index kChannels = 8;

// The pixels on either side of a coordinate, and its distance from the first.
struct Between {
    Index low, high;
    Sum part;
};

__device__ __forceinline__ Index clamped(Index at, Index size)
{
    return at < 0 ? 0 : at < size ? at : size - 1;
}

__device__ __forceinline__ Between between(Sum at, Index size)
{
    // A distant coordinate would overflow its integer. NaN stays NaN: it reads a pixel of the frame with a
    // weight of NaN.
    if (at < -1) at = -1;
    if (at > size) at = static_cast<Sum>(size);
    const Sum whole = floor(at);
    const Index low = static_cast<Index>(whole);
    Between result;
    result.part = at - whole;
    result.low = clamped(low, size);
    result.high = clamped(low + 1, size);
    return result;
}

__device__ __forceinline__ Sum mix(Sum first, Sum second, Sum part)
{
    return (1 - part) * first + part * second;
}

extern "C" __global__ void __launch_bounds__(128)
resample2d_forward(const Scalar *__restrict__ image, const Sum *__restrict__ flow, Scalar *__restrict__ out,
                   Index batch, Index channels, Index height, Index width)
{
    const Index x = static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (x >= width) return;
    const Index plane = height * width;
    const Index groups = (channels + kChannels - 1) / kChannels;
    for (Index z = blockIdx.z; z < batch * groups; z += gridDim.z) {
        const Index n = z / groups;
        const Index first = z % groups * kChannels;
        const Index last = first + kChannels < channels ? first + kChannels : channels;
        for (Index y = static_cast<Index>(blockIdx.y) * blockDim.y + threadIdx.y; y < height;
             y += static_cast<Index>(gridDim.y) * blockDim.y) {
            const Index p = y * width + x;
            const Between across = between(static_cast<Sum>(x) + flow[2 * n * plane + p], width);
            const Between down = between(static_cast<Sum>(y) + flow[(2 * n + 1) * plane + p], height);
            for (Index c = first; c < last; ++c) {
                const Scalar *top = image + (n * channels + c) * plane + down.low * width;
                const Scalar *bottom = image + (n * channels + c) * plane + down.high * width;
                const Sum above = mix(widen(top[across.low]), widen(top[across.high]), across.part);
                const Sum below = mix(widen(bottom[across.low]), widen(bottom[across.high]), across.part);
                out[(n * channels + c) * plane + p] = narrow(mix(above, below, down.part));
            }
        }
    }
}

// Adds each pixel's gradient to the four pixels that it read. The order of the additions is not fixed, so the
// last bits of a sum may differ between runs. `out` has to be zero at the start.
extern "C" __global__ void __launch_bounds__(128)
resample2d_backward_image(const Scalar *__restrict__ grad, const Sum *__restrict__ flow,
                          Sum *__restrict__ out, Index batch, Index channels, Index height, Index width)
{
    const Index x = static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (x >= width) return;
    const Index plane = height * width;
    const Index groups = (channels + kChannels - 1) / kChannels;
    for (Index z = blockIdx.z; z < batch * groups; z += gridDim.z) {
        const Index n = z / groups;
        const Index first = z % groups * kChannels;
        const Index last = first + kChannels < channels ? first + kChannels : channels;
        for (Index y = static_cast<Index>(blockIdx.y) * blockDim.y + threadIdx.y; y < height;
             y += static_cast<Index>(gridDim.y) * blockDim.y) {
            const Index p = y * width + x;
            const Between across = between(static_cast<Sum>(x) + flow[2 * n * plane + p], width);
            const Between down = between(static_cast<Sum>(y) + flow[(2 * n + 1) * plane + p], height);
            for (Index c = first; c < last; ++c) {
                const Sum value = widen(grad[(n * channels + c) * plane + p]);
                Sum *top = out + (n * channels + c) * plane + down.low * width;
                Sum *bottom = out + (n * channels + c) * plane + down.high * width;
                atomicAdd(top + across.low, (1 - down.part) * (1 - across.part) * value);
                atomicAdd(top + across.high, (1 - down.part) * across.part * value);
                atomicAdd(bottom + across.low, down.part * (1 - across.part) * value);
                atomicAdd(bottom + across.high, down.part * across.part * value);
            }
        }
    }
}

// The derivative by x is the difference of the right and left pixels, by y that of the lower and upper pixels.
extern "C" __global__ void __launch_bounds__(128)
resample2d_backward_flow(const Scalar *__restrict__ grad, const Scalar *__restrict__ image,
                         const Sum *__restrict__ flow, Sum *__restrict__ out, Index batch, Index channels,
                         Index height, Index width)
{
    const Index x = static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (x >= width) return;
    const Index plane = height * width;
    for (Index n = blockIdx.z; n < batch; n += gridDim.z) {
        for (Index y = static_cast<Index>(blockIdx.y) * blockDim.y + threadIdx.y; y < height;
             y += static_cast<Index>(gridDim.y) * blockDim.y) {
            const Index p = y * width + x;
            const Between across = between(static_cast<Sum>(x) + flow[2 * n * plane + p], width);
            const Between down = between(static_cast<Sum>(y) + flow[(2 * n + 1) * plane + p], height);
            Sum by_x = 0;
            Sum by_y = 0;
            for (Index c = 0; c < channels; ++c) {
                const Sum value = widen(grad[(n * channels + c) * plane + p]);
                const Scalar *top = image + (n * channels + c) * plane + down.low * width;
                const Scalar *bottom = image + (n * channels + c) * plane + down.high * width;
                const Sum top_left = widen(top[across.low]);
                const Sum top_right = widen(top[across.high]);
                const Sum bottom_left = widen(bottom[across.low]);
                const Sum bottom_right = widen(bottom[across.high]);
                by_x += value * mix(top_right - top_left, bottom_right - bottom_left, down.part);
                by_y += value * mix(bottom_left - top_left, bottom_right - top_right, across.part);
            }
            out[2 * n * plane + p] = by_x;
            out[(2 * n + 1) * plane + p] = by_y;
        }
    }
}
