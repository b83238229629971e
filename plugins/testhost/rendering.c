/* The render action, on one thread and on several. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host.h"

int interactive, fresh_instances, window[4];
FILE *output;

static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;

OfxStatus render_to(OfxImageEffectHandle effect, int time, picture *target, double *seconds)
{
    /* Renders may be nested in a thread. */
    int time_before = current.time;
    picture *output_before = current.output;
    current.time = time;
    current.output = target;
    OfxPropertySetHandle in = new_set();
    double scale[2] = {options.scale, options.scale};
    int whole[4] = {options.x, options.y, options.x + width, options.y + height};
    int part[4] = {options.x + window[0], options.y + window[1], options.x + window[2], options.y + window[3]};
    set_double(in, kOfxPropTime, 0, time);
    set_ints(in, kOfxImageEffectPropRenderWindow, 4, effect == instance && window[2] ? part : whole);
    set_doubles(in, kOfxImageEffectPropRenderScale, 2, scale);
    set_int(in, kOfxImageEffectPropInteractiveRenderStatus, 0, interactive);
    set_int(in, kOfxImageEffectPropSequentialRenderStatus, 0, 1);
    must_call(kOfxImageEffectActionBeginSequenceRender, effect, in, NULL);
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    OfxStatus status = call_plugin(kOfxImageEffectActionRender, effect, in, NULL);
    clock_gettime(CLOCK_MONOTONIC, &after);
    *seconds = (double)(after.tv_sec - before.tv_sec) + 1e-9 * (double)(after.tv_nsec - before.tv_nsec);
    must_call(kOfxImageEffectActionEndSequenceRender, effect, in, NULL);
    free_set(in);
    if (!guards_are_intact(target))
        die("frame %d: bytes outside of the picture were written", time);
    current.time = time_before;
    current.output = output_before;
    return status;
}

static OfxStatus render_frame(int time, float *rgba, double *seconds)
{
    picture target = new_picture();
    OfxStatus status = render_to(instance, time, &target, seconds);
    read_picture(&target, rgba);
    free_picture(&target);
    return status;
}

static void check_sources(void)
{
    if (atomic_load(&images))
        die("%d images were not released", atomic_load(&images));
    if (atomic_load(&instance->progressing) || (upstream && atomic_load(&upstream->progressing)))
        die("progress was not ended");
    for (int i = 0; i < frames; i++)
        if (memcmp(clip[i].memory, clip[i].before, clip[i].size) != 0)
            die("frame %d of the source was written to", i);
}

typedef struct task {
    const int *times;
    int count;
    atomic_int *next;
    float *pictures;
    int *statuses;
    double *seconds;
} task;

static void *work(void *argument)
{
    task *it = argument;
    for (int i; (i = atomic_fetch_add(it->next, 1)) < it->count;)
        it->statuses[i] = render_frame(it->times[i], it->pictures + (size_t)i * (size_t)width * (size_t)height * 4,
                                       &it->seconds[i]);
    return NULL;
}

void render(const int *times, int count, int threads)
{
    size_t length = (size_t)width * (size_t)height * 4;
    float *pictures = calloc((size_t)count * length, sizeof *pictures);
    int statuses[MOST_FRAMES] = {0};
    double seconds[MOST_FRAMES] = {0};
    atomic_int next = 0;
    task shared = {times, count, &next, pictures, statuses, seconds};
    pthread_t ids[8];
    for (int i = 0; i < threads; i++)
        pthread_create(&ids[i], NULL, work, &shared);
    if (!threads)
        for (int i = 0; i < count; i++) {
            if (fresh_instances) {
                destroy_instance();
                create_instance();
            }
            statuses[i] = render_frame(times[i], pictures + (size_t)i * length, &seconds[i]);
        }
    for (int i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    atomic_store(&aborting, 0);
    check_sources();
    pthread_mutex_lock(&writing);
    fwrite(pictures, sizeof *pictures, (size_t)count * length, output);
    fflush(output);
    pthread_mutex_unlock(&writing);
    free(pictures);
    printf("rendered");
    for (int i = 0; i < count; i++)
        printf(" %d", statuses[i]);
    printf(" seconds");
    for (int i = 0; i < count; i++)
        printf(" %.6f", seconds[i]);
    printf(" progress %d message %s\n", atomic_exchange(&progress_calls, 0), last_message);
}
