/* Anonymous shared memory for frames. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

static size_t samples_of(const frame_memory *memory)
{
    return (size_t)3 * (size_t)memory->width * (size_t)memory->height;
}

static size_t bytes_of(const frame_memory *memory)
{
    return VST_SLOTS * samples_of(memory) * sizeof(float);
}

float *vst_slot(const frame_memory *memory, int slot)
{
    return memory->slots + (size_t)slot * samples_of(memory);
}

void vst_free_frames(frame_memory *memory)
{
    if (memory->slots)
        munmap(memory->slots, bytes_of(memory));
    if (memory->descriptor >= 0)
        close(memory->descriptor);
    memory->slots = NULL;
    memory->descriptor = -1;
    memory->sent = 0;
}

int vst_allocate_frames(frame_memory *memory, int width, int height, char error[VST_ERROR_SIZE])
{
    if (memory->slots && memory->width == width && memory->height == height)
        return 0;
    vst_free_frames(memory);
    memory->width = width;
    memory->height = height;
    size_t bytes = bytes_of(memory);
    memory->descriptor = memfd_create("vst frames", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    void *map = MAP_FAILED;
    /* Allocated at once and sealed to its size: otherwise reading it could kill the host with SIGBUS. */
    int failure = memory->descriptor < 0 ? errno : EINTR;
    while (failure == EINTR)
        failure = posix_fallocate(memory->descriptor, 0, (off_t)bytes);
    if (!failure && fcntl(memory->descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
        failure = errno;
    if (!failure &&
        (map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory->descriptor, 0)) == MAP_FAILED)
        failure = errno;
    if (failure) {
        vst_set_error(error,
                      "vst: cannot allocate %zu MB for frames (%s); close other programs, or use smaller frames",
                      bytes / 1000000, strerror(failure));
        vst_free_frames(memory);
        return -1;
    }
    memory->slots = map;
    return 0;
}
