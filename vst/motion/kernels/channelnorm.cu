// The Euclidean norm over channels at each pixel; FlowNet 2.0 applies it to flow and brightness errors.
//
// A thread handles one column x and loops over rows y by the size of the grid; the grid's z is the batch.
#include "scalar.cuh"

__device__ __forceinline__ Sum norm_at(const Scalar *x, Index channels, Index plane)
{
    Sum squares = 0;
    for (Index c = 0; c < channels; ++c) {
        const Sum value = widen(x[c * plane]);
        squares += value * value;
    }
    return sqrt(squares);
}

extern "C" __global__ void __launch_bounds__(128)
channelnorm_forward(const Scalar *__restrict__ image, Scalar *__restrict__ out, Index batch,
                    Index channels, Index height, Index width)
{
    const Index x = static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (x >= width) return;
    const Index plane = height * width;
    for (Index n = blockIdx.z; n < batch; n += gridDim.z) {
        for (Index y = static_cast<Index>(blockIdx.y) * blockDim.y + threadIdx.y; y < height;
             y += static_cast<Index>(gridDim.y) * blockDim.y) {
            const Index p = y * width + x;
            out[n * plane + p] = narrow(norm_at(image + n * channels * plane + p, channels, plane));
        }
    }
}

// grad * x / |x|, and 0 where |x| is 0. The norm is computed again, since the output is rounded.
extern "C" __global__ void __launch_bounds__(128)
channelnorm_backward(const Scalar *__restrict__ grad, const Scalar *__restrict__ image,
                     Scalar *__restrict__ out, Index batch, Index channels, Index height, Index width)
{
    const Index x = static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (x >= width) return;
    const Index plane = height * width;
    for (Index n = blockIdx.z; n < batch; n += gridDim.z) {
        for (Index y = static_cast<Index>(blockIdx.y) * blockDim.y + threadIdx.y; y < height;
             y += static_cast<Index>(gridDim.y) * blockDim.y) {
            const Index p = y * width + x;
            const Scalar *from = image + n * channels * plane + p;
            const Sum norm = norm_at(from, channels, plane);
            const Sum value = widen(grad[n * plane + p]);
            for (Index c = 0; c < channels; ++c) {
                const Sum slope = norm == 0 ? 0 : widen(from[c * plane]) / norm;
                out[(n * channels + c) * plane + p] = narrow(value * slope);
            }
        }
    }
}
