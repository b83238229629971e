/* Connecting to the worker of this process, and starting it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "internal.h"

#define LAUNCH_SECONDS 60.0 /* PyTorch is slow to import */

static void set_launch_error(char error[VST_ERROR_SIZE])
{
    vst_set_error(error, "vst: the worker did not start in time; run 'vst plugin check'");
}

/* Exchanges hello. `has_ended` tells that the worker ended before it answered. */
static vst_outcome greet(connection *it, const vst_callbacks *callbacks, double until, int *has_ended,
                         char error[VST_ERROR_SIZE])
{
    char version[16];
    snprintf(version, sizeof version, "%d", VST_PROTOCOL);
    vst_message hello = {.kind = VST_MESSAGE_HELLO, .hello = {VST_PROTOCOL, version}};
    *has_ended = 0;
    vst_send(it, &hello, error);
    while (vst_now() < until) {
        receipt received = vst_receive(it, TICK);
        if (received == END_OF_CONNECTION) {
            *has_ended = 1;
            vst_disconnect(it);
            return VST_FAILED;
        }
        if (received == INVALID) {
            vst_worker_confused(it, error);
            return VST_FAILED;
        }
        if (received == RECEIVED && it->message.kind == VST_MESSAGE_HELLO)
            return VST_DONE;
        if (received == RECEIVED && it->message.kind == VST_MESSAGE_FAILED) {
            vst_set_error(error, "vst: %s", it->message.failed.message);
            vst_disconnect(it);
            return VST_FAILED;
        }
        if (vst_is_aborted(callbacks)) {
            vst_disconnect(it);
            return VST_ABORTED;
        }
    }
    vst_set_error(error, "vst: the worker did not answer in time; render again");
    vst_worker_timed_out(it);
    return VST_FAILED;
}

/* Waits until a worker listens, starting one if there is none. */
static vst_outcome start_and_open(connection *it, const vst_callbacks *callbacks, double until,
                                  char error[VST_ERROR_SIZE])
{
    int is_started = 0;
    while (vst_open_socket(it)) {
        int status = vst_reap_worker();
        if (is_started && status >= 0) {
            vst_describe_exit(it->path, status, "before it was ready", error);
            return VST_FAILED;
        }
        if (vst_is_aborted(callbacks))
            return VST_ABORTED;
        /* A worker that was started for a render that was aborted may not listen yet. */
        if (!vst_has_worker()) {
            if (vst_start_worker(it->path, error))
                return VST_FAILED;
            is_started = 1;
        }
        if (vst_now() > until) {
            set_launch_error(error);
            vst_worker_timed_out(it);
            return VST_FAILED;
        }
        vst_sleep(TICK);
    }
    return VST_DONE;
}

static vst_outcome find_or_start(connection *it, const vst_callbacks *callbacks, double until,
                                 char error[VST_ERROR_SIZE])
{
    int has_ended = 0;
    vst_outcome outcome;
    if (!vst_open_socket(it)) {
        outcome = greet(it, callbacks, until, &has_ended, error);
        if (!has_ended)
            return outcome;
        vst_wait_for_exit(); /* it was about to end anyway */
    }
    outcome = start_and_open(it, callbacks, until, error);
    if (outcome != VST_DONE)
        return outcome;
    outcome = greet(it, callbacks, until, &has_ended, error);
    if (has_ended)
        vst_worker_ended(it, "while it started", error);
    return outcome;
}

/* Names the socket after this process. Returns 0, or -1 with an error. */
static int set_path(connection *it, const char *folder, char error[VST_ERROR_SIZE])
{
    memset(it->path, 0, sizeof it->path);
    int length = snprintf(it->path, sizeof it->path, "%s/%ld.sock", folder, (long)getpid());
    if (length < (int)sizeof it->path)
        return 0;
    vst_set_error(error, "vst: the path %s is too long for a socket; set XDG_RUNTIME_DIR to a shorter one", folder);
    return -1;
}

/* Locks the folder, so that threads and plugins of one process start one worker. */
static vst_outcome lock_folder(int folder, const vst_callbacks *callbacks, double until, char error[VST_ERROR_SIZE])
{
    while (folder >= 0 && flock(folder, LOCK_EX | LOCK_NB)) {
        if (vst_is_aborted(callbacks))
            return VST_ABORTED;
        if (vst_now() > until) {
            set_launch_error(error);
            return VST_FAILED;
        }
        vst_sleep(TICK);
    }
    return VST_DONE;
}

vst_outcome vst_connect(connection *it, const vst_callbacks *callbacks, char error[VST_ERROR_SIZE])
{
    if (it->socket >= 0)
        return VST_DONE;
    char path[VST_PATH];
    if (vst_private_folder(path, error) || set_path(it, path, error))
        return VST_FAILED;
    double until = vst_now() + vst_seconds("VST_PLUGIN_LAUNCH_TIMEOUT", LAUNCH_SECONDS);
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    vst_outcome outcome = lock_folder(folder, callbacks, until, error);
    if (outcome == VST_DONE)
        outcome = find_or_start(it, callbacks, until, error);
    if (folder >= 0)
        close(folder);
    return outcome;
}
