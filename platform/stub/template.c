/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The template: the stub that is exec'd, so that nothing of the sandbox process is in it but four
 * descriptors. It never runs a guest. It has no capabilities (a tracer needs at least those of its
 * tracee), leaves no core, and is its own session: the terminal's signals are for the sandbox
 * process. Its end is tied to that of the thread that makes it, and so is that of every later stub.
 *
 * The child shares memory with us until it execs: it makes raw calls only, all signals blocked.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/host.h"
#include "platform/memfile.h"
#include "platform/stub/filter.h"
#include "platform/stub/stub.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x10U /* Linux 6.3 */
#endif

enum { FD_COUNT = 4, FD_HIGH = 16, SIGSET_SIZE = 8, EXIT_NO_EXEC = 127 };

extern const char stub_image[], stub_image_end[];

/* What the child needs before it execs. */
struct start {
    int fds[FD_COUNT]; /* above FD_COUNT, by the numbers they will have */
    int err;           /* of the step that failed */
};

#define RAW_CHILD __attribute__((no_sanitize("address", "undefined", "thread")))

RAW_CHILD static long raw(long nr, long a, long b, long c, long d, long e)
{
    register long r10 __asm__("r10") = d, r8 __asm__("r8") = e;
    long ret;

    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return ret;
}

/* Without these exec would give root its capabilities back. */
RAW_CHILD static long drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {0};
    long err = raw(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);

    return err < 0 ? err : raw(SYS_capset, (long)&header, (long)none, 0, 0, 0);
}

RAW_CHILD static void limit_resources(void)
{
    struct rlimit files, no_core = {0};

    (void)raw(SYS_setrlimit, RLIMIT_CORE, (long)&no_core, 0, 0, 0);
    if (raw(SYS_getrlimit, RLIMIT_NOFILE, (long)&files, 0, 0, 0) < 0)
        return;
    files.rlim_cur = files.rlim_max;
    (void)raw(SYS_setrlimit, RLIMIT_NOFILE, (long)&files, 0, 0, 0);
}

RAW_CHILD static _Noreturn void start_child(struct start *start)
{
    char *none[] = {NULL};
    long err = drop_capabilities();

    (void)raw(SYS_setsid, 0, 0, 0, 0, 0);
    (void)raw(SYS_chdir, (long)"/", 0, 0, 0, 0);
    limit_resources();
    for (int fd = 0; fd < FD_COUNT && err >= 0; fd++)
        err = raw(SYS_dup3, start->fds[fd], fd, 0, 0, 0);
    if (err >= 0)
        err = raw(SYS_execveat, STUB_FD_IMAGE, (long)"", (long)none, (long)none, AT_EMPTY_PATH);
    start->err = (int)err;
    for (;;)
        (void)raw(SYS_exit_group, EXIT_NO_EXEC, 0, 0, 0, 0);
}

/* Returns when the child has exec'd or ended: its pid. */
static int spawn(struct start *start)
{
    static const uint64_t all = ~UINT64_C(0);
    uint64_t before = 0;

    (void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, SIGSET_SIZE);
    pid_t pid = vfork();
    if (pid == 0)
        start_child(start);
    int err = errno;
    (void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, SIGSET_SIZE);
    if (pid < 0)
        return -err;
    if (start->err == 0)
        return pid;
    (void)waitpid(pid, NULL, __WALL);
    return start->err;
}

/* Takes fd; returns one that is clear of the numbers in the stub. */
static int high_fd(int fd)
{
    if (fd < 0)
        return -errno;
    int high = fcntl(fd, F_DUPFD_CLOEXEC, FD_HIGH);
    int err = errno;
    (void)close(fd);
    return high < 0 ? -err : high;
}

/* A sealed file with the image. */
static int image_open(void)
{
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    int fd = memfd_create("stub", flags | MFD_EXEC);

    if (fd < 0 && errno == EINVAL)
        fd = memfd_create("stub", flags);
    fd = high_fd(fd);
    if (fd < 0)
        return fd;
    int err = host_pwrite_all(fd, stub_image, (size_t)(stub_image_end - stub_image), 0);
    if (err == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) < 0)
        err = -errno;
    if (err < 0)
        (void)close(fd);
    return err < 0 ? err : fd;
}

static int control_create(struct stub_platform *platform)
{
    platform->control = high_fd(memfd_create("control", MFD_CLOEXEC));
    if (platform->control < 0)
        return platform->control;
    int err = host_ftruncate(platform->control, CONTROL_SIZE);
    if (err < 0)
        return err;
    void *memory;
    err = host_mmap(&memory, NULL, CONTROL_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
                    platform->control, 0);
    if (err < 0)
        return err;
    platform->control_memory = memory;
    filters_write(platform->control_memory + CONTROL_CONFIG);
    pid_t parent = getpid();
    memcpy(platform->control_memory + CONTROL_CONFIG + CONFIG_PARENT, &parent, sizeof(parent));
    return 0;
}

static int template_exec(struct stub_platform *platform, int memfile, int socket, int image)
{
    struct start start = {.fds = {platform->control, memfile, socket, image}};
    int pid = spawn(&start);

    if (pid < 0)
        return pid;
    platform->template->pid = pid;
    return 0;
}

static int template_start(struct stub_platform *platform, struct memfile *memfile)
{
    int pair[2];
    int err = stub_alloc(platform, &platform->template);
    if (err < 0)
        return err;
    assert(platform->template->slot == 0); /* the one that stub.S maps first */
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    platform->socket = pair[0];
    int socket = high_fd(pair[1]), image = image_open();
    int high_memfile = fcntl(memfile_fd(memfile), F_DUPFD_CLOEXEC, FD_HIGH);
    if (socket < 0 || image < 0 || high_memfile < 0)
        err = -EMFILE;
    else
        err = template_exec(platform, high_memfile, socket, image);
    (void)close(socket);
    (void)close(image);
    (void)close(high_memfile);
    return err;
}

/* The first answer: all its filters are on. */
static int template_check(struct stub *template)
{
    unsigned done;
    int value, status = 0;

    mutex_lock(&template->lock);
    int err = stub_run(template, NULL, 0, &done, &value);
    mutex_unlock(&template->lock);
    if (err == 0)
        return 0;
    if (waitpid(template->pid, &status, WNOHANG | __WALL) == template->pid) {
        template->pid = 0;
        host_log(LOG_INFO, "the first stub ended with status %#x (an errno in its upper byte)",
                 (unsigned)status);
    }
    return err;
}

/* Stops of threads are waited for, not signalled; an ignored SIGCHLD would reap what we wait for.
 */
static void set_child_signal(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDSTOP};
    int err = sigaction(SIGCHLD, &action, NULL);

    assert(err == 0);
}

int stub_platform_create(struct memfile *memfile, struct stub_platform **ret)
{
    struct stub_platform *platform = host_alloc(1, sizeof(*platform));

    if (!platform)
        return -ENOMEM;
    platform->control = platform->socket = -1;
    placement_init(&platform->placement);
    set_child_signal();
    int err = control_create(platform);
    if (err == 0)
        err = template_start(platform, memfile);
    if (err == 0)
        err = template_check(platform->template);
    if (err < 0) {
        stub_platform_free(platform);
        return err;
    }
    *ret = platform;
    return 0;
}

void stub_platform_free(struct stub_platform *platform)
{
    if (!platform)
        return;
    if (platform->template)
        stub_free(&platform->template->aspace);
    if (platform->control_memory)
        slots_fini(platform);
    if (platform->control_memory)
        (void)host_munmap(platform->control_memory, CONTROL_SIZE);
    if (platform->socket >= 0)
        (void)close(platform->socket);
    if (platform->control >= 0)
        (void)close(platform->control);
    host_free(platform);
}
