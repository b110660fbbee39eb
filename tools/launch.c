/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting a sandbox process: the program sbx-kernel beside the tool, with nothing open but
 * /dev/null, our stderr (for its log) and the start socket, through which everything else comes. It
 * is in a session of its own, so that the terminal's signals reach the tool only. When the tool
 * goes, the socket hangs up, and a sandbox that is not detached ends.
 */
#include "tools/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/state_dir.h"

static const char kernel_name[] = "sbx-kernel";

/* DIR/sbx-kernel, DIR being where this program lies. */
static int find_kernel(char ret[PATH_MAX])
{
    char self[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (size < 0)
        return -errno;
    self[size] = '\0';
    int length = snprintf(ret, PATH_MAX, "%s/%s", dirname(self), kernel_name);
    return length < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int set_files(posix_spawn_file_actions_t *actions, int start_socket)
{
    int err = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDWR, 0);

    if (err == 0)
        err = posix_spawn_file_actions_adddup2(actions, 0, 1);
    if (err == 0)
        err = posix_spawn_file_actions_adddup2(actions, start_socket, CONTROL_START_FD);
    if (err == 0)
        err = posix_spawn_file_actions_addclosefrom_np(actions, CONTROL_START_FD + 1);
    return err;
}

static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;

    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    int err = posix_spawnattr_setsigmask(attributes, &none);
    if (err == 0)
        err = posix_spawnattr_setsigdefault(attributes, &all);
    if (err == 0)
        err = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                       POSIX_SPAWN_SETSID);
    return err;
}

static int spawn(const char *path, const char *name, int start_socket, pid_t *ret)
{
    char *const argv[] = {(char *)kernel_name, (char *)name, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int err = posix_spawn_file_actions_init(&actions);

    if (err != 0)
        return -err;
    err = posix_spawnattr_init(&attributes);
    if (err == 0) {
        err = set_files(&actions, start_socket);
        if (err == 0)
            err = set_attributes(&attributes);
        if (err == 0)
            err = posix_spawn(ret, path, &actions, &attributes, argv, environ);
        (void)posix_spawnattr_destroy(&attributes);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return -err;
}

static int start_process(const char *name, struct report *report, struct launch *ret)
{
    char path[PATH_MAX];
    int ends[2];
    int err = find_kernel(path);

    if (err == 0)
        err = control_pair(ends);
    if (err < 0) {
        report_bad(report, "%s: %s", kernel_name, strerror(-err));
        return err;
    }
    err = spawn(path, name, ends[1], &ret->pid);
    (void)close(ends[1]);
    if (err == 0) {
        ret->socket = ends[0];
        return 0;
    }
    report_bad(report, "%.200s: %s", path, strerror(-err));
    (void)close(ends[0]);
    return err;
}

static int send_start(const struct control_start *start, struct report *report,
                      const struct launch *launch)
{
    int err = state_dir_set_pid(start->lock, launch->pid);

    if (err == 0)
        err = control_start_send(launch->socket, start);
    if (err == 0)
        return 0;
    report_bad(report, "%s", err == -EPIPE ? "the sandbox ended at once" : strerror(-err));
    (void)close(launch->socket);
    (void)kill(launch->pid, SIGKILL);
    (void)waitpid(launch->pid, NULL, 0);
    return err;
}

int launch_kernel(int state_dir, struct control_start *start, struct report *report,
                  struct launch *ret)
{
    char socket_name[STATE_FILE_SIZE];

    state_dir_socket_name(start->spec->name, socket_name);
    int err = control_listen(state_dir, socket_name, &start->listener);
    if (err < 0) {
        report_bad(report, "%s: %s", socket_name, strerror(-err));
        return err;
    }
    err = start_process(start->spec->name, report, ret);
    return err < 0 ? err : send_start(start, report, ret);
}
