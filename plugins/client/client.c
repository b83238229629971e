#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
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
#define SLOTS 3
#define RESULT 2

/* One worker, one connection and one piece of memory serve the whole process; `turn` guards them. */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static struct {
    int socket; /* -1 without a worker */
    pid_t owner, worker;
    char path[sizeof((struct sockaddr_un *)0)->sun_path];
    int memory, width, height;
    float *frames;
    int shared;  /* whether the worker has the memory's descriptor */
    int pending; /* number of a request that was given up and not yet answered, or 0 */
    int number;
    char packet[PACKET + 1];
} it = {.socket = -1, .memory = -1};

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

static size_t frame_bytes(void)
{
    return (size_t)3 * (size_t)it.width * (size_t)it.height * sizeof(float);
}

static void release_memory(void)
{
    if (it.frames)
        munmap(it.frames, SLOTS * frame_bytes());
    if (it.memory >= 0)
        close(it.memory);
    it.frames = NULL;
    it.memory = -1;
    it.shared = 0;
}

static void disconnect(void)
{
    if (it.socket >= 0)
        close(it.socket);
    it.socket = -1;
    it.shared = 0;
    it.pending = 0;
}

/* The worker's exit status if it is gone by now, else -1. */
static int reap(void)
{
    int status = 0;
    if (it.worker <= 0 || waitpid(it.worker, &status, WNOHANG) == 0)
        return -1;
    it.worker = 0;
    return status;
}

static void lost(const char *when, char message[VST_MESSAGE])
{
    /* The end of the connection may be seen a moment before the end of the process. */
    int status = reap();
    for (int i = 0; status < 0 && it.worker > 0 && i < 25; i++) {
        vst_sleep(TICK);
        status = reap();
    }
    vst_epitaph(it.path, status < 0 ? 0 : status, when, message);
    disconnect();
}

static int send_packet(const char *packet, size_t length, int descriptor)
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
        sent = sendmsg(it.socket, &header, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -1 : 0;
}

static int send_text(const char *text)
{
    return send_packet(text, strlen(text), -1);
}

/* Waits for a packet: its length, 0 at the end of the connection, -1 when the time is over. */
static ssize_t receive(double seconds)
{
    struct pollfd ready = {.fd = it.socket, .events = POLLIN};
    int count = poll(&ready, 1, (int)(seconds * 1000));
    if (count <= 0)
        return -1;
    ssize_t length = recv(it.socket, it.packet, PACKET, 0);
    if (length < 0)
        return errno == EINTR || errno == EAGAIN ? -1 : 0;
    it.packet[length] = 0;
    return length;
}

static int says(const char *word)
{
    size_t length = strlen(word);
    return !strncmp(it.packet, word, length) && (it.packet[length] == '\n' || !it.packet[length]);
}

/* The value of a name in the packet, or "". */
static const char *value_of(const char *name, char *buffer, size_t size)
{
    size_t length = strlen(name);
    buffer[0] = 0;
    for (const char *at = strchr(it.packet, '\n'); at; at = strchr(at, '\n')) {
        at++;
        if (!strncmp(at, name, length) && at[length] == '=') {
            snprintf(buffer, size, "%.*s", (int)strcspn(at + length + 1, "\n"), at + length + 1);
            break;
        }
    }
    return buffer;
}

static int number_of(const char *name)
{
    char buffer[32];
    return atoi(value_of(name, buffer, sizeof buffer));
}

static int try_to_connect(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, it.path, sizeof address.sun_path);
    int connection = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (connection < 0)
        return -1;
    if (connect(connection, (struct sockaddr *)&address, sizeof address)) {
        close(connection);
        return -1;
    }
    it.socket = connection;
    return 0;
}

static vst_outcome greet(const vst_callbacks *callbacks, double until, char message[VST_MESSAGE])
{
    char hello[64];
    snprintf(hello, sizeof hello, "hello\nprotocol=%d\nversion=%d", VST_PROTOCOL, VST_PROTOCOL);
    if (send_text(hello)) {
        lost("while it started", message);
        return VST_FAILED;
    }
    while (vst_now() < until) {
        ssize_t length = receive(TICK);
        if (length == 0) {
            lost("while it started", message);
            return VST_FAILED;
        }
        if (length > 0 && says("hello"))
            return VST_DONE;
        if (length > 0 && says("failed")) {
            char text[VST_MESSAGE];
            vst_say(message, "vst: %s", value_of("message", text, sizeof text));
            disconnect();
            return VST_FAILED;
        }
        if (aborted(callbacks)) {
            disconnect();
            return VST_ABORTED;
        }
    }
    vst_say(message, "vst: the worker did not answer in time; render again");
    disconnect();
    return VST_FAILED;
}

/* Finds the worker of this process, or starts it. `folder` is locked, so that two plugins start one. */
static vst_outcome find_or_start(const vst_callbacks *callbacks, double until, char message[VST_MESSAGE])
{
    if (!try_to_connect())
        return greet(callbacks, until, message);
    reap();
    it.worker = vst_spawn(it.path, message);
    if (it.worker < 0)
        return VST_FAILED;
    while (try_to_connect()) {
        int status = reap();
        if (status >= 0) {
            vst_epitaph(it.path, status, "before it was ready", message);
            return VST_FAILED;
        }
        if (aborted(callbacks))
            return VST_ABORTED;
        if (vst_now() > until) {
            vst_say(message, "vst: the worker did not start in time; see what 'vst plugin check' says");
            return VST_FAILED;
        }
        vst_sleep(TICK);
    }
    return greet(callbacks, until, message);
}

static vst_outcome connect_worker(const vst_callbacks *callbacks, char message[VST_MESSAGE])
{
    if (it.owner != getpid()) { /* the first time, or after a fork: the connection is the parent's */
        disconnect();
        release_memory();
        it.owner = getpid();
        it.worker = 0;
    }
    if (it.socket >= 0)
        return VST_DONE;
    char folder[VST_PATH];
    if (vst_private_folder(folder, message))
        return VST_FAILED;
    int length = snprintf(it.path, sizeof it.path, "%s/%ld.sock", folder, (long)getpid());
    if (length >= (int)sizeof it.path) {
        vst_say(message, "vst: %s is too long a name for a socket; set XDG_RUNTIME_DIR to a shorter one", folder);
        return VST_FAILED;
    }
    double until = vst_now() + seconds_of("VST_PLUGIN_LAUNCH_TIMEOUT", LAUNCH_SECONDS);
    int lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) && vst_now() < until && !aborted(callbacks))
        vst_sleep(TICK);
    vst_outcome outcome = find_or_start(callbacks, until, message);
    if (lock >= 0)
        close(lock);
    return outcome;
}

static int make_memory(int width, int height, char message[VST_MESSAGE])
{
    if (it.frames && it.width == width && it.height == height)
        return 0;
    release_memory();
    it.width = width;
    it.height = height;
    size_t bytes = SLOTS * frame_bytes();
    it.memory = memfd_create("vst frames", MFD_CLOEXEC);
    void *map = MAP_FAILED;
    if (it.memory >= 0 && !ftruncate(it.memory, (off_t)bytes))
        map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, it.memory, 0);
    if (map == MAP_FAILED) {
        vst_say(message, "vst: %zu MB for frames cannot be had (%s)", bytes / 1000000, strerror(errno));
        release_memory();
        return -1;
    }
    it.frames = map;
    return 0;
}

static int send_request(const vst_settings *s, char message[VST_MESSAGE])
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
        it.number, s->run, s->width, s->height, s->time, s->first, s->last, s->temporal, s->gap, s->style, s->mode,
        s->strength, s->keep_color, s->style_scale, s->seed, s->device, s->weights, s->linear, s->interactive,
        s->limit);
    if (length < 0 || length >= (int)sizeof text) {
        vst_say(message, "vst: style or weights are too long to send; make them shorter");
        return -1;
    }
    if (send_packet(text, (size_t)length, it.shared ? -1 : it.memory)) {
        lost("before the frame", message);
        return -1;
    }
    it.shared = 1;
    return 0;
}

static int answer_need(const vst_callbacks *callbacks)
{
    int index = number_of("index"), slot = number_of("slot");
    if (slot < 0 || slot >= RESULT)
        return -1;
    uint8_t hash[VST_HASH];
    char text[128];
    int length;
    if (callbacks->frame(callbacks->context, index, it.frames + (size_t)slot * frame_bytes() / sizeof(float), hash)) {
        length = snprintf(text, sizeof text, "missing\nid=%d\nindex=%d", it.number, index);
    } else {
        length = snprintf(text, sizeof text, "frame\nid=%d\nindex=%d\nhash=", it.number, index);
        for (int i = 0; i < VST_HASH; i++)
            length += snprintf(text + length, sizeof text - (size_t)length, "%02x", hash[i]);
    }
    return send_packet(text, (size_t)length, -1);
}

static void give_up(void)
{
    char text[64];
    snprintf(text, sizeof text, "cancel\nid=%d", it.number);
    if (send_text(text))
        disconnect();
    else
        it.pending = it.number;
}

/* Answers the worker until the request `it.number` is over. */
static vst_outcome converse(const vst_callbacks *callbacks, char message[VST_MESSAGE])
{
    double patience = seconds_of("VST_PLUGIN_RENDER_TIMEOUT", RENDER_SECONDS), until = vst_now() + patience;
    for (;;) {
        ssize_t length = receive(TICK);
        if (length == 0) {
            lost("in the middle of a frame", message);
            return VST_FAILED;
        }
        if (aborted(callbacks)) {
            give_up();
            return VST_ABORTED;
        }
        if (length < 0) {
            if (vst_now() < until)
                continue;
            vst_say(message, "vst: the worker was silent for %.0f s; render again, or paint smaller (style scale)",
                    patience);
            disconnect();
            return VST_FAILED;
        }
        if (number_of("id") != it.number)
            continue;
        if (says("need") && answer_need(callbacks)) {
            lost("in the middle of a frame", message);
            return VST_FAILED;
        }
        if (says("step") && callbacks->progress && number_of("steps") > 0)
            callbacks->progress(callbacks->context, (double)number_of("done") / number_of("steps"));
        if (says("done")) {
            callbacks->result(callbacks->context, it.frames + (size_t)RESULT * frame_bytes() / sizeof(float));
            return number_of("approximate") ? VST_APPROXIMATE : VST_DONE;
        }
        if (says("failed")) {
            char text[VST_MESSAGE];
            vst_say(message, "vst: %s", value_of("message", text, sizeof text));
            return VST_FAILED;
        }
        if (says("cancelled"))
            return VST_ABORTED;
        until = vst_now() + patience;
    }
}

/* Waits until a request that was given up is over: until then the worker may still write its result. */
static vst_outcome settle(const vst_callbacks *callbacks, char message[VST_MESSAGE])
{
    double until = vst_now() + seconds_of("VST_PLUGIN_RENDER_TIMEOUT", RENDER_SECONDS);
    while (it.pending) {
        ssize_t length = receive(TICK);
        if (length == 0) {
            disconnect();
            break;
        }
        if (length > 0 && number_of("id") == it.pending && (says("done") || says("failed") || says("cancelled")))
            it.pending = 0;
        else if (aborted(callbacks))
            return VST_ABORTED;
        else if (vst_now() > until) {
            vst_say(message, "vst: the worker is still busy with a frame that was given up; render again");
            disconnect();
            return VST_FAILED;
        }
    }
    return VST_DONE;
}

/* A worker that ended while nobody waited for it is no trouble: another one is started. */
static void notice_end(void)
{
    char byte;
    if (it.socket >= 0 && it.owner == getpid() && recv(it.socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) {
        vst_log("the worker has ended; starting another");
        disconnect();
    }
}

static vst_outcome paint(const vst_settings *settings, const vst_callbacks *callbacks, char message[VST_MESSAGE])
{
    notice_end();
    vst_outcome outcome = it.socket >= 0 && it.owner == getpid() ? settle(callbacks, message) : VST_DONE;
    if (outcome == VST_DONE)
        outcome = connect_worker(callbacks, message);
    if (outcome != VST_DONE)
        return outcome;
    if (make_memory(settings->width, settings->height, message))
        return VST_FAILED;
    it.number = it.number % 1000000000 + 1;
    if (send_request(settings, message))
        return VST_FAILED;
    return converse(callbacks, message);
}

vst_outcome vst_paint(const vst_settings *settings, const vst_callbacks *callbacks, char message[VST_MESSAGE])
{
    message[0] = 0;
    while (pthread_mutex_trylock(&turn)) {
        if (aborted(callbacks))
            return VST_ABORTED;
        vst_sleep(0.001);
    }
    vst_outcome outcome = paint(settings, callbacks, message);
    pthread_mutex_unlock(&turn);
    return outcome;
}

void vst_purge(void)
{
    pthread_mutex_lock(&turn);
    if (it.socket >= 0 && it.owner == getpid() && send_text("purge"))
        disconnect();
    pthread_mutex_unlock(&turn);
}

void vst_close(void)
{
    pthread_mutex_lock(&turn);
    disconnect();
    release_memory();
    reap();
    pthread_mutex_unlock(&turn);
}
