/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of the host for an inspector that can open nothing. The process that opens them was split
 * off before the image was read and never sees a byte of it but paths: it opens regular files, for
 * reading, beneath a directory that the user named, following no link.
 */
#include "tools/inspect/hostfile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/host.h"
#include "tools/inspect/confine.h"

/* A descriptor or an error. */
static int open_regular(int root, const char *path)
{
    struct stat stat;

    while (*path == '/')
        path++;
    int fd = host_open_beneath(root, path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW, 0);
    if (fd < 0)
        return fd;
    int err = host_fstat(fd, &stat);
    if (err == 0 && !S_ISREG(stat.st_mode))
        err = -EINVAL;
    if (err == 0)
        return fd;
    (void)host_close(fd);
    return err;
}

static void serve(int socket, int root)
{
    char path[PATH_MAX + 1];
    unsigned fd_count = 0;
    ptrdiff_t size;

    while ((size = host_socket_receive(socket, path, PATH_MAX, NULL, &fd_count)) > 0) {
        path[size] = '\0';
        int fd = open_regular(root, path);
        int32_t answer = fd < 0 ? fd : 0;
        (void)host_socket_send(socket, &answer, sizeof(answer), &fd, fd >= 0);
        if (fd >= 0)
            (void)host_close(fd);
    }
}

int hostfile_start(const char *root, int *ret_socket)
{
    int sockets[2];
    int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (dir < 0)
        return -errno;
    int err = host_socket_pair(sockets);
    pid_t pid = err < 0 ? -1 : fork();
    if (pid == 0) {
        (void)close(sockets[0]);
        if (confine_opener() == 0)
            serve(sockets[1], dir);
        _exit(0);
    }
    if (err == 0 && pid < 0)
        err = -errno;
    (void)close(dir);
    if (err < 0)
        return err;
    (void)close(sockets[1]);
    *ret_socket = sockets[0];
    return 0;
}

int hostfile_open(int socket, const char *path)
{
    unsigned fd_count = 1;
    int32_t answer = 0;
    int fd = -1;
    int err = host_socket_send(socket, path, strlen(path), NULL, 0);

    if (err < 0)
        return err;
    ptrdiff_t size = host_socket_receive(socket, &answer, sizeof(answer), &fd, &fd_count);
    if (size < 0)
        return (int)size;
    if (size != sizeof(answer) || answer < 0)
        return size == sizeof(answer) ? answer : -EPROTO;
    return fd_count == 1 ? fd : -EPROTO;
}
