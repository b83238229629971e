/* Between the client's own files. */
#ifndef VST_INTERNAL_H
#define VST_INTERNAL_H

#include <sys/types.h>

#include "vst_client.h"

/* Writes a message for the user. */
void vst_say(char message[VST_MESSAGE], const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Seconds of a clock that only goes forward. */
double vst_now(void);

void vst_sleep(double seconds);

/* The folder for sockets: the user's own, closed to others, made if it is not there. 0, or -1 and a message. */
int vst_private_folder(char folder[VST_PATH], char message[VST_MESSAGE]);

/* Starts a worker for this process that listens at `path`. Its process, or -1 and a message. */
pid_t vst_spawn(const char *path, char message[VST_MESSAGE]);

/* Says why a worker is gone, as far as it said so itself. */
void vst_epitaph(const char *path, int status, const char *when, char message[VST_MESSAGE]);

#endif
