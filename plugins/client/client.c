#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "internal.h"

#define PACKET 16384
#define LAUNCH_SECONDS 60.0 /* PyTorch is slow to import */
#define RENDER_SECONDS 60.0 /* without a sign of life */
#define TICK 0.02           /* seconds between two looks at whether the host still wants the frame */
#define MOURNING 0.5        /* seconds for a process to end after its connection has */
#define SLOTS 3
#define RESULT 2
#define KEPT 2 /* sessions that wait for the next frames; each holds memory for three */

/* A connection to the worker, and memory for frames of one size. Every render has one to itself: to give a frame
 * that is asked for, a host may have to render it with another effect of ours, in this thread or another one. */
typedef struct session {
    int socket; /* -1 without a worker */
    char path[sizeof((struct sockaddr_un *)0)->sun_path];
    int memory, width, height;
    float *frames;
    int shared;  /* whether the worker has the memory's descriptor */
    int pending; /* number of a request that was given up and not yet answered, or 0 */
    int number;
    char packet[PACKET + 1];
    struct session *next;
} session;

/* What the process has; `guard` is held for moments only. */
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static struct {
    pid_t owner, worker; /* the worker that this client has started, 0 if none */
    session *idle;
    int idles, busy;
    int purging;  /* whether a session that is busy now is to say so afterwards */
    int silences; /* how often the worker did not answer in time since it last did */
} all;

static double seconds_of(const char *variable, double otherwise)
{
    const char *text = getenv(variable);
    double seconds = text ? atof(text) : 0;
    return seconds > 0 ? seconds : otherwise;
}

static int aborted(const vst_callbacks *callbacks)
{
    return callbacks->aborted && callbacks->aborted(callbacks->context);
}

static size_t frame_bytes(const session *it)
{
    return (size_t)3 * (size_t)it->width * (size_t)it->height * sizeof(float);
}

static void release_memory(session *it)
{
    if (it->frames)
        munmap(it->frames, SLOTS * frame_bytes(it));
    if (it->memory >= 0)
        close(it->memory);
    it->frames = NULL;
    it->memory = -1;
    it->shared = 0;
}

/* The memory goes as well: a worker that was given up may still write to it. */
static void disconnect(session *it)
{
    if (it->socket >= 0)
        close(it->socket);
    it->socket = -1;
    it->pending = 0;
    release_memory(it);
}

static void end_session(session *it)
{
    disconnect(it);
    free(it);
}

/* A session that nobody uses, or a new one; NULL where there is no memory. */
static session *begin_session(void)
{
    pthread_mutex_lock(&guard);
    session *left = NULL, *it;
    if (all.owner != getpid()) { /* the first time, or after a fork: what there is is the parent's */
        left = all.idle;
        all.idle = NULL;
        all.idles = all.busy = 0;
        all.worker = 0;
        all.owner = getpid();
    }
    it = all.idle;
    if (it) {
        all.idle = it->next;
        all.idles--;
    }
    all.busy++;
    pthread_mutex_unlock(&guard);
    while (left) {
        session *next = left->next;
        end_session(left);
        left = next;
    }
    if (!it && (it = calloc(1, sizeof *it)))
        it->socket = it->memory = -1;
    if (!it) {
        pthread_mutex_lock(&guard);
        all.busy--;
        pthread_mutex_unlock(&guard);
    }
    return it;
}

static void keep_session(session *it)
{
    pthread_mutex_lock(&guard);
    int kept = all.idles < KEPT;
    all.busy--;
    if (kept) {
        it->next = all.idle;
        all.idle = it;
        all.idles++;
    }
    pthread_mutex_unlock(&guard);
    if (!kept)
        end_session(it);
}

/* The exit status of the worker that this client started if it is gone by now, else -1. */
static int reap(void)
{
    pthread_mutex_lock(&guard);
    int status = 0, gone = all.worker > 0 && waitpid(all.worker, &status, WNOHANG) != 0;
    if (gone)
        all.worker = 0;
    pthread_mutex_unlock(&guard);
    return gone ? status : -1;
}

static int has_child(void)
{
    pthread_mutex_lock(&guard);
    int has = all.worker > 0;
    pthread_mutex_unlock(&guard);
    return has;
}

/* Waits for the process behind a connection that has ended; its exit status, or 0 if that is not known. */
static int mourn(void)
{
    int status = reap();
    for (double until = vst_now() + MOURNING; status < 0 && has_child() && vst_now() < until; status = reap())
        vst_sleep(TICK);
    return status < 0 ? 0 : status;
}

static void lost(session *it, const char *when, char message[VST_MESSAGE])
{
    vst_epitaph(it->path, mourn(), when, message);
    disconnect(it);
}

static void heard(void)
{
    pthread_mutex_lock(&guard);
    all.silences = 0;
    pthread_mutex_unlock(&guard);
}

/* Lets go of a worker that does not answer. It may only be slow, and ready for the next frame: so it is not before
 * the second time that it is ended, and the next render has another. */
static void despair(session *it)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    pthread_mutex_lock(&guard);
    int again = all.silences++ > 0;
    if (again) {
        if (it->socket < 0)
            peer.pid = all.worker;
        else if (getsockopt(it->socket, SOL_SOCKET, SO_PEERCRED, &peer, &size))
            peer.pid = 0;
        if (peer.pid > 0)
            kill(peer.pid, SIGKILL);
        all.silences = 0;
    }
    pthread_mutex_unlock(&guard);
    if (again) {
        vst_log("the worker is ended: it did not answer twice");
        mourn();
    }
    disconnect(it);
}

static int send_packet(session *it, const char *packet, size_t length, int descriptor)
{
    struct iovec part = {(void *)packet, length};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    if (descriptor >= 0) {
        memset(&control, 0, sizeof control);
        header.msg_control = control.bytes;
        header.msg_controllen = sizeof control.bytes;
        struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(rights), &descriptor, sizeof descriptor);
    }
    ssize_t sent;
    do
        sent = sendmsg(it->socket, &header, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -1 : 0;
}

static int send_text(session *it, const char *text)
{
    return send_packet(it, text, strlen(text), -1);
}

/* Waits for a packet: its length, 0 at the end of the connection, -1 when the time is over. */
static ssize_t receive(session *it, double seconds)
{
    struct pollfd ready = {.fd = it->socket, .events = POLLIN};
    int count = poll(&ready, 1, (int)(seconds * 1000));
    if (count <= 0)
        return -1;
    ssize_t length = recv(it->socket, it->packet, PACKET, 0);
    if (length < 0)
        return errno == EINTR || errno == EAGAIN ? -1 : 0;
    it->packet[length] = 0;
    return length;
}

static int says(const session *it, const char *word)
{
    size_t length = strlen(word);
    return !strncmp(it->packet, word, length) && (it->packet[length] == '\n' || !it->packet[length]);
}

/* The value of a name in the packet, or "". */
static const char *value_of(const session *it, const char *name, char *buffer, size_t size)
{
    size_t length = strlen(name);
    buffer[0] = 0;
    for (const char *at = strchr(it->packet, '\n'); at; at = strchr(at, '\n')) {
        at++;
        if (!strncmp(at, name, length) && at[length] == '=') {
            snprintf(buffer, size, "%.*s", (int)strcspn(at + length + 1, "\n"), at + length + 1);
            break;
        }
    }
    return buffer;
}

static int number_of(const session *it, const char *name)
{
    char buffer[32];
    return atoi(value_of(it, name, buffer, sizeof buffer));
}

/* Whether the packet is the last word on a request. */
static int ends(const session *it, int number)
{
    return number_of(it, "id") == number && (says(it, "done") || says(it, "failed") || says(it, "cancelled"));
}

static int try_to_connect(session *it)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, it->path, sizeof address.sun_path);
    /* Nothing ever waits in a system call for a worker that hangs. */
    int connection = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (connection < 0)
        return -1;
    if (connect(connection, (struct sockaddr *)&address, sizeof address)) {
        close(connection);
        return -1;
    }
    it->socket = connection;
    return 0;
}

/* Says hello. `gone` tells that the worker ended before it answered. */
static vst_outcome greet(session *it, const vst_callbacks *callbacks, double until, int *gone,
                         char message[VST_MESSAGE])
{
    char hello[64];
    snprintf(hello, sizeof hello, "hello\nprotocol=%d\nversion=%d", VST_PROTOCOL, VST_PROTOCOL);
    ssize_t length = send_text(it, hello) ? 0 : -1;
    for (*gone = 0; length && vst_now() < until; length = receive(it, TICK)) {
        if (length > 0 && says(it, "hello"))
            return VST_DONE;
        if (length > 0 && says(it, "failed")) {
            char text[VST_MESSAGE];
            vst_say(message, "vst: %s", value_of(it, "message", text, sizeof text));
            disconnect(it);
            return VST_FAILED;
        }
        if (aborted(callbacks)) {
            disconnect(it);
            return VST_ABORTED;
        }
    }
    if (length) {
        vst_say(message, "vst: the worker did not answer in time; render again");
        despair(it);
        return VST_FAILED;
    }
    *gone = 1;
    disconnect(it);
    return VST_FAILED;
}

static int start(session *it, char message[VST_MESSAGE])
{
    pid_t child = vst_spawn(it->path, message);
    pthread_mutex_lock(&guard);
    all.worker = child > 0 ? child : 0;
    pthread_mutex_unlock(&guard);
    return child > 0 ? 0 : -1;
}

/* Finds the worker of this process, or starts it. */
static vst_outcome find_or_start(session *it, const vst_callbacks *callbacks, double until,
                                 char message[VST_MESSAGE])
{
    int started = 0, gone = 0;
    if (!try_to_connect(it)) {
        vst_outcome outcome = greet(it, callbacks, until, &gone, message);
        if (!gone)
            return outcome;
        mourn(); /* it was just about to end */
    }
    while (try_to_connect(it)) {
        int status = reap();
        if (started && status >= 0) {
            vst_epitaph(it->path, status, "before it was ready", message);
            return VST_FAILED;
        }
        if (aborted(callbacks))
            return VST_ABORTED;
        /* One that a render started which was aborted then may not listen yet. */
        if (!has_child()) {
            if (start(it, message))
                return VST_FAILED;
            started = 1;
        }
        if (vst_now() > until) {
            vst_say(message, "vst: the worker did not start in time; see what 'vst plugin check' says");
            despair(it);
            return VST_FAILED;
        }
        vst_sleep(TICK);
    }
    vst_outcome outcome = greet(it, callbacks, until, &gone, message);
    if (gone)
        lost(it, "while it started", message);
    return outcome;
}

static vst_outcome connect_worker(session *it, const vst_callbacks *callbacks, char message[VST_MESSAGE])
{
    if (it->socket >= 0)
        return VST_DONE;
    char folder[VST_PATH];
    if (vst_private_folder(folder, message))
        return VST_FAILED;
    memset(it->path, 0, sizeof it->path);
    int length = snprintf(it->path, sizeof it->path, "%s/%ld.sock", folder, (long)getpid());
    if (length >= (int)sizeof it->path) {
        vst_say(message, "vst: %s is too long a name for a socket; set XDG_RUNTIME_DIR to a shorter one", folder);
        return VST_FAILED;
    }
    double until = vst_now() + seconds_of("VST_PLUGIN_LAUNCH_TIMEOUT", LAUNCH_SECONDS);
    /* Two threads, or two plugins, start one worker. */
    int lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    vst_outcome outcome = VST_DONE;
    while (lock >= 0 && outcome == VST_DONE && flock(lock, LOCK_EX | LOCK_NB)) {
        if (aborted(callbacks))
            outcome = VST_ABORTED;
        else if (vst_now() > until) {
            vst_say(message, "vst: the worker did not start in time; see what 'vst plugin check' says");
            outcome = VST_FAILED;
        } else
            vst_sleep(TICK);
    }
    if (outcome == VST_DONE)
        outcome = find_or_start(it, callbacks, until, message);
    if (lock >= 0)
        close(lock);
    return outcome;
}

static int make_memory(session *it, int width, int height, char message[VST_MESSAGE])
{
    if (it->frames && it->width == width && it->height == height)
        return 0;
    release_memory(it);
    it->width = width;
    it->height = height;
    size_t bytes = SLOTS * frame_bytes(it);
    it->memory = memfd_create("vst frames", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    void *map = MAP_FAILED;
    /* Pages that are there at once, and a size that nobody can change: else a host could die of reading them. */
    int wrong = it->memory < 0 ? errno : EINTR;
    while (wrong == EINTR)
        wrong = posix_fallocate(it->memory, 0, (off_t)bytes);
    if (!wrong && fcntl(it->memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
        wrong = errno;
    if (!wrong && (map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, it->memory, 0)) == MAP_FAILED)
        wrong = errno;
    if (wrong) {
        vst_say(message, "vst: %zu MB for frames cannot be had (%s)", bytes / 1000000, strerror(wrong));
        release_memory(it);
        return -1;
    }
    it->frames = map;
    return 0;
}

static int send_request(session *it, const vst_settings *s, char message[VST_MESSAGE])
{
    char text[PACKET];
    const char *strings[] = {s->style, s->mode, s->device, s->weights, s->run};
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        if (strpbrk(strings[i], "\r\n")) {
            vst_say(message, "vst: a line break in '%s'; remove it", strings[i]);
            return -1;
        }
    int length = snprintf(
        text, sizeof text,
        "render\nid=%d\nrun=%s\nwidth=%d\nheight=%d\ntime=%.17g\nfirst=%d\nlast=%d\ntemporal=%d\ngap=%.17g\n"
        "style=%s\nmode=%s\nstrength=%.9g\nkeep_color=%d\nstyle_scale=%.9g\nseed=%d\ndevice=%s\nweights=%s\n"
        "linear=%d\ninteractive=%d\nlimit=%d",
        it->number, s->run, s->width, s->height, s->time, s->first, s->last, s->temporal, s->gap, s->style, s->mode,
        s->strength, s->keep_color, s->style_scale, s->seed, s->device, s->weights, s->linear, s->interactive,
        s->limit);
    if (length < 0 || length >= (int)sizeof text) {
        vst_say(message, "vst: style or weights are too long to send; make them shorter");
        return -1;
    }
    if (send_packet(it, text, (size_t)length, it->shared ? -1 : it->memory)) {
        lost(it, "before the frame", message);
        return -1;
    }
    it->shared = 1;
    return 0;
}

static int answer_need(session *it, const vst_callbacks *callbacks)
{
    int index = number_of(it, "index"), slot = number_of(it, "slot");
    if (slot < 0 || slot >= RESULT)
        return -1;
    uint8_t hash[VST_HASH];
    char text[128];
    int length;
    float *planes = it->frames + (size_t)slot * frame_bytes(it) / sizeof(float);
    if (callbacks->frame(callbacks->context, index, planes, hash)) {
        length = snprintf(text, sizeof text, "missing\nid=%d\nindex=%d", it->number, index);
    } else {
        length = snprintf(text, sizeof text, "frame\nid=%d\nindex=%d\nhash=", it->number, index);
        for (int i = 0; i < VST_HASH; i++)
            length += snprintf(text + length, sizeof text - (size_t)length, "%02x", hash[i]);
    }
    return send_packet(it, text, (size_t)length, -1);
}

static void give_up(session *it)
{
    char text[64];
    snprintf(text, sizeof text, "cancel\nid=%d", it->number);
    if (send_text(it, text))
        disconnect(it);
    else
        it->pending = it->number;
}

/* Answers the worker until the request `it->number` is over. */
static vst_outcome converse(session *it, const vst_callbacks *callbacks, char message[VST_MESSAGE])
{
    double patience = seconds_of("VST_PLUGIN_RENDER_TIMEOUT", RENDER_SECONDS), until = vst_now() + patience;
    for (;;) {
        ssize_t length = receive(it, TICK);
        if (length == 0) {
            lost(it, "in the middle of a frame", message);
            return VST_FAILED;
        }
        if (aborted(callbacks)) {
            if (length < 0 || !ends(it, it->number))
                give_up(it);
            return VST_ABORTED;
        }
        if (length < 0) {
            if (vst_now() < until)
                continue;
            vst_say(message, "vst: the worker was silent for %.0f s; render again, or paint smaller (style scale)",
                    patience);
            despair(it);
            return VST_FAILED;
        }
        if (number_of(it, "id") != it->number)
            continue;
        if (ends(it, it->number))
            heard();
        if (says(it, "need") && answer_need(it, callbacks)) {
            lost(it, "in the middle of a frame", message);
            return VST_FAILED;
        }
        if (says(it, "step") && callbacks->progress && number_of(it, "steps") > 0)
            callbacks->progress(callbacks->context, (double)number_of(it, "done") / number_of(it, "steps"));
        if (says(it, "done")) {
            callbacks->result(callbacks->context, it->frames + (size_t)RESULT * frame_bytes(it) / sizeof(float));
            return number_of(it, "approximate") ? VST_APPROXIMATE : VST_DONE;
        }
        if (says(it, "failed")) {
            char text[VST_MESSAGE];
            vst_say(message, "vst: %s", value_of(it, "message", text, sizeof text));
            return VST_FAILED;
        }
        if (says(it, "cancelled"))
            return VST_ABORTED;
        until = vst_now() + patience;
    }
}

/* Waits until a request that was given up is over: until then the worker may still write its result. */
static vst_outcome settle(session *it, const vst_callbacks *callbacks, char message[VST_MESSAGE])
{
    double until = vst_now() + seconds_of("VST_PLUGIN_RENDER_TIMEOUT", RENDER_SECONDS);
    while (it->pending) {
        ssize_t length = receive(it, TICK);
        if (length == 0) {
            disconnect(it);
            break;
        }
        if (length > 0 && ends(it, it->pending)) {
            it->pending = 0;
            heard();
        } else if (aborted(callbacks))
            return VST_ABORTED;
        else if (vst_now() > until) {
            vst_say(message, "vst: the worker is still busy with a frame that was given up; render again");
            despair(it);
            return VST_FAILED;
        }
    }
    return VST_DONE;
}

/* A worker that ended while nobody waited for it is no trouble: another one is started. */
static void notice_end(session *it)
{
    char byte;
    if (it->socket < 0)
        return;
    ssize_t length = recv(it->socket, &byte, 1, MSG_PEEK);
    if (length > 0 || (length < 0 && (errno == EAGAIN || errno == EINTR)))
        return;
    vst_log("the worker has ended; starting another");
    disconnect(it);
}

static vst_outcome paint(session *it, const vst_settings *settings, const vst_callbacks *callbacks,
                         char message[VST_MESSAGE])
{
    notice_end(it);
    vst_outcome outcome = settle(it, callbacks, message);
    if (outcome == VST_DONE)
        outcome = connect_worker(it, callbacks, message);
    if (outcome != VST_DONE)
        return outcome;
    if (make_memory(it, settings->width, settings->height, message))
        return VST_FAILED;
    it->number = it->number % 1000000000 + 1;
    if (send_request(it, settings, message))
        return VST_FAILED;
    return converse(it, callbacks, message);
}

static void purge(session *it)
{
    if (it->socket >= 0 && send_text(it, "purge"))
        disconnect(it);
}

vst_outcome vst_paint(const vst_settings *settings, const vst_callbacks *callbacks, char message[VST_MESSAGE])
{
    message[0] = 0;
    session *it = begin_session();
    if (!it) {
        vst_say(message, "vst: out of memory");
        return VST_FAILED;
    }
    vst_outcome outcome = paint(it, settings, callbacks, message);
    pthread_mutex_lock(&guard);
    int purging = all.purging;
    all.purging = 0;
    pthread_mutex_unlock(&guard);
    if (purging)
        purge(it);
    keep_session(it);
    return outcome;
}

void vst_purge(void)
{
    session *it = begin_session();
    if (!it)
        return;
    notice_end(it);
    if (it->socket >= 0) {
        purge(it);
    } else {
        pthread_mutex_lock(&guard);
        all.purging = all.busy > 1;
        pthread_mutex_unlock(&guard);
    }
    keep_session(it);
}

void vst_close(void)
{
    for (;;) {
        pthread_mutex_lock(&guard);
        session *it = all.idle;
        if (it) {
            all.idle = it->next;
            all.idles--;
        }
        pthread_mutex_unlock(&guard);
        if (!it)
            break;
        end_session(it);
    }
    reap();
}
