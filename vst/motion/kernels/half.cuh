// Conversion of half precision to float and back, rounded to nearest even. In PTX, since cuda_fp16.h is not part
// of NVRTC and not installed with PyTorch.
#pragma once

__device__ __forceinline__ float float_of_half(unsigned short bits)
{
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
    return value;
}

__device__ __forceinline__ unsigned short half_of_float(float value)
{
    unsigned short bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
    return bits;
}
