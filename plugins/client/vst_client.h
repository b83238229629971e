/* The client of the vst worker, shared by all plugins.
 *
 * Python, PyTorch and CUDA stay out of the host's process. The worker is a separate process: the first render
 * starts it, all plugins of the host share it, and it ends with the host. protocol.h lists the messages.
 *
 * Frames are three planes, R'G'B' or linear RGB, float, not premultiplied, top row first. */
#ifndef VST_CLIENT_H
#define VST_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "protocol.h"

#define VST_ERROR_SIZE 1024 /* bytes that hold every error for the user */
#define VST_NAMES 128       /* styles or modes in a configuration */
#define VST_NAME 128        /* bytes of a name */
#define VST_PATH 4096

/* What `vst plugin install` wrote beside the plugin. */
typedef struct vst_config {
    char python[VST_PATH];  /* the interpreter that has vst's dependencies */
    char package[VST_PATH]; /* the folder that holds the package vst */
    int styles, modes, stateless_modes;
    char style[VST_NAMES][VST_NAME];
    char mode[VST_NAMES][VST_NAME];
    char stateless_mode[VST_NAMES][VST_NAME]; /* modes that stylize each frame independently */
} vst_config;

/* Reads the configuration: $VST_PLUGIN_CONFIG, or ../Resources/vst.conf of this binary's folder, or the
 * binary's name with .conf for .so. Returns 0, or -1 with an error. */
int vst_read_config(vst_config *config, char error[VST_ERROR_SIZE]);

typedef struct vst_callbacks {
    void *context;
    /* Writes source frame `index` to three planes, and its hash. Returns 0; 1 if the clip has no such frame. */
    int (*frame)(void *context, int index, float *planes, uint8_t hash[VST_HASH_SIZE]);
    /* Receives the stylized frame. */
    void (*result)(void *context, const float *planes);
    /* Whether the host does not want the frame any more. May be NULL. */
    int (*aborted)(void *context);
    /* The part that is done, 0..1, while earlier frames of the shot are stylized. May be NULL. */
    void (*progress)(void *context, double part);
} vst_callbacks;

typedef enum vst_outcome { VST_DONE, VST_APPROXIMATE, VST_ABORTED, VST_FAILED } vst_outcome;

/* Stylizes one frame. Starts the worker if there is none; the request's id is set here. Threads may call this at
 * once, and a callback may lead to another call: a host may have to render the frame that it is asked for with
 * another of our effects. The error says what went wrong and what to do. */
vst_outcome vst_stylize(const vst_render_message *request, const vst_callbacks *callbacks,
                        char error[VST_ERROR_SIZE]);

/* Empties the worker's caches, if there is a worker. */
void vst_purge(void);

/* Disconnects from the worker, which then ends; the next render starts another. */
void vst_close(void);

/* Appends a line to the file that $VST_PLUGIN_LOG names. */
void vst_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
