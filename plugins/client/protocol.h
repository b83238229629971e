/* Written from vst/host/messages.py by `python -m vst.host.protocol_header`. */
#ifndef VST_PROTOCOL_H
#define VST_PROTOCOL_H

#include <stdint.h>

#define VST_PROTOCOL 3
#define VST_PACKET_SIZE 16384 /* bytes of the longest message */
#define VST_HASH_SIZE 16 /* bytes of a frame's hash */

/* Slots of the shared memory: any source frame, the frame to stylize, the stylized frame. */
enum { VST_SLOT_OTHER = 0, VST_SLOT_CURRENT = 1, VST_SLOT_RESULT = 2, VST_SLOTS = 3 };

/* hello (both): the first message of a connection, and its answer */
typedef struct vst_hello_message {
    int protocol; /* version of the protocol */
    const char *version; /* of the sender, for the log */
} vst_hello_message;

/* render (client): asks for one stylized frame; carries the memory's descriptor when the memory is new */
typedef struct vst_render_message {
    int id; /* number of the request */
    const char *editor; /* openfx or frei0r: whose parameters messages speak of */
    const char *run; /* identifies the plugin instance and its state of the clip */
    int width; /* of the frame, in pixels */
    int height; /* of the frame, in pixels */
    int index; /* of the frame in its clip; not temporal: any number */
    double time; /* not temporal: a growing number; else the index */
    int first; /* index of the clip's first frame */
    int last; /* index of the clip's last frame */
    int temporal; /* the host gives frames of other times */
    double gap; /* not temporal: a larger step in time is a jump; 0 if unknown */
    double frame_rate; /* of the clip, frames a second; 0 if unknown */
    const char *style; /* a style or a blend, as for --style */
    const char *mode; /* as for --mode */
    double strength; /* 0 the clip, 1 the stylized frame */
    int keep_color; /* keep the clip's colours */
    int keep_borders; /* leave borders of one colour as they are */
    double style_scale; /* as for --style-scale; 0 chooses as vst render does */
    int keyframe_interval; /* as for --keyframe-interval; 0 chooses as vst render does */
    int look_ahead; /* temporal: frames wait for the keyframe after them */
    int seed; /* for modes that draw random numbers */
    const char *device; /* auto, cpu, cuda, cuda:n or mps */
    const char *weights; /* a folder of weights that is searched first, or empty */
    int linear; /* frames are scene-linear RGB, else R'G'B' */
    int interactive; /* a user waits for the frame */
    int limit; /* interactive: frames to stylize at most for this one */
} vst_render_message;

/* need (worker): asks for a source frame */
typedef struct vst_need_message {
    int id; /* number of the request */
    int index; /* of the source frame in its clip */
    int slot; /* of the shared memory to write it to */
} vst_need_message;

/* frame (client): the source frame is in its slot */
typedef struct vst_frame_message {
    int id; /* number of the request */
    int index; /* of the source frame in its clip */
    uint8_t hash[VST_HASH_SIZE]; /* of the frame's pixels */
} vst_frame_message;

/* missing (client): the clip has no such source frame */
typedef struct vst_missing_message {
    int id; /* number of the request */
    int index; /* of the source frame in its clip */
} vst_missing_message;

/* step (worker): an earlier frame of the shot is stylized */
typedef struct vst_step_message {
    int id; /* number of the request */
    int done; /* frames so far */
    int steps; /* frames in all */
} vst_step_message;

/* wait (worker): the request is alive and waits for the engine */
typedef struct vst_wait_message {
    int id; /* number of the request */
} vst_wait_message;

/* cancel (client): the host does not want the frame any more */
typedef struct vst_cancel_message {
    int id; /* number of the request */
} vst_cancel_message;

/* done (worker): the stylized frame is in its slot */
typedef struct vst_done_message {
    int id; /* number of the request */
    int approximate; /* the shot was not stylized from its first frame */
    double seconds; /* spent in the networks */
} vst_done_message;

/* failed (worker): the request or the greeting failed */
typedef struct vst_failed_message {
    int id; /* number of the request */
    const char *message; /* what is wrong and what to do */
} vst_failed_message;

/* cancelled (worker): the answer to cancel */
typedef struct vst_cancelled_message {
    int id; /* number of the request */
} vst_cancelled_message;

typedef enum vst_message_kind {
    VST_MESSAGE_HELLO,
    VST_MESSAGE_RENDER,
    VST_MESSAGE_NEED,
    VST_MESSAGE_FRAME,
    VST_MESSAGE_MISSING,
    VST_MESSAGE_STEP,
    VST_MESSAGE_WAIT,
    VST_MESSAGE_CANCEL,
    VST_MESSAGE_DONE,
    VST_MESSAGE_FAILED,
    VST_MESSAGE_CANCELLED,
    VST_MESSAGE_PURGE,
} vst_message_kind;

typedef struct vst_message {
    vst_message_kind kind;
    union {
        vst_hello_message hello;
        vst_render_message render;
        vst_need_message need;
        vst_frame_message frame;
        vst_missing_message missing;
        vst_step_message step;
        vst_wait_message wait;
        vst_cancel_message cancel;
        vst_done_message done;
        vst_failed_message failed;
        vst_cancelled_message cancelled;
    };
} vst_message;

/* X(kind, word) for each message, in the order of vst_message_kind. */
#define VST_MESSAGES(X) \
    X(HELLO, hello) \
    X(RENDER, render) \
    X(NEED, need) \
    X(FRAME, frame) \
    X(MISSING, missing) \
    X(STEP, step) \
    X(WAIT, wait) \
    X(CANCEL, cancel) \
    X(DONE, done) \
    X(FAILED, failed) \
    X(CANCELLED, cancelled) \
    X(PURGE, purge)

/* X(kind, word, name, type) for each field of each message, in the order of the wire. */
#define VST_MESSAGE_FIELDS(X) \
    X(HELLO, hello, protocol, INTEGER) \
    X(HELLO, hello, version, TEXT) \
    X(RENDER, render, id, INTEGER) \
    X(RENDER, render, editor, TEXT) \
    X(RENDER, render, run, TEXT) \
    X(RENDER, render, width, INTEGER) \
    X(RENDER, render, height, INTEGER) \
    X(RENDER, render, index, INTEGER) \
    X(RENDER, render, time, NUMBER) \
    X(RENDER, render, first, INTEGER) \
    X(RENDER, render, last, INTEGER) \
    X(RENDER, render, temporal, FLAG) \
    X(RENDER, render, gap, NUMBER) \
    X(RENDER, render, frame_rate, NUMBER) \
    X(RENDER, render, style, TEXT) \
    X(RENDER, render, mode, TEXT) \
    X(RENDER, render, strength, NUMBER) \
    X(RENDER, render, keep_color, FLAG) \
    X(RENDER, render, keep_borders, FLAG) \
    X(RENDER, render, style_scale, NUMBER) \
    X(RENDER, render, keyframe_interval, INTEGER) \
    X(RENDER, render, look_ahead, FLAG) \
    X(RENDER, render, seed, INTEGER) \
    X(RENDER, render, device, TEXT) \
    X(RENDER, render, weights, TEXT) \
    X(RENDER, render, linear, FLAG) \
    X(RENDER, render, interactive, FLAG) \
    X(RENDER, render, limit, INTEGER) \
    X(NEED, need, id, INTEGER) \
    X(NEED, need, index, INTEGER) \
    X(NEED, need, slot, INTEGER) \
    X(FRAME, frame, id, INTEGER) \
    X(FRAME, frame, index, INTEGER) \
    X(FRAME, frame, hash, HASH) \
    X(MISSING, missing, id, INTEGER) \
    X(MISSING, missing, index, INTEGER) \
    X(STEP, step, id, INTEGER) \
    X(STEP, step, done, INTEGER) \
    X(STEP, step, steps, INTEGER) \
    X(WAIT, wait, id, INTEGER) \
    X(CANCEL, cancel, id, INTEGER) \
    X(DONE, done, id, INTEGER) \
    X(DONE, done, approximate, FLAG) \
    X(DONE, done, seconds, NUMBER) \
    X(FAILED, failed, id, INTEGER) \
    X(FAILED, failed, message, TEXT) \
    X(CANCELLED, cancelled, id, INTEGER)

#endif
