/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Namespaces, an empty root and capabilities (namespaces(7), pivot_root(2), capabilities(7)). Where
 * the host refuses user namespaces to root, root does without; without privileges they are needed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/host.h"
#include "core/sandbox/confine.h"
#include "core/sandbox/sanitizer.h"

static int write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    int err = 0;

    if (fd < 0)
        return -errno;
    if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        err = -errno;
    (void)close(fd);
    return err;
}

/* Root keeps every id, so that files keep their owners; others can be root of themselves only. */
static int map_ids(uid_t uid, gid_t gid)
{
    char map[64];

    if (uid == 0) {
        int err = write_text("/proc/self/uid_map", "0 0 4294967295");
        return err < 0 ? err : write_text("/proc/self/gid_map", "0 0 4294967295");
    }
    (void)snprintf(map, sizeof(map), "0 %u 1", (unsigned)uid);
    int err = write_text("/proc/self/uid_map", map);
    if (err == 0)
        err = write_text("/proc/self/setgroups", "deny");
    (void)snprintf(map, sizeof(map), "0 %u 1", (unsigned)gid);
    return err < 0 ? err : write_text("/proc/self/gid_map", map);
}

/* A user namespace: the process that maps ids has to be outside of it when it maps more than its
 * own, so a child does it for root. */
static int enter_user_namespace(void)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    int ready[2];
    int status = 0;
    char path[64];
    char byte;

    if (uid != 0)
        return unshare(CLONE_NEWUSER) < 0 ? -errno : map_ids(uid, gid);
    if (pipe2(ready, O_CLOEXEC) < 0)
        return -errno;
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0) {
        (void)close(ready[1]); /* so that the end of a parent that fails is seen */
        int err = read(ready[0], &byte, 1) == 1 ? 0 : -EIO;
        (void)snprintf(path, sizeof(path), "/proc/%d/uid_map", (int)parent);
        err = err < 0 ? err : write_text(path, "0 0 4294967295");
        (void)snprintf(path, sizeof(path), "/proc/%d/gid_map", (int)parent);
        err = err < 0 ? err : write_text(path, "0 0 4294967295");
        _exit(-err);
    }
    int err = child < 0 ? -errno : unshare(CLONE_NEWUSER) < 0 ? -errno : 0;
    if (err == 0 && write(ready[1], "", 1) != 1)
        err = -EIO;
    (void)close(ready[0]);
    (void)close(ready[1]);
    if (child > 0 && waitpid(child, &status, 0) == child && err == 0)
        err = WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
    return err;
}

/* The old process stays in the namespaces it came from, with nothing open, as the one that is
 * waited for: it ends as the sandbox process ends. */
static _Noreturn void stand_for(pid_t child)
{
    int status = 0;

    (void)syscall(SYS_close_range, 0, ~0U, 0);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFSIGNALED(status)) {
        (void)signal(WTERMSIG(status), SIG_DFL);
        (void)raise(WTERMSIG(status));
    }
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 125);
}

/* The sandbox process does not outlive the one that stands for it, which may have been killed
 * before we could say so. */
static int tie_to_parent(int parent)
{
    struct pollfd end = {.fd = parent, .events = POLLIN};
    int err = prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ? -errno : 0;

    if (err == 0 && poll(&end, 1, 0) != 0)
        err = -ESRCH;
    (void)close(parent);
    return err;
}

int confine_namespaces(struct confinement *confinement)
{
    const int all = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
    bool is_root = geteuid() == 0;
    int err = enter_user_namespace();

    confinement->step = "user namespace";
    if (err < 0 && !is_root)
        return err;
    if (err < 0)
        host_log(LOG_INFO, "no user namespace: %s", strerror(-err));
    confinement->step = "namespaces";
    if (unshare(all) < 0)
        return -errno;
    int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (self < 0)
        return -errno;
    pid_t child = fork();
    if (child > 0)
        stand_for(child);
    if (child == 0)
        return tie_to_parent(self);
    err = -errno;
    (void)close(self);
    return err;
}

int confine_root(struct confinement *confinement, struct control_start *start)
{
    static const char *const places[] = {"/tmp", "/mnt", "/proc", "/dev", NULL};
    const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

    confinement->step = "root";
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return -errno;
    int err = roots_clone(start);
    if (err < 0)
        return err;
    err = -ENOENT;
    for (int i = 0; places[i] != NULL && err < 0; i++) {
        err = mount("sbx", places[i], "tmpfs", flags, "size=4k,mode=0555") < 0 ? -errno : 0;
        if (err == 0 && chdir(places[i]) < 0)
            return -errno;
    }
    if (err == 0)
        err = roots_attach(start);
    if (err == 0)
        err = sanitizer_keep();
    if (err < 0)
        return err;
    if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        return -errno;
    if (mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY | flags, NULL) < 0)
        return -errno;
    return 0;
}

static bool is_kept(int capability)
{
    return capability == CAP_CHOWN || capability == CAP_DAC_OVERRIDE ||
           capability == CAP_DAC_READ_SEARCH || capability == CAP_FOWNER ||
           capability == CAP_FSETID;
}

int confine_capabilities(struct confinement *confinement)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {0};
    const struct rlimit no_core = {0, 0};
    struct rlimit files;

    confinement->step = "capabilities";
    for (int capability = 0; capability <= CAP_LAST_CAP; capability++) {
        if (is_kept(capability))
            data[capability / 32].effective |= UINT32_C(1) << capability % 32;
        else if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 && errno != EINVAL)
            return -errno;
    }
    data[0].permitted = data[0].effective;
    data[1].permitted = data[1].effective;
    if (syscall(SYS_capset, &header, data) < 0)
        return -errno;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    if (setrlimit(RLIMIT_CORE, &no_core) < 0)
        return -errno;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    return 0;
}
