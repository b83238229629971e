/* The worker as a process: started by this one, reaped, and ended if it hangs. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "internal.h"

#define EXIT_SECONDS 0.5 /* for a process to end after its connection has */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* held for moments only */
static struct {
    pid_t process; /* the worker that this process has started, 0 if none */
    int timeouts;  /* how often it did not answer in time since it last did */
} worker;

void vst_forget_worker(void)
{
    pthread_mutex_lock(&mutex);
    worker.process = 0;
    pthread_mutex_unlock(&mutex);
}

int vst_start_worker(const char *path, char error[VST_ERROR_SIZE])
{
    pid_t child = vst_spawn(path, error);
    pthread_mutex_lock(&mutex);
    worker.process = child > 0 ? child : 0;
    pthread_mutex_unlock(&mutex);
    return child > 0 ? 0 : -1;
}

int vst_has_worker(void)
{
    pthread_mutex_lock(&mutex);
    int has = worker.process > 0;
    pthread_mutex_unlock(&mutex);
    return has;
}

int vst_reap_worker(void)
{
    pthread_mutex_lock(&mutex);
    int status = 0, has_ended = worker.process > 0 && waitpid(worker.process, &status, WNOHANG) != 0;
    if (has_ended)
        worker.process = 0;
    pthread_mutex_unlock(&mutex);
    return has_ended ? status : -1;
}

int vst_wait_for_exit(void)
{
    int status = vst_reap_worker();
    double until = vst_now() + EXIT_SECONDS;
    while (status < 0 && vst_has_worker() && vst_now() < until) {
        vst_sleep(TICK);
        status = vst_reap_worker();
    }
    return status < 0 ? 0 : status;
}

void vst_worker_answered(void)
{
    pthread_mutex_lock(&mutex);
    worker.timeouts = 0;
    pthread_mutex_unlock(&mutex);
}

/* The process at the other end of a connection; 0 if it is not known. */
static pid_t peer_of(const connection *it)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (it->socket < 0)
        return worker.process;
    return getsockopt(it->socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) ? 0 : peer.pid;
}

/* A worker that is only slow may be ready for the next frame, so it is killed at the second timeout in a row. */
void vst_worker_timed_out(connection *it)
{
    pthread_mutex_lock(&mutex);
    int is_second = worker.timeouts++ > 0;
    if (is_second) {
        pid_t process = peer_of(it);
        if (process > 0)
            kill(process, SIGKILL);
        worker.timeouts = 0;
    }
    pthread_mutex_unlock(&mutex);
    if (is_second) {
        vst_log("the worker did not answer twice in a row and was killed");
        vst_wait_for_exit();
    }
    vst_disconnect(it);
}

void vst_worker_confused(connection *it, char error[VST_ERROR_SIZE])
{
    vst_set_error(error, "vst: the worker and this plugin do not understand each other; run 'vst plugin install' and "
                         "start the editor again");
    vst_disconnect(it);
}

void vst_worker_ended(connection *it, const char *when, char error[VST_ERROR_SIZE])
{
    vst_describe_exit(it->path, vst_wait_for_exit(), when, error);
    vst_disconnect(it);
}
