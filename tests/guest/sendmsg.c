/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of several parts, with what goes beside them; many in one call.
 * Calls: sendmsg recvmsg sendmmsg recvmmsg socketpair */
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

static char left[4], right[8], control[64];
static struct sockaddr_un name;
static struct iovec parts[] = {{left, 3}, {right, 8}};

static struct msghdr header(struct iovec *iov, size_t count)
{
    return (struct msghdr){.msg_iov = iov, .msg_iovlen = count};
}

static void check_one(int a, int b)
{
    struct iovec text[] = {{"abc", 3}, {NULL, 0}, {"defg", 4}};
    struct msghdr to = header(text, 3), from = header(parts, 2);
    CHECK(sendmsg(a, &to, MSG_EOR) == 7 && sendmsg(a, &to, 0) == 7);
    from.msg_name = &name;
    from.msg_namelen = sizeof(name);
    from.msg_control = control;
    from.msg_controllen = sizeof(control);
    from.msg_flags = 77;
    CHECK(recvmsg(b, &from, MSG_CMSG_CLOEXEC) == 7);
    CHECK(memcmp(left, "abc", 3) == 0 && memcmp(right, "defg", 4) == 0);
    CHECK(from.msg_namelen == 0 && from.msg_controllen == 0 && from.msg_flags == MSG_CMSG_CLOEXEC);
    from.msg_iovlen = 1;
    CHECK(recvmsg(b, &from, 0) == 3 && from.msg_flags == MSG_TRUNC);
    from.msg_name = NULL;
    from.msg_namelen = 5;
    CHECK(sendmsg(a, &to, 0) == 7 && recvmsg(b, &from, MSG_TRUNC) == 7 && from.msg_namelen == 5);
    CHECK_ERRNO(recvmsg(b, &from, MSG_DONTWAIT), EAGAIN);
    to.msg_iovlen = 1025;
    CHECK_ERRNO(sendmsg(a, &to, 0), EMSGSIZE);
    CHECK_ERRNO(sendmsg(a, (struct msghdr *)8, 0), EFAULT);
    CHECK_ERRNO(sendmsg(a, &from, (int)0x80000000), EINVAL);
    to.msg_iovlen = 1;
    struct cmsghdr *extra = (struct cmsghdr *)control;
    to.msg_control = control;
    to.msg_controllen = sizeof(*extra);
    *extra = (struct cmsghdr){.cmsg_len = 5, .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    CHECK_ERRNO(sendmsg(a, &to, 0), EINVAL);
    *extra =
        (struct cmsghdr){.cmsg_len = sizeof(*extra), .cmsg_level = SOL_SOCKET, .cmsg_type = 99};
    CHECK_ERRNO(sendmsg(a, &to, 0), EINVAL);
    extra->cmsg_level = 1234; /* not ours to judge */
    CHECK(sendmsg(a, &to, 0) == 3 && recvmsg(b, &from, 0) == 3);
    printf("one message\n");
}

static void child(int fd)
{
    static char text[4][8];
    struct iovec iov[4];
    struct mmsghdr many[4];
    for (int i = 0; i < 4; i++) {
        iov[i] = (struct iovec){text[i], 8};
        many[i] = (struct mmsghdr){.msg_hdr = header(&iov[i], 1)};
    }
    CHECK(recvmmsg(fd, many, 4, MSG_WAITFORONE, NULL) == 1 && many[0].msg_len == 2);
    CHECK(write(fd, "1", 1) == 1);
    CHECK(recvmmsg(fd, many, 4, 0, NULL) == 4 && many[3].msg_len == 6); /* waits within */
    CHECK(write(fd, "2", 1) == 1);
    _exit(0);
}

static void check_many(int a, int b)
{
    struct iovec iov[4];
    struct mmsghdr many[4];
    struct timespec bad = {0, -1};
    char byte;
    int status;
    for (int i = 0; i < 4; i++) {
        iov[i] = (struct iovec){"123456", (size_t)(3 + i)};
        many[i] = (struct mmsghdr){.msg_hdr = header(&iov[i], 1)};
    }
    pid_t pid = fork();
    if (pid == 0)
        child(b);
    CHECK_ERRNO(recvmmsg(a, many, 1, 0, &bad), EINVAL);
    CHECK_ERRNO(recvmmsg(a, many, 4, MSG_DONTWAIT, NULL), EAGAIN);
    CHECK(sendmmsg(a, many, 0, 0) == 0);
    CHECK(write(a, "ab", 2) == 2 && read(a, &byte, 1) == 1 && byte == '1');
    CHECK(sendmmsg(a, many, 2, 0) == 2 && many[0].msg_len == 3 && many[1].msg_len == 4);
    many[3].msg_hdr.msg_iov = (struct iovec *)8;
    CHECK(sendmmsg(a, many + 2, 2, 0) == 1); /* the second fails, the first counts */
    CHECK_ERRNO(sendmmsg(a, many + 3, 1, 0), EFAULT);
    CHECK(write(a, "123456", 6) == 6 && read(a, &byte, 1) == 1 && byte == '2');
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    printf("many messages\n");
}

int main(void)
{
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0);
    check_one(ends[0], ends[1]);
    check_many(ends[0], ends[1]);
    close(ends[0]);
    close(ends[1]);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    struct iovec text[] = {{"abc", 3}, {"defghijk", 8}};
    struct msghdr to = header(text, 2), from = header(parts, 2);
    CHECK(sendmsg(ends[0], &to, 0) == 11 && recvmsg(ends[1], &from, MSG_PEEK) == 11);
    CHECK(recvmsg(ends[1], &from, MSG_WAITALL) == 11 && memcmp(right, "defghijk", 8) == 0);
    to.msg_name = &name;
    to.msg_namelen = sizeof(name);
    CHECK_ERRNO(sendmsg(ends[0], &to, 0), EISCONN);
    printf("stream\n");
    return 0;
}
