/* Starting the worker, and how it ended. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "internal.h"

extern char **environ;

int vst_private_folder(char folder[VST_PATH], char error[VST_ERROR_SIZE])
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    struct stat found;
    if (runtime && runtime[0] == '/' && strlen(runtime) < 64 && !stat(runtime, &found) &&
        found.st_uid == getuid() && S_ISDIR(found.st_mode))
        snprintf(folder, VST_PATH, "%s/vst", runtime);
    else
        snprintf(folder, VST_PATH, "/tmp/vst-%u", (unsigned)getuid());
    if (mkdir(folder, 0700) && errno != EEXIST) {
        vst_set_error(error, "vst: cannot create the folder %s (%s); set XDG_RUNTIME_DIR to a folder of your own",
                      folder, strerror(errno));
        return -1;
    }
    if (lstat(folder, &found) || !S_ISDIR(found.st_mode) || found.st_uid != getuid() || (found.st_mode & 077)) {
        vst_set_error(error, "vst: %s must be a folder that belongs to you and is closed to others; remove it and "
                      "render again",
                      folder);
        return -1;
    }
    return 0;
}

/* The host's environment without the variables that would change the worker's Python or its libraries. */
static char **clean_environment(void)
{
    static const char *const unwanted[] = {"PYTHON", "LD_LIBRARY_PATH=", "LD_PRELOAD=", "QT_", "_MEI"};
    size_t count = 0, kept = 0;
    while (environ[count])
        count++;
    char **clean = calloc(count + 1, sizeof *clean);
    for (size_t i = 0; clean && i < count; i++) {
        int wanted = 1;
        for (size_t k = 0; k < sizeof unwanted / sizeof *unwanted; k++)
            wanted = wanted && strncmp(environ[i], unwanted[k], strlen(unwanted[k])) != 0;
        if (wanted)
            clean[kept++] = environ[i];
    }
    return clean;
}

/* Detached from the host: no terminal, no signal mask, standard error into a file. */
static int spawn_detached(pid_t *child, char *const arguments[], char *const environment[], const char *errors)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&files, 2, errors, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
#ifdef POSIX_SPAWN_SETSID
    flags |= POSIX_SPAWN_SETSID;
#endif
    posix_spawnattr_setflags(&attributes, flags);
    int failure = posix_spawn(child, arguments[0], &files, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return failure;
}

static pid_t spawn_worker(const vst_config *config, const char *path, char *const environment[],
                          char error[VST_ERROR_SIZE])
{
    char host[32], errors[VST_PATH + 8];
    snprintf(host, sizeof host, "%ld", (long)getpid());
    snprintf(errors, sizeof errors, "%s.err", path);
    char *arguments[] = {(char *)config->python, "-E", "-P", "-c",
                         "import sys; sys.path.insert(0, sys.argv[1]); from vst.host.worker import main; "
                         "main(sys.argv[2:])",
                         (char *)config->package, "--socket", (char *)path, "--host", host, NULL};
    pid_t child = -1;
    int failure = spawn_detached(&child, arguments, environment, errors);
    if (failure) {
        vst_set_error(error, "vst: cannot start %s (%s); run 'vst plugin install' again", config->python,
                      strerror(failure));
        return -1;
    }
    vst_log("started worker %ld with %s", (long)child, config->python);
    return child;
}

pid_t vst_spawn(const char *path, char error[VST_ERROR_SIZE])
{
    vst_config *config = malloc(sizeof *config);
    char **environment = clean_environment();
    pid_t child = -1;
    if (!config || !environment)
        vst_set_error(error, "vst: out of memory; close other programs");
    else if (!vst_read_config(config, error))
        child = spawn_worker(config, path, environment, error);
    free(config);
    free(environment);
    return child;
}

void vst_describe_exit(const char *path, int status, const char *when, char error[VST_ERROR_SIZE])
{
    char errors[VST_PATH + 8], text[2048], how[64] = "";
    snprintf(errors, sizeof errors, "%s.err", path);
    const char *last = "";
    FILE *file = fopen(errors, "re");
    if (file) {
        fseek(file, 0, SEEK_END);
        long length = ftell(file);
        fseek(file, length > (long)sizeof text - 1 ? length - (long)sizeof text + 1 : 0, SEEK_SET);
        size_t count = fread(text, 1, sizeof text - 1, file);
        fclose(file);
        text[count] = 0;
        while (count && (text[count - 1] == '\n' || text[count - 1] == ' '))
            text[--count] = 0;
        last = strrchr(text, '\n') ? strrchr(text, '\n') + 1 : text;
    }
    if (WIFSIGNALED(status))
        snprintf(how, sizeof how, " by signal %d", WTERMSIG(status));
    vst_set_error(error, "vst: the worker ended%s %s%s%.600s%s; %s", how, when, *last ? " (" : "", last,
            *last ? ")" : "", "render again, or run 'vst plugin check'");
}
