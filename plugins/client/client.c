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

vst_outcome vst_stylize(const vst_render_message *request, const vst_callbacks *callbacks,
                        char error[VST_ERROR_SIZE])
{
    error[0] = 0;
    connection *it = vst_take_connection();
    if (!it) {
        vst_set_error(error, "vst: out of memory; close other programs");
        return VST_FAILED;
    }
    drop_closed(it);
    vst_outcome outcome = vst_finish_cancelled(it, callbacks, error);
    if (outcome == VST_DONE)
        outcome = vst_connect(it, callbacks, error);
    if (outcome == VST_DONE)
        outcome = vst_request_frame(it, request, callbacks, error);
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
