/* The connections of this process that wait for the next render. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "internal.h"

#define MOST_IDLE 2 /* each holds memory for three frames */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* held for moments only */
static struct {
    pid_t owner; /* the process that the connections belong to */
    connection *idle;
    int idle_count, busy_count;
    int purge_is_due;
} pool;

static void end_connection(connection *it)
{
    vst_disconnect(it);
    free(it);
}

static void end_connections(connection *first)
{
    while (first) {
        connection *next = first->next;
        end_connection(first);
        first = next;
    }
}

/* After a fork the connections and the worker are the parent's: the list of connections to close. */
static connection *leave_to_parent(void)
{
    connection *inherited = pool.idle;
    pool.idle = NULL;
    pool.idle_count = pool.busy_count = 0;
    pool.owner = getpid();
    vst_forget_worker();
    return inherited;
}

static connection *new_connection(void)
{
    connection *made = calloc(1, sizeof *made);
    if (made)
        made->socket = made->memory.descriptor = -1;
    return made;
}

connection *vst_take_connection(void)
{
    pthread_mutex_lock(&mutex);
    connection *inherited = pool.owner == getpid() ? NULL : leave_to_parent();
    connection *it = pool.idle;
    if (it) {
        pool.idle = it->next;
        pool.idle_count--;
    } else {
        it = new_connection();
    }
    pool.busy_count += it != NULL;
    pthread_mutex_unlock(&mutex);
    end_connections(inherited);
    return it;
}

void vst_return_connection(connection *it)
{
    pthread_mutex_lock(&mutex);
    int is_kept = pool.idle_count < MOST_IDLE;
    pool.busy_count--;
    if (is_kept) {
        it->next = pool.idle;
        pool.idle = it;
        pool.idle_count++;
    }
    pthread_mutex_unlock(&mutex);
    if (!is_kept)
        end_connection(it);
}

void vst_end_idle_connections(void)
{
    pthread_mutex_lock(&mutex);
    connection *idle = pool.idle;
    pool.idle = NULL;
    pool.idle_count = 0;
    pthread_mutex_unlock(&mutex);
    end_connections(idle);
}

void vst_purge_later(void)
{
    pthread_mutex_lock(&mutex);
    /* The caller has a connection too. */
    pool.purge_is_due = pool.busy_count > 1;
    pthread_mutex_unlock(&mutex);
}

int vst_is_purge_due(void)
{
    pthread_mutex_lock(&mutex);
    int is_due = pool.purge_is_due;
    pool.purge_is_due = 0;
    pthread_mutex_unlock(&mutex);
    return is_due;
}
