/* The client's interface: one render, a purge, the end. */
#include "internal.h"

/* A worker that ended between renders is no error: another one is started. */
static void drop_closed(connection *it)
{
    if (it->socket < 0 || !vst_is_closed(it))
        return;
    vst_log("the worker has ended; the next render starts another");
    vst_disconnect(it);
}

static void send_purge(connection *it)
{
    char error[VST_ERROR_SIZE];
    vst_message message = {.kind = VST_MESSAGE_PURGE};
    if (it->socket >= 0)
        vst_send(it, &message, error);
}

static vst_outcome stylize_once(connection *it, const vst_render_message *request, const vst_callbacks *callbacks,
                                char error[VST_ERROR_SIZE])
{
    drop_closed(it);
    vst_outcome outcome = vst_finish_cancelled(it, callbacks, error);
    if (outcome == VST_DONE)
        outcome = vst_connect(it, callbacks, error);
    if (outcome == VST_DONE)
        outcome = vst_request_frame(it, request, callbacks, error);
    return outcome;
}

vst_outcome vst_stylize(const vst_render_message *request, const vst_callbacks *callbacks,
                        char error[VST_ERROR_SIZE])
{
    error[0] = 0;
    connection *it = vst_take_connection();
    if (!it) {
        vst_set_error(error, "vst: out of memory; close other programs");
        return VST_FAILED;
    }
    it->is_lost = 0;
    vst_outcome outcome = stylize_once(it, request, callbacks, error);
    if (outcome == VST_FAILED && it->is_lost) {
        /* It may have ended while it was idle, which shows only now: a large process takes a while to end. */
        vst_log("starting another worker and repeating the frame");
        error[0] = 0;
        outcome = stylize_once(it, request, callbacks, error);
    }
    if (vst_is_purge_due())
        send_purge(it);
    vst_return_connection(it);
    return outcome;
}

void vst_purge(void)
{
    connection *it = vst_take_connection();
    if (!it)
        return;
    drop_closed(it);
    if (it->socket >= 0)
        send_purge(it);
    else
        vst_purge_later();
    vst_return_connection(it);
}

void vst_close(void)
{
    vst_end_idle_connections();
    vst_reap_worker();
}
