/* The length of the lines of a host's frames. */
#define _GNU_SOURCE
#include "host_lines.h"

#include <dlfcn.h>

#define FIRST_PADDED (8 << 16)              /* libavfilter 8.0 */
#define LAST_PADDED (8 << 16 | 44 << 8 | 255) /* of FFmpeg 5.1; lines are not padded any more in FFmpeg 6 */

static int aligned(int width, int pixels)
{
    return (width + pixels - 1) / pixels * pixels;
}

/* The version of libavfilter if the caller is a part of it, else 0. */
static unsigned avfilter_version_of(const void *caller)
{
    Dl_info code, function;
    if (!dladdr(caller, &code) || !code.dli_fname)
        return 0;
    void *library = dlopen(code.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    if (!library)
        return 0;
    void *found = dlsym(library, "avfilter_version");
    unsigned version = 0;
    /* dlsym also finds functions of the libraries that the caller's library uses. */
    if (found && dladdr(found, &function) && function.dli_fbase == code.dli_fbase)
        version = (*(unsigned (**)(void))(void *)&found)();
    dlclose(library);
    return version;
}

/* Whether lines of `stride` pixels fit what is in the frame: after each line pixels of zeros, including their alpha,
 * and all other pixels opaque or partly so. No frame without such padding looks like this. */
static int is_padded(const uint32_t *frame, int width, int height, int stride)
{
    size_t lines = (size_t)width * (size_t)height / (size_t)stride;
    for (size_t y = 0; y < lines; y++) {
        const uint32_t *line = frame + y * (size_t)stride;
        for (int x = width; x < stride; x++)
            if (line[x])
                return 0;
        for (int x = 0; x < width; x++)
            if (!((const uint8_t *)&line[x])[3])
                return 0;
    }
    return lines > 1;
}

ptrdiff_t line_bytes(const void *caller, const uint32_t *frame, int width, int height)
{
    int usual = aligned(width, 16), small = aligned(width, 4), stride = width;
    if (usual > width) {
        unsigned version = avfilter_version_of(caller);
        if (version >= FIRST_PADDED && version <= LAST_PADDED)
            stride = usual;
        else if (is_padded(frame, width, height, usual))
            stride = usual;
        else if (small > width && is_padded(frame, width, height, small))
            stride = small;
    }
    return (ptrdiff_t)stride * 4;
}
