/* One request: sent, served with source frames, and answered or cancelled. */
#include "internal.h"

#define RENDER_SECONDS 60.0 /* without a message from the worker */

static double patience(void)
{
    return vst_seconds("VST_PLUGIN_RENDER_TIMEOUT", RENDER_SECONDS);
}

int vst_is_aborted(const vst_callbacks *callbacks)
{
    return callbacks->aborted && callbacks->aborted(callbacks->context);
}

/* The request that a message belongs to; 0 for none. */
static int request_of(const vst_message *message)
{
    switch (message->kind) {
    case VST_MESSAGE_NEED:
        return message->need.id;
    case VST_MESSAGE_STEP:
        return message->step.id;
    case VST_MESSAGE_WAIT:
        return message->wait.id;
    case VST_MESSAGE_DONE:
        return message->done.id;
    case VST_MESSAGE_FAILED:
        return message->failed.id;
    case VST_MESSAGE_CANCELLED:
        return message->cancelled.id;
    default:
        return 0;
    }
}

/* Whether a message is the final answer to a request. */
static int is_final(const vst_message *message, int number)
{
    return request_of(message) == number &&
           (message->kind == VST_MESSAGE_DONE || message->kind == VST_MESSAGE_FAILED ||
            message->kind == VST_MESSAGE_CANCELLED);
}

/* Whether the worker may ask for a frame: a clip that is not temporal has the current one only. */
static int is_possible(const vst_need_message *need, const vst_render_message *request)
{
    return need->slot >= 0 && need->slot < VST_SLOT_RESULT && (request->temporal || need->index == request->index);
}

/* Sends the source frame that the worker needs. */
static int send_frame(connection *it, const vst_callbacks *callbacks, char error[VST_ERROR_SIZE])
{
    vst_need_message need = it->message.need;
    vst_message answer = {.kind = VST_MESSAGE_FRAME, .frame = {.id = it->number, .index = need.index}};
    if (callbacks->frame(callbacks->context, need.index, vst_slot(&it->memory, need.slot), answer.frame.hash)) {
        answer.kind = VST_MESSAGE_MISSING;
        answer.missing = (vst_missing_message){.id = it->number, .index = need.index};
    }
    return vst_send(it, &answer, error);
}

static vst_outcome cancel(connection *it, char error[VST_ERROR_SIZE])
{
    vst_message message = {.kind = VST_MESSAGE_CANCEL, .cancel = {it->number}};
    vst_send(it, &message, error);
    it->cancelled = it->number;
    return VST_ABORTED;
}

static vst_outcome time_out(connection *it, double seconds, char error[VST_ERROR_SIZE])
{
    vst_set_error(error,
                  "vst: the worker sent nothing for %.0f s; render again, or choose a smaller stroke size or "
                  "smaller frames",
                  seconds);
    vst_worker_timed_out(it);
    return VST_FAILED;
}

/* Acts on a message of the current request. Returns whether the request is over, and then its outcome. */
static int handle(connection *it, const vst_render_message *request, const vst_callbacks *callbacks,
                  vst_outcome *outcome, char error[VST_ERROR_SIZE])
{
    const vst_message *message = &it->message;
    switch (message->kind) {
    case VST_MESSAGE_NEED:
        if (is_possible(&message->need, request) && !send_frame(it, callbacks, error))
            return 0;
        vst_worker_confused(it, error);
        *outcome = VST_FAILED;
        return 1;
    case VST_MESSAGE_STEP:
        if (callbacks->progress && message->step.steps > 0)
            callbacks->progress(callbacks->context, (double)message->step.done / message->step.steps);
        return 0;
    case VST_MESSAGE_DONE:
        callbacks->result(callbacks->context, vst_slot(&it->memory, VST_SLOT_RESULT));
        *outcome = message->done.approximate ? VST_APPROXIMATE : VST_DONE;
        return 1;
    case VST_MESSAGE_FAILED:
        vst_set_error(error, "vst: %s", message->failed.message);
        *outcome = VST_FAILED;
        return 1;
    case VST_MESSAGE_CANCELLED:
        *outcome = VST_ABORTED;
        return 1;
    default:
        return 0;
    }
}

/* Serves the worker until the request is over. */
static vst_outcome serve(connection *it, const vst_render_message *request, const vst_callbacks *callbacks,
                         char error[VST_ERROR_SIZE])
{
    double seconds = patience(), until = vst_now() + seconds;
    for (;;) {
        receipt received = vst_receive(it, TICK);
        if (received == END_OF_CONNECTION) {
            vst_worker_ended(it, "in the middle of a frame", error);
            it->is_lost = 1;
            return VST_FAILED;
        }
        if (received == INVALID) {
            vst_worker_confused(it, error);
            return VST_FAILED;
        }
        int is_over = received == RECEIVED && is_final(&it->message, it->number);
        if (is_over)
            vst_worker_answered();
        if (vst_is_aborted(callbacks))
            return is_over ? VST_ABORTED : cancel(it, error);
        if (received == NOTHING_YET && vst_now() >= until)
            return time_out(it, seconds, error);
        if (received == NOTHING_YET || request_of(&it->message) != it->number)
            continue;
        vst_outcome outcome;
        if (handle(it, request, callbacks, &outcome, error))
            return outcome;
        until = vst_now() + seconds;
    }
}

vst_outcome vst_finish_cancelled(connection *it, const vst_callbacks *callbacks, char error[VST_ERROR_SIZE])
{
    double until = vst_now() + patience();
    while (it->cancelled) {
        receipt received = vst_receive(it, TICK);
        if (received == END_OF_CONNECTION || received == INVALID) {
            vst_disconnect(it);
        } else if (received == RECEIVED && is_final(&it->message, it->cancelled)) {
            it->cancelled = 0;
            vst_worker_answered();
        } else if (vst_is_aborted(callbacks)) {
            return VST_ABORTED;
        } else if (vst_now() > until) {
            vst_set_error(error, "vst: the worker is still busy with a cancelled frame; render again");
            vst_worker_timed_out(it);
            return VST_FAILED;
        }
    }
    return VST_DONE;
}

vst_outcome vst_request_frame(connection *it, const vst_render_message *request, const vst_callbacks *callbacks,
                              char error[VST_ERROR_SIZE])
{
    if (vst_allocate_frames(&it->memory, request->width, request->height, error))
        return VST_FAILED;
    it->is_lost = 0;
    it->number = it->number % 1000000000 + 1;
    vst_message message = {.kind = VST_MESSAGE_RENDER, .render = *request};
    message.render.id = it->number;
    if (vst_send(it, &message, error))
        return VST_FAILED;
    return serve(it, &message.render, callbacks, error);
}
