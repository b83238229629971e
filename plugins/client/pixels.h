/* A host's pixels to planes and back, with a hash of the frame. */
#ifndef VST_PIXELS_H
#define VST_PIXELS_H

#include <stddef.h>
#include <stdint.h>

#include "protocol.h"

typedef enum vst_depth { VST_BYTE, VST_SHORT, VST_HALF, VST_FLOAT } vst_depth;

typedef struct vst_image {
    unsigned char *data;  /* the first pixel of the top row */
    ptrdiff_t row_bytes;  /* to the row below; negative where rows go upwards in memory */
    int width, height;
    vst_depth depth;
    int components;       /* 1 alpha, 3 RGB, 4 RGBA */
    int premultiplied;
} vst_image;

/* Where a frame is stylized: 1 there, 0 where the source stays as it is. */
typedef struct vst_mask {
    vst_image image; /* its alpha counts, or its luma where it has none; it is 0 outside of it, and without data */
    int left, top;   /* where in it the frame's first pixel is */
} vst_mask;

/* Bytes of one pixel. */
int vst_pixel_bytes(const vst_image *image);

/* Reads a picture to planes: not premultiplied, NaN as 0, values limited to the range of a half. */
void vst_read(const vst_image *image, float *planes, uint8_t hash[VST_HASH_SIZE]);

/* Writes a part of a stylized frame.
 *   planes         the frame, three planes of width × height
 *   left, top      where in the frame the target's first pixel is
 *   source         gives alpha, and what is outside of the mask; of the frame's size
 *   mask           mixes source and frame, in the values of the target; NULL: the frame is everywhere
 *   target         written completely; pixels outside of the frame become transparent black */
void vst_write(const float *planes, int width, int height, int left, int top, const vst_image *source,
               const vst_mask *mask, const vst_image *target);

/* Copies a part of a picture of the same depth and components unchanged; arguments as in vst_write. */
void vst_copy(int left, int top, const vst_image *source, const vst_image *target);

float vst_from_half(uint16_t half);
uint16_t vst_to_half(float value);

#endif
