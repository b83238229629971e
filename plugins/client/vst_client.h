/* The client of the vst worker: what every plugin has in common.
 *
 * A plugin's process has no Python, PyTorch or CUDA in it. The worker is a process of its own that is started
 * at the first frame, found by other plugins of the same process, and ends with it. See vst/host/protocol.py
 * for what the two say to each other.
 *
 * Frames are three planes, R'G'B' or linear RGB, float, not premultiplied, top row first. */
#ifndef VST_CLIENT_H
#define VST_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#define VST_PROTOCOL 1
#define VST_HASH 16      /* bytes of a frame's hash */
#define VST_MESSAGE 1024 /* bytes that hold every message for the user */
#define VST_NAMES 128    /* styles or modes in a configuration */
#define VST_NAME 128     /* bytes of a name */
#define VST_PATH 4096

/* What `vst plugin install` wrote beside the plugin. */
typedef struct vst_config {
    char python[VST_PATH];  /* the interpreter that has vst's dependencies */
    char package[VST_PATH]; /* the folder that holds the package vst */
    int styles, modes, alone;
    char style[VST_NAMES][VST_NAME];
    char mode[VST_NAMES][VST_NAME];
    char alone_mode[VST_NAMES][VST_NAME]; /* modes that paint each frame for itself */
} vst_config;

/* Reads the configuration: $VST_PLUGIN_CONFIG, or ../Resources/vst.conf of this binary's folder, or the
 * binary's name with .conf for .so. Returns 0, or -1 with a message. */
int vst_read_config(vst_config *config, char message[VST_MESSAGE]);

/* How a frame is to be painted; vst.host.protocol.Request says what each means. */
typedef struct vst_settings {
    int width, height;
    double time;
    int first, last;
    int temporal;
    double gap;
    char run[64];
    const char *style, *mode, *device, *weights;
    double strength, style_scale;
    int keep_color, seed, linear, interactive, limit;
} vst_settings;

typedef struct vst_callbacks {
    void *context;
    /* Writes frame `index` to three planes and its hash. Returns 0; 1 where the clip has no such frame. */
    int (*frame)(void *context, int index, float *planes, uint8_t hash[VST_HASH]);
    /* Takes what was painted. */
    void (*result)(void *context, const float *planes);
    /* Whether the host wants no frame any more. May be NULL. */
    int (*aborted)(void *context);
    /* How much is done, 0..1, while frames of the past are painted. May be NULL. */
    void (*progress)(void *context, double part);
} vst_callbacks;

typedef enum vst_outcome { VST_DONE, VST_APPROXIMATE, VST_ABORTED, VST_FAILED } vst_outcome;

/* Paints a frame. Any number of threads may call this, and so may what a callback leads to: a host may have to
 * render the frame that it is asked for with another of our effects. The message says what went wrong and what to
 * do. A worker that is not there is started. */
vst_outcome vst_paint(const vst_settings *settings, const vst_callbacks *callbacks, char message[VST_MESSAGE]);

/* Lets the worker forget what it keeps; does nothing where there is none. */
void vst_purge(void);

/* Lets go of the worker, which then ends; the next frame starts another. */
void vst_close(void);

/* A line for the file that $VST_PLUGIN_LOG names. */
void vst_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
