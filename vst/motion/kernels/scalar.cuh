// One source for four types. VST_FLOAT64, VST_FLOAT32, VST_FLOAT16 or VST_BFLOAT16 selects the type of tensors
// (Scalar); sums (Sum) are double for the first and float for the others.
#pragma once

#if defined(VST_FLOAT64)

typedef double Scalar;
typedef double Sum;
__device__ __forceinline__ Sum widen(Scalar value) { return value; }
__device__ __forceinline__ Scalar narrow(Sum value) { return value; }

#elif defined(VST_FLOAT32)

typedef float Scalar;
typedef float Sum;
__device__ __forceinline__ Sum widen(Scalar value) { return value; }
__device__ __forceinline__ Scalar narrow(Sum value) { return value; }

#elif defined(VST_FLOAT16)

#include "half.cuh"

typedef unsigned short Scalar;
typedef float Sum;
__device__ __forceinline__ Sum widen(Scalar value) { return float_of_half(value); }
__device__ __forceinline__ Scalar narrow(Sum value) { return half_of_float(value); }

#elif defined(VST_BFLOAT16)

typedef unsigned short Scalar;
typedef float Sum;

union FloatBits {
    float value;
    unsigned int bits;
};

__device__ __forceinline__ Sum widen(Scalar value)
{
    FloatBits wide;
    wide.bits = static_cast<unsigned int>(value) << 16;
    return wide.value;
}

// Rounds to nearest even. In integers, since older GPUs have no instruction for it.
__device__ __forceinline__ Scalar narrow(Sum value)
{
    FloatBits wide;
    wide.value = value;
    if (value != value) return static_cast<Scalar>((wide.bits >> 16) | 0x40);
    return static_cast<Scalar>((wide.bits + 0x7fff + ((wide.bits >> 16) & 1)) >> 16);
}

#else
#error "define VST_FLOAT64, VST_FLOAT32, VST_FLOAT16 or VST_BFLOAT16"
#endif

// Sizes, indices and offsets: a tensor may have more than 2^31 elements.
typedef long long Index;
