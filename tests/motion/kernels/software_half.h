// Half precision by the type _Float16 of the host's compiler, instead of PTX.
#pragma once
#include <cstring>

inline float float_of_half(unsigned short bits)
{
    _Float16 value;
    std::memcpy(&value, &bits, sizeof value);
    return static_cast<float>(value);
}

inline unsigned short half_of_float(float value)
{
    const _Float16 rounded = static_cast<_Float16>(value);
    unsigned short bits;
    std::memcpy(&bits, &rounded, sizeof bits);
    return bits;
}
