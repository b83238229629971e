/* The log, errors for the user, and time. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

void vst_log(const char *format, ...)
{
    const char *path = getenv("VST_PLUGIN_LOG");
    if (!path || !*path)
        return;
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0)
        return;
    char line[VST_ERROR_SIZE + 64];
    time_t now = time(NULL);
    struct tm parts;
    localtime_r(&now, &parts);
    size_t length = strftime(line, sizeof line, "%H:%M:%S plugin: ", &parts);
    va_list arguments;
    va_start(arguments, format);
    int more = vsnprintf(line + length, sizeof line - length - 1, format, arguments);
    va_end(arguments);
    if (more > 0) {
        size_t space = sizeof line - length - 2;
        length += (size_t)more < space ? (size_t)more : space;
    }
    line[length++] = '\n';
    /* One write, so that lines of several processes do not mix. Failure to write the log is ignored. */
    if (write(file, line, length) < 0)
        (void)0;
    close(file);
}

void vst_set_error(char error[VST_ERROR_SIZE], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, VST_ERROR_SIZE, format, arguments);
    va_end(arguments);
    for (char *at = error; *at; at++)
        if (*at == '\n' || *at == '\r')
            *at = ' ';
    vst_log("%s", error);
}

double vst_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void vst_sleep(double seconds)
{
    struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&time, NULL);
}

double vst_seconds(const char *variable, double usual)
{
    const char *text = getenv(variable);
    double seconds;
    return text && !vst_parse_number(text, &seconds) && seconds > 0 ? seconds : usual;
}
