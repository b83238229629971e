/* What the files of the client share. */
#ifndef VST_INTERNAL_H
#define VST_INTERNAL_H

#include <sys/types.h>
#include <sys/un.h>

#include "vst_client.h"

#define TICK 0.02 /* seconds between two checks of whether the host still wants the frame */

/* ---- log.c ---- */

/* Writes an error for the user, one line, and logs it. */
void vst_set_error(char error[VST_ERROR_SIZE], const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Seconds of a monotonic clock. */
double vst_now(void);

void vst_sleep(double seconds);

/* A time limit: the environment variable's value if it is positive, else `usual`. */
double vst_seconds(const char *variable, double usual);

/* ---- protocol.c ---- */

/* Writes a message. Returns its length, or -1 with an error if it cannot be sent. */
int vst_encode(const vst_message *message, char packet[VST_PACKET_SIZE], char error[VST_ERROR_SIZE]);

/* Reads a message from a packet that ends with a NUL; texts point into the packet, which is modified. Fields that
 * are absent are 0 or "". Returns 0, or -1 for an unknown word or a value that is not of its field's type. */
int vst_decode(char *packet, vst_message *message);

/* Reads a decimal number with a point, in any locale. Returns 0, or -1 for any other text. */
int vst_parse_number(const char *text, double *number);

/* ---- frame_memory.c ---- */

/* Memory for frames of one size, which the worker maps too. */
typedef struct frame_memory {
    int descriptor, width, height;
    float *slots; /* NULL if there is no memory */
    int sent;     /* whether the worker has the descriptor */
} frame_memory;

/* Makes the memory fit a frame size. Returns 0, or -1 with an error. */
int vst_allocate_frames(frame_memory *memory, int width, int height, char error[VST_ERROR_SIZE]);

void vst_free_frames(frame_memory *memory);

/* Three planes. */
float *vst_slot(const frame_memory *memory, int slot);

/* ---- connection.c ---- */

/* A connection to the worker. Each render has its own: to give a frame that it is asked for, a host may have to
 * render it with another effect of ours, in the same thread or in another one. */
typedef struct connection {
    int socket;                                          /* -1 if there is none */
    char path[sizeof((struct sockaddr_un *)0)->sun_path]; /* of the worker's socket */
    frame_memory memory;
    int number;    /* of the last request */
    int cancelled; /* number of a request that was cancelled and has no answer yet, or 0 */
    int is_lost;   /* whether the worker ended before it answered the last request */
    char packet[VST_PACKET_SIZE + 1];
    vst_message message; /* the last one received; its texts are in the packet */
    struct connection *next;
} connection;

typedef enum receipt { NOTHING_YET, RECEIVED, INVALID, END_OF_CONNECTION } receipt;

/* Connects to the socket at `path`. Returns 0, or -1 if nothing listens there. */
int vst_open_socket(connection *it);

/* Closes the socket and frees the memory: a worker that has not answered may still write to it. */
void vst_disconnect(connection *it);

/* Returns 0, or -1 with an error if the message cannot be encoded. A message that cannot be delivered ends the
 * connection, which the next `vst_receive` or `vst_is_closed` reports. */
int vst_send(connection *it, const vst_message *message, char error[VST_ERROR_SIZE]);

/* Waits for a message. INVALID is one that cannot be read. */
receipt vst_receive(connection *it, double seconds);

/* Whether the worker has closed the connection; does not wait. */
int vst_is_closed(const connection *it);

/* ---- pool.c ---- */

/* A connection that nobody uses, or a new one; NULL if there is no memory. */
connection *vst_take_connection(void);

/* Keeps a connection for the next render, or ends it if enough are kept. */
void vst_return_connection(connection *it);

/* Ends all connections that nobody uses. */
void vst_end_idle_connections(void);

/* Has a connection that is in use now ask for a purge when its render is over. */
void vst_purge_later(void);

/* Whether a purge was asked for meanwhile; answers once. */
int vst_is_purge_due(void);

/* ---- worker_process.c ---- */

/* Forgets the parent's worker, after a fork. */
void vst_forget_worker(void);

/* Starts the worker. Returns 0, or -1 with an error. */
int vst_start_worker(const char *path, char error[VST_ERROR_SIZE]);

/* Whether this process has started a worker that has not been reaped. */
int vst_has_worker(void);

/* The exit status of the worker that this process started if it has ended by now, else -1. */
int vst_reap_worker(void);

/* Waits briefly for the process behind a closed connection to end; its exit status, or 0 if that is not known. */
int vst_wait_for_exit(void);

/* The worker answered in time. */
void vst_worker_answered(void);

/* The worker did not answer in time: disconnects from it, and ends it the second time in a row. */
void vst_worker_timed_out(connection *it);

/* The worker sent what no worker of this protocol sends: disconnects, with an error. */
void vst_worker_confused(connection *it, char error[VST_ERROR_SIZE]);

/* The worker closed the connection: disconnects, with an error that says why. */
void vst_worker_ended(connection *it, const char *when, char error[VST_ERROR_SIZE]);

/* ---- launch.c ---- */

/* The folder for sockets: private to the user, created if absent. Returns 0, or -1 with an error. */
int vst_private_folder(char folder[VST_PATH], char error[VST_ERROR_SIZE]);

/* Starts a worker for this process that listens at `path`. Its process, or -1 with an error. */
pid_t vst_spawn(const char *path, char error[VST_ERROR_SIZE]);

/* Says how the worker at `path` ended, with the last line of its standard error. */
void vst_describe_exit(const char *path, int status, const char *when, char error[VST_ERROR_SIZE]);

/* ---- startup.c ---- */

/* Connects to the worker of this process, starting it if there is none. */
vst_outcome vst_connect(connection *it, const vst_callbacks *callbacks, char error[VST_ERROR_SIZE]);

/* ---- request.c ---- */

/* Waits until a cancelled request has its answer: until then the worker may still write its result. */
vst_outcome vst_finish_cancelled(connection *it, const vst_callbacks *callbacks, char error[VST_ERROR_SIZE]);

/* Sends a request and serves the worker's questions until it is done; sets `is_lost`. */
vst_outcome vst_request_frame(connection *it, const vst_render_message *request, const vst_callbacks *callbacks,
                              char error[VST_ERROR_SIZE]);

/* Whether the host does not want the frame any more. */
int vst_is_aborted(const vst_callbacks *callbacks);

#endif
