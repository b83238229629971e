/* The length of the lines of a host's frames. */
#ifndef VST_FREI0R_HOST_LINES_H
#define VST_FREI0R_HOST_LINES_H

#include <stddef.h>
#include <stdint.h>

/* Bytes from one line of a frame to the next. frei0r has lines of exactly `width` pixels, but libavfilter 8 (FFmpeg
 * 5.0 and 5.1) pads them to a multiple of 16 pixels, and some earlier releases to a multiple of 4, without telling.
 *
 * `caller` is an address inside the host's code that called the filter. At most 4 * width * height bytes of the frame
 * are read. */
ptrdiff_t line_bytes(const void *caller, const uint32_t *frame, int width, int height);

#endif
