/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors for a new sandbox. All are close-on-exec: they travel over the start socket only.
 */
#include "tools/donation.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void donation_open_stdio(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= 2);
    if (fd > 2)
        (void)close(fd);
}

static int open_stdio(enum donation_stdio kind, int nr, const char *path)
{
    if (kind == STDIO_OURS)
        return fcntl(nr, F_DUPFD_CLOEXEC, 3);
    if (kind == STDIO_FILE && nr > 0)
        return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    return open("/dev/null", (nr == 0 ? O_RDONLY : O_WRONLY) | O_CLOEXEC);
}

int donation_set_stdio(struct control_start *start, enum donation_stdio kind, const char *path,
                       struct report *report)
{
    for (int i = 0; i < 3; i++) {
        start->stdio[i] = open_stdio(kind, i, path);
        if (start->stdio[i] < 0) {
            int err = -errno;
            report_bad(report, "%.200s: %s", kind == STDIO_FILE ? path : "standard streams",
                       strerror(-err));
            return err;
        }
    }
    return 0;
}

/* A directory is only held: the sandbox opens what is beneath. A file is open as it may be used. */
static int open_root(const HostRoot *root)
{
    struct stat stat;
    int fd = open(root->path, O_PATH | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &stat) < 0 || !S_ISREG(stat.st_mode))
        return fd;
    (void)close(fd);
    return open(root->path, (root->is_writable ? O_RDWR : O_RDONLY) | O_NONBLOCK | O_CLOEXEC);
}

void donation_open_root(struct control_start *start, size_t nr, struct report *report)
{
    const HostRoot *root = start->spec->roots[nr];

    start->root_fds[nr] = open_root(root);
    if (start->root_fds[nr] < 0)
        report_bad(report, "%.64s: %.150s: %s", root->name, root->path, strerror(errno));
}

void donation_close(struct control_start *start)
{
    StartSpec *spec = start->spec;

    start->spec = NULL;
    control_start_fini(start);
    start->spec = spec;
}
