/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The surroundings of a sandbox process: without privileges, as the init of a pid namespace, with
 * fewer capabilities than it began with, confined to the host calls that docs/new-platform.md
 * lists; and its end, with which its stubs end. Each is played in a child of this process.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/host.h"
#include "platform/ptrace/ptrace.h"
#include "tests/unit/guest_world.h"

enum { NOBODY = 65534, SKIPPED = 77 };

/* cmocka's assertions do not work in a child: those here end it. */
#define NEED(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)dprintf(STDERR_FILENO, "%s:%d: %s\n", __FILE__, __LINE__, #condition);           \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

struct scene {
    const char *name;
    void (*run)(void);
};

/* Plays a scene in a fresh process; its exit status. */
static int play(const char *name)
{
    char *arguments[] = {"scene", (char *)name, NULL};
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        (void)execv("/proc/self/exe", arguments);
        _exit(126);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == SKIPPED)
        skip();
    return WEXITSTATUS(status);
}

/* --- all of a platform's life after its creation --- */

static void use_guest(struct guest *guest)
{
    char image[16384];

    guest->regs.rax = 4711;
    guest->regs.rdi = GUEST_DATA;
    NEED(guest_enter(guest, GUEST_AT(store)) == TRAP_SYSCALL);
    NEED(*guest_word(guest, GUEST_DATA) == 4711);
    context_interrupt(guest->context);
    NEED(guest_enter(guest, GUEST_AT(spin)) == TRAP_INTERRUPT);
    NEED(guest_enter(guest, GUEST_AT(halt)) == TRAP_SIGNAL);
    NEED(guest_enter(guest, GUEST_AT(int80)) == TRAP_SYSCALL && guest->trap.is_foreign);
    guest->regs.fs_base = GUEST_DATA;
    NEED(guest_enter(guest, GUEST_AT(syscall)) == TRAP_SYSCALL);
    NEED(context_get_xstate(guest->context, image) == 0);
    NEED(context_set_xstate(guest->context, image) == 0);
}

static void *interrupt(void *argument)
{
    struct guest *guest = argument;

    while (*guest_word(guest, GUEST_DATA) == 0)
        (void)sched_yield();
    context_interrupt(guest->context);
    return NULL;
}

static void interrupt_running(struct guest *guest, bool has_threads)
{
    pthread_t thread;

    if (!has_threads)
        return;
    *guest_word(guest, GUEST_DATA) = 0;
    guest->regs.rdi = GUEST_DATA;
    guest->regs.rsi = GUEST_DATA + 8;
    NEED(pthread_create(&thread, NULL, interrupt, guest) == 0);
    NEED(guest_enter(guest, GUEST_AT(count)) == TRAP_INTERRUPT);
    NEED(pthread_join(thread, NULL) == 0);
}

static void use_file(struct guest *guest, int fd)
{
    struct aspace_op op = op_map(GUEST_NOTHING, 4096, PROT_READ, 0);

    NEED(platform_add_file(world_platform, fd, &op.file) == 0);
    guest_apply(guest, &op, 1);
    guest->regs.rdi = GUEST_NOTHING;
    NEED(guest_enter(guest, GUEST_AT(load)) == TRAP_SYSCALL);
    platform_remove_file(world_platform, op.file);
}

static void use_platform(int fd, bool has_threads)
{
    struct guest guest, child;

    guest_create(&guest);
    use_guest(&guest);
    use_file(&guest, fd);
    interrupt_running(&guest, has_threads);
    child = guest;
    const struct aspace_op op = op_protect(GUEST_DATA, GUEST_DATA_SIZE, PROT_READ);
    NEED(aspace_fork(guest.aspace, &op, 1, &child.aspace) == 0);
    NEED(context_create(child.aspace, &child.context) == 0);
    NEED(context_attach(child.context) == 0);
    NEED(guest_enter(&child, GUEST_AT(syscall)) == TRAP_SYSCALL);
    aspace_kill(child.aspace);
    NEED(guest_enter(&child, GUEST_AT(syscall)) == TRAP_DEAD);
    memfile_get(world_memfile, guest.data, GUEST_DATA_SIZE);
    guest_free(&child);
    guest_free(&guest);
}

static int own_file(void)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    NEED(fd >= 0);
    return fd;
}

static void live(void)
{
    int fd = own_file();

    NEED(world_set_up(NULL) == 0);
    use_platform(fd, false);
    NEED(world_tear_down(NULL) == 0);
}

/* --- privileges --- */

static void as_nobody(void)
{
    if (geteuid() == 0)
        NEED(setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0);
    live();
}

static void it_works_without_privileges(void **state)
{
    (void)state;
    assert_int_equal(play("as_nobody"), 0);
}

static void drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {0};

    NEED(syscall(SYS_capset, &header, none) == 0);
}

/* A tracer needs the capabilities of its tracee, so a stub must have none. */
static void with_fewer_capabilities(void)
{
    int fd = own_file();

    NEED(world_set_up(NULL) == 0);
    drop_capabilities();
    use_platform(fd, false);
    NEED(world_tear_down(NULL) == 0);
}

static void it_works_when_capabilities_go(void **state)
{
    (void)state;
    assert_int_equal(play("with_fewer_capabilities"), 0);
}

static void as_init(void)
{
    int status;

    if (unshare(CLONE_NEWUSER | CLONE_NEWPID) < 0) {
        (void)dprintf(STDERR_FILENO, "skipped: no user and pid namespaces: %s\n", strerror(errno));
        _exit(SKIPPED);
    }
    pid_t pid = fork();
    if (pid == 0) {
        NEED(getpid() == 1);
        live();
        _exit(0);
    }
    NEED(waitpid(pid, &status, 0) == pid);
    NEED(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void it_works_as_the_init_of_a_pid_namespace(void **state)
{
    (void)state;
    assert_int_equal(play("as_init"), 0);
}

/* --- what is inherited --- */

/* The four it was given, less the one it closes. */
static void need_three_descriptors(pid_t pid)
{
    char path[64];
    unsigned count = 0;

    (void)snprintf(path, sizeof(path), "/proc/%d/fd", pid);
    DIR *dir = opendir(path);
    NEED(dir);
    while (readdir(dir))
        count++;
    NEED(count == 3 + 2);
    (void)closedir(dir);
}

static void need_no_core(pid_t pid)
{
    struct rlimit core;

    NEED(prlimit(pid, RLIMIT_CORE, NULL, &core) == 0 && core.rlim_cur == 0);
}

static void with_odd_inheritance(void)
{
    struct rlimit core;
    sigset_t all;

    NEED(getrlimit(RLIMIT_CORE, &core) == 0);
    core.rlim_cur = core.rlim_max;
    NEED(setrlimit(RLIMIT_CORE, &core) == 0);
    (void)signal(SIGCHLD, SIG_IGN); /* would reap stubs */
    (void)signal(SIGSEGV, SIG_IGN);
    (void)signal(SIGTRAP, SIG_IGN);
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, NULL);
    int fd = own_file();
    NEED(dup2(fd, 20) == 20); /* not close-on-exec */
    NEED(world_set_up(NULL) == 0);
    need_three_descriptors(stub_platform_of(world_platform)->template->pid);
    need_no_core(stub_platform_of(world_platform)->template->pid);
    use_platform(fd, false);
    NEED(world_tear_down(NULL) == 0);
}

static void inherited_signals_and_descriptors_do_no_harm(void **state)
{
    (void)state;
    assert_int_equal(play("with_odd_inheritance"), 0);
}

static void without_standard_streams(void)
{
    int fd = own_file();

    NEED(dup2(STDERR_FILENO, 30) == 30);
    for (int i = 0; i < 3; i++)
        (void)close(i);
    NEED(world_set_up(NULL) == 0);
    use_platform(fd, false);
    NEED(world_tear_down(NULL) == 0);
}

static void low_descriptors_may_be_free(void **state)
{
    (void)state;
    assert_int_equal(play("without_standard_streams"), 0);
}

/* --- confinement --- */

static void allow(scmp_filter_ctx filter, int nr)
{
    NEED(seccomp_rule_add(filter, SCMP_ACT_ALLOW, nr, 0) == 0);
}

static void allow_value(scmp_filter_ctx filter, int nr, unsigned argument, uint64_t value)
{
    const struct scmp_arg_cmp is = {.arg = argument, .op = SCMP_CMP_EQ, .datum_a = value};

    NEED(seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, nr, 1, &is) == 0);
}

static void tell_call(int signal, siginfo_t *info, void *context)
{
    char line[64];
    int size = snprintf(line, sizeof(line), "call %d is not in the list\n", info->si_syscall);

    (void)signal;
    (void)context;
    (void)!write(STDERR_FILENO, line, (size_t)size);
    _exit(1);
}

/* What docs/new-platform.md says a platform needs after its creation, and the C library's own. */
static void confine(void)
{
    static const int free_calls[] = {
        SYS_mmap,  SYS_munmap,         SYS_mprotect,       SYS_madvise, SYS_brk,
        SYS_futex, SYS_close,          SYS_write,          SYS_clone,   SYS_clone3,
        SYS_exit,  SYS_exit_group,     SYS_sched_yield,    SYS_prctl,   SYS_set_robust_list,
        SYS_rseq,  SYS_rt_sigprocmask, SYS_rt_sigaction,   SYS_gettid,  SYS_fallocate,
        SYS_fstat, SYS_getpid,         SYS_clock_nanosleep};
    static const int requests[] = {PTRACE_SEIZE,      PTRACE_CONT,       PTRACE_SYSEMU,
                                   PTRACE_GETREGS,    PTRACE_SETREGS,    PTRACE_POKEUSER,
                                   PTRACE_GETSIGINFO, PTRACE_SETSIGMASK, PTRACE_DETACH,
                                   PTRACE_GETREGSET,  PTRACE_SETREGSET,  PTRACE_GET_SYSCALL_INFO};
    const struct sigaction action = {.sa_sigaction = tell_call, .sa_flags = SA_SIGINFO};
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);

    NEED(filter && sigaction(SIGSYS, &action, NULL) == 0);
    for (size_t i = 0; i < sizeof(free_calls) / sizeof(free_calls[0]); i++)
        allow(filter, free_calls[i]);
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
        allow_value(filter, SYS_ptrace, 0, (uint64_t)requests[i]);
    allow_value(filter, SYS_wait4, 2, __WALL);
    allow_value(filter, SYS_waitid, 0, P_PID);
    allow_value(filter, SYS_kill, 1, SIGKILL);
    allow_value(filter, SYS_kill, 1, SIGCONT);
    allow_value(filter, SYS_tgkill, 2, INTERRUPT_SIGNAL);
    allow(filter, SYS_sched_setaffinity);
    allow_value(filter, SYS_sendmsg, 2, MSG_NOSIGNAL);
    NEED(seccomp_load(filter) == 0);
    seccomp_release(filter);
}

/* They make calls of their own. */
extern void __asan_init(void) __attribute__((weak));
extern void __tsan_init(void) __attribute__((weak));

static void confined(void)
{
    int fd = own_file();

    if (__asan_init || __tsan_init) {
        (void)dprintf(STDERR_FILENO, "skipped: the sanitizer makes calls that are not listed\n");
        _exit(SKIPPED);
    }
    NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    NEED(world_set_up(NULL) == 0);
    confine();
    use_platform(fd, true);
    platform_free(world_platform);
}

static void it_makes_no_call_but_those_listed(void **state)
{
    (void)state;
    assert_int_equal(play("confined"), 0);
}

/* --- ends --- */

struct pids {
    pid_t template, guests[3];
};

/* A guest that runs, one that is stopped, one without context; tells their pids. */
static void run_and_tell(int pipe_end)
{
    struct guest guests[3];
    struct pids pids;

    NEED(world_set_up(NULL) == 0);
    guest_create(&guests[0]);
    guest_create(&guests[1]);
    guest_create_empty(&guests[2]);
    pids.template = stub_platform_of(world_platform)->template->pid;
    for (int i = 0; i < 3; i++)
        pids.guests[i] = stub_of(guests[i].aspace)->pid;
    NEED(guest_enter(&guests[1], GUEST_AT(syscall)) == TRAP_SYSCALL);
    NEED(write(pipe_end, &pids, sizeof(pids)) == sizeof(pids));
    (void)guest_enter(&guests[0], GUEST_AT(spin));
}

/* Blocks until all have ended: stubs that live on make the test hang. */
static void wait_for(const struct pids *pids)
{
    assert_int_equal(waitpid(pids->template, NULL, __WALL), pids->template);
    for (int i = 0; i < 3; i++)
        assert_int_equal(waitpid(pids->guests[i], NULL, __WALL), pids->guests[i]);
    assert_false(world_has_child());
}

static void killed_sandbox_takes_its_stubs_along(void **state)
{
    struct pids pids;
    int ends[2];

    (void)state;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    for (int round = 0; round < 10; round++) {
        assert_int_equal(pipe(ends), 0);
        pid_t pid = fork();
        if (pid == 0) {
            run_and_tell(ends[1]);
            _exit(1);
        }
        assert_int_equal(read(ends[0], &pids, sizeof(pids)), sizeof(pids));
        (void)kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        wait_for(&pids);
        (void)close(ends[0]);
        (void)close(ends[1]);
    }
}

/* Killed while it is being made, too. */
static void killed_at_any_moment(void **state)
{
    (void)state;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    for (int round = 0; round < 40; round++) {
        pid_t pid = fork();
        if (pid == 0) {
            live();
            _exit(0);
        }
        host_sleep(round * 100000);
        (void)kill(pid, SIGKILL);
        while (waitpid(-1, NULL, __WALL) > 0 || errno == EINTR)
            continue;
        assert_int_equal(errno, ECHILD);
    }
}

static void *create(void *argument)
{
    (void)argument;
    NEED(world_set_up(NULL) == 0);
    return NULL;
}

static void creator_ends(void)
{
    struct aspace *aspace;
    pthread_t thread;
    siginfo_t info;

    NEED(host_thread_start(&thread, create, NULL, "creator") == 0);
    host_thread_join(thread);
    pid_t pid = stub_platform_of(world_platform)->template->pid;
    NEED(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT | __WALL) == 0);
    NEED(aspace_create(world_platform, &aspace) == -ESRCH);
    platform_free(world_platform);
}

static void the_thread_that_made_it_must_live(void **state)
{
    (void)state;
    assert_int_equal(play("creator_ends"), 0);
}

static void an_unknown_name_is_refused(void **state)
{
    struct platform *platform = NULL;
    const char *const *names = platform_names();

    (void)state;
    assert_int_equal(platform_create("nothing", NULL, &platform), -EINVAL);
    assert_null(platform);
    assert_string_equal(names[0], "auto");
}

static const struct scene scenes[] = {
    {"as_nobody", as_nobody},
    {"with_fewer_capabilities", with_fewer_capabilities},
    {"as_init", as_init},
    {"with_odd_inheritance", with_odd_inheritance},
    {"without_standard_streams", without_standard_streams},
    {"confined", confined},
    {"creator_ends", creator_ends},
};

static int run_scene(const char *name)
{
    for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
        if (strcmp(scenes[i].name, name) == 0) {
            scenes[i].run();
            _exit(0); /* without the leak check, which not every scene leaves possible */
        }
    }
    return 2;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_works_without_privileges),
        cmocka_unit_test(it_works_when_capabilities_go),
        cmocka_unit_test(it_works_as_the_init_of_a_pid_namespace),
        cmocka_unit_test(inherited_signals_and_descriptors_do_no_harm),
        cmocka_unit_test(low_descriptors_may_be_free),
        cmocka_unit_test(it_makes_no_call_but_those_listed),
        cmocka_unit_test(killed_sandbox_takes_its_stubs_along),
        cmocka_unit_test(killed_at_any_moment),
        cmocka_unit_test(the_thread_that_made_it_must_live),
        cmocka_unit_test(an_unknown_name_is_refused),
    };

    if (argc == 2)
        return run_scene(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
