/* The message suites and the progress suites. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

#include "host.h"

char last_message[2048];
atomic_int progress_calls;

static pthread_mutex_t message_mutex = PTHREAD_MUTEX_INITIALIZER;

static void keep_message(const char *type, const char *format, va_list arguments)
{
    pthread_mutex_lock(&message_mutex);
    int length = snprintf(last_message, sizeof last_message, "%s: ", type);
    vsnprintf(last_message + length, sizeof last_message - (size_t)length, format, arguments);
    pthread_mutex_unlock(&message_mutex);
}

static OfxStatus show(void *handle, const char *type, const char *id, const char *format, ...)
{
    (void)handle, (void)id;
    va_list arguments;
    va_start(arguments, format);
    keep_message(type, format, arguments);
    va_end(arguments);
    return kOfxStatOK;
}

static OfxStatus clear_message(void *handle)
{
    (void)handle;
    pthread_mutex_lock(&message_mutex);
    last_message[0] = 0;
    pthread_mutex_unlock(&message_mutex);
    return kOfxStatOK;
}

const OfxMessageSuiteV2 message_suite = {show, show, clear_message};
const message_suite_v1 message_suite_1 = {
    show};

static OfxStatus progress_start_2(void *handle, const char *label, const char *id)
{
    (void)label, (void)id;
    if (atomic_fetch_add(&((OfxImageEffectHandle)handle)->progressing, 1))
        die("progress was started twice");
    return kOfxStatOK;
}

static OfxStatus progress_start_1(void *handle, const char *label)
{
    return progress_start_2(handle, label, "");
}

static OfxStatus progress_update(void *handle, double part)
{
    if (atomic_load(&((OfxImageEffectHandle)handle)->progressing) != 1 || !(part >= 0 && part <= 1))
        die("progress %g was not started", part);
    atomic_fetch_add(&progress_calls, 1);
    return kOfxStatOK;
}

static OfxStatus progress_end(void *handle)
{
    if (atomic_fetch_sub(&((OfxImageEffectHandle)handle)->progressing, 1) != 1)
        die("progress ended before it started");
    return kOfxStatOK;
}

const OfxProgressSuiteV1 progress_suite_1 = {progress_start_1, progress_update, progress_end};
const OfxProgressSuiteV2 progress_suite_2 = {progress_start_2, progress_update, progress_end};
