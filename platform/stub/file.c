/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host files for the stubs. The template receives a descriptor by SCM_RIGHTS: it runs no guest, so
 * its BOX is safe to receive into, and all stubs share its descriptor table. The number there is
 * the number of the file. What the host allows of a mapping follows from how the file was opened.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "platform/stub/stub.h"

/* What recvmsg is given, in the BOX. */
struct box {
    struct msghdr message;
    struct iovec iov;
    char byte;
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
};

/* An address in the template. */
static void *in_box(size_t offset)
{
    return (void *)(STUB_BOX + offset);
}

static int send_fd(int socket, int fd)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
    struct cmsghdr *header = (struct cmsghdr *)control;
    char byte = 0;
    struct iovec iov = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};

    header->cmsg_len = CMSG_LEN(sizeof(int));
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    return sendmsg(socket, &message, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

/* The template's number for what it received; -EMFILE: it has no room. */
static int read_box(const struct box *box, int *ret)
{
    struct cmsghdr header;
    int fd;

    memcpy(&header, box->control, sizeof(header));
    if (box->message.msg_flags & MSG_CTRUNC || header.cmsg_len != CMSG_LEN(sizeof(int)))
        return -EMFILE;
    memcpy(&fd, box->control + CMSG_LEN(0), sizeof(fd));
    *ret = fd;
    return 0;
}

static int receive_fd(struct stub *template, int *ret)
{
    struct box *box = (struct box *)(template->platform->control_memory + CONTROL_BOX);
    struct stub_call call = {
        .nr = SYS_recvmsg, .arguments = {STUB_FD_SOCKET, STUB_BOX, 0}, .cookie = 1};
    unsigned done;
    int value;

    *box = (struct box){
        .iov = {.iov_base = in_box(offsetof(struct box, byte)), .iov_len = 1},
        .message = {.msg_iov = in_box(offsetof(struct box, iov)),
                    .msg_iovlen = 1,
                    .msg_control = in_box(offsetof(struct box, control)),
                    .msg_controllen = sizeof(box->control)},
    };
    int err = stub_run(template, &call, 1, &done, &value);
    return err < 0 ? err : read_box(box, ret);
}

static void close_in_stubs(struct stub *template, int fd)
{
    struct stub_call call = {.nr = SYS_close, .arguments = {(uint64_t)(unsigned)fd}};
    unsigned done;
    int value;

    (void)stub_run(template, &call, 1, &done, &value);
}

int stub_add_file(struct platform *platform, int fd, int *ret)
{
    struct stub *template = stub_platform_of(platform)->template;
    int file = -1;

    mutex_lock(&template->lock);
    int err = send_fd(stub_platform_of(platform)->socket, fd);
    if (err == 0)
        err = receive_fd(template, &file);
    if (err == 0 && file >= STUB_FD_LIMIT) {
        close_in_stubs(template, file);
        err = -EMFILE;
    }
    mutex_unlock(&template->lock);
    if (err == 0)
        *ret = file;
    return err;
}

void stub_remove_file(struct platform *platform, int file)
{
    struct stub *template = stub_platform_of(platform)->template;

    mutex_lock(&template->lock);
    close_in_stubs(template, file);
    mutex_unlock(&template->lock);
}
