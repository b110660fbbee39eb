/* SPDX-License-Identifier: Apache-2.0 */
/*
 * execve: finds the program (through #! lines), lets mm build a new address space, and past the
 * point of no return makes the task's parts those of the new program. Siblings die first, in a
 * short wait; until then nothing has happened. The gate holds the task before its first
 * instruction.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/personality.h>
#include <unistd.h>

#include "core/base/host.h"
#include "core/capability.h"
#include "core/futex.h"
#include "core/kernel.h"
#include "core/limit.h"
#include "core/task.h"

enum { SCRIPT_DEPTH_MAX = 5, SCRIPT_LINE_MAX = 256 };

/* The arguments of an exec: kernel memory, changed by each #! line. */
struct exec_arguments {
    char **argv; /* owned, with its strings */
    char **envp; /* borrowed */
    char *path;  /* owned: the file to open */
};

void strings_free(char **strings)
{
    for (size_t i = 0; strings != NULL && strings[i] != NULL; i++)
        host_free(strings[i]);
    host_free(strings);
}

static size_t strings_count(char *const *strings)
{
    size_t count = 0;

    while (strings[count] != NULL)
        count++;
    return count;
}

static int64_t read_start(struct file *file, char *to, size_t size)
{
    struct uio uio;
    uint64_t position = 0;

    if (file->ops->read == NULL)
        return -EACCES;
    uio_init(&uio, to, size);
    return file->ops->read(file, &uio, &position, NULL);
}

/* Splits "#! interpreter argument": 1 when it is a script, with the two (argument may be NULL). */
static int parse_script(char *line, char **interpreter, char **argument)
{
    bool is_whole = strlen(line) < SCRIPT_LINE_MAX; /* else more of the line may follow */

    if (strncmp(line, "#!", 2) != 0)
        return 0;
    char *end = strchr(line, '\n');
    char *start = line + 2 + strspn(line + 2, " \t");

    if (end != NULL)
        *end = '\0';
    size_t size = strcspn(start, " \t");
    bool is_cut_off = end == NULL && !is_whole && start[size] == '\0';
    if (size == 0 || is_cut_off)
        return -ENOEXEC;
    char *rest = start + size + strspn(start + size, " \t");
    for (char *last = start + strlen(start); last > rest && strchr(" \t", last[-1]) != NULL;)
        *--last = '\0';
    start[size] = '\0';
    *interpreter = start;
    *argument = *rest != '\0' ? rest : NULL;
    return 1;
}

/* argv becomes interpreter, argument, path, old argv from 1 on. */
static int rewrite_arguments(struct exec_arguments *arguments, const char *interpreter,
                             const char *argument)
{
    size_t count = strings_count(arguments->argv);
    char **argv = host_alloc(count + 4, sizeof(*argv));
    size_t n = 0;

    if (argv == NULL)
        return -ENOMEM;
    argv[n++] = host_strdup(interpreter);
    if (argument != NULL)
        argv[n++] = host_strdup(argument);
    argv[n++] = host_strdup(arguments->path);
    char *path = host_strdup(interpreter);
    if (path == NULL || argv[0] == NULL || argv[n - 1] == NULL || argv[n - 2] == NULL) {
        for (size_t i = 0; i < n; i++)
            host_free(argv[i]);
        host_free(argv);
        host_free(path);
        return -ENOMEM;
    }
    for (size_t i = 1; i < count; i++)
        argv[n++] = arguments->argv[i];
    if (count > 0)
        host_free(arguments->argv[0]);
    host_free(arguments->argv);
    host_free(arguments->path);
    arguments->argv = argv;
    arguments->path = path;
    return 0;
}

/* Follows #! lines to a program that is none. */
static int find_program(const struct fs_view *view, struct exec_arguments *arguments,
                        struct file **ret)
{
    for (int depth = 0; depth <= SCRIPT_DEPTH_MAX; depth++) {
        char line[SCRIPT_LINE_MAX + 1] = "";
        char *interpreter = NULL;
        char *argument = NULL;
        struct file *file;
        int err = vfs_open_program(view, arguments->path, FILE_RUN, &file);

        if (err < 0)
            return err;
        int64_t size = read_start(file, line, SCRIPT_LINE_MAX);
        err = size < 0 ? (int)size : parse_script(line, &interpreter, &argument);
        if (err == 0) {
            *ret = file;
            return 0;
        }
        object_put(&file->object);
        if (err > 0)
            err = rewrite_arguments(arguments, interpreter, argument);
        if (err < 0)
            return err;
    }
    return -ELOOP;
}

static void kill_siblings(struct process *process, const struct task *except)
{
    struct task *task;

    TAILQ_FOREACH(task, &process->tasks, link) {
        if (task != except)
            task_kill(task);
    }
}

/* Waits until the task is alone; then its id is the process'. -EAGAIN: it is itself being killed.
 */
static int become_alone(struct task *task)
{
    struct process *process = task->process;
    struct kernel *kernel = process->kernel;
    unsigned live;
    int err = 0;

    mutex_lock(&kernel->tasks_lock);
    bool is_first = !process->is_exiting && !atomic_load(&task->waiter.is_killed);
    if (is_first)
        kill_siblings(process, task);
    mutex_unlock(&kernel->tasks_lock);
    if (!is_first)
        return -EAGAIN;
    if (atomic_load(&process->live) > 1) {
        gate_short_begin(&task->waiter.pass);
        while ((live = atomic_load(&process->live)) > 1)
            (void)host_futex_wait(&process->live, live, NSEC_NEVER);
        gate_short_end(&task->waiter.pass);
    }
    mutex_lock(&kernel->tasks_lock);
    if (task->tid != process->pid)
        err = task_set_tid(task, process->pid);
    mutex_unlock(&kernel->tasks_lock);
    return err;
}

/* Own copies of what a clone shares: exec changes them. */
static int unshare_parts(struct task *task)
{
    struct process *process = task->process;
    struct sighand *sighand;
    struct files *files;
    int err = 0;

    if (task->files->object.count > 1) {
        err = files_fork(task->files, &files);
        if (err < 0)
            return err;
        mutex_lock(&process->kernel->tasks_lock);
        struct files *old = task->files;
        task->files = files;
        mutex_unlock(&process->kernel->tasks_lock);
        object_put(&old->object);
    }
    mutex_lock(&process->kernel->tasks_lock);
    bool is_shared = process->sighand->process_count > 1;
    mutex_unlock(&process->kernel->tasks_lock);
    if (!is_shared)
        return 0;
    err = sighand_fork(process->sighand, &sighand);
    if (err < 0)
        return err;
    mutex_lock(&process->kernel->tasks_lock);
    struct sighand *old = process->sighand;
    old->process_count--;
    sighand->process_count++;
    process->sighand = sighand;
    mutex_unlock(&process->kernel->tasks_lock);
    object_put(&old->object);
    return 0;
}

static void set_comm(struct task *task, const char *path)
{
    const char *slash = strrchr(path, '/');

    (void)strncpy(task->comm, slash != NULL ? slash + 1 : path, TASK_COMM_SIZE - 1);
    task->comm[TASK_COMM_SIZE - 1] = '\0';
}

/* Past the point of no return: the task is the new program. */
static void become(struct task *task, struct mm *mm, const struct guest_regs *regs,
                   const char *path)
{
    struct process *process = task->process;
    struct mm *old = task->mm;

    futex_exit(task);
    rseq_release(task);
    posix_timer_delete_all(process);
    task_drop_context(task);
    if (old != NULL) { /* not at boot, by another thread */
        usage_settle(task);
        usage_note_resident(task);
    }
    mutex_lock(&process->kernel->tasks_lock); /* others look at it under it: /proc */
    usage_settle_process(process);
    process->aspace_seen = 0;
    task->mm = mm;
    mutex_unlock(&process->kernel->tasks_lock);
    object_put((struct object *)old);
    task->regs = *regs;
    task_reset_xstate(task);
    task->altstack_base = task->altstack_size = 0;
    task->altstack_flags = 0;
    settings_exec(&task->settings);
    sighand_reset(process->sighand);
    files_close_on_exec(task->files);
    mutex_lock(&process->kernel->tasks_lock);
    set_comm(task, path);
    process->has_execed = true;
    process->exit_signal = SIGCHLD;
    process->is_undumpable = false;
    cap_sets_exec(&task->cred);
    task->sched.personality &= ~(uint32_t)READ_IMPLIES_EXEC;
    task->parent_death_signal = 0;
    process_vfork_done(process);
    mutex_unlock(&process->kernel->tasks_lock);
}

static int build(struct task *task, const struct fs_view *view, const struct exec_arguments *args,
                 struct file *file, struct mm **mm, struct guest_regs *regs)
{
    struct mm_limits limits;
    struct exec_request request = {.file = file,
                                   .limits = &limits,
                                   .filename = args->path,
                                   .argv = args->argv,
                                   .envp = args->envp,
                                   .view = view,
                                   .cred = &task->cred};

    task_memory_limits(task, &limits);
    host_random(request.random, sizeof(request.random));
    return mm_exec(task_kernel(task), &request, mm, regs);
}

static int exec_with(struct task *task, struct exec_arguments *arguments)
{
    struct process *process = task->process;
    struct guest_regs regs = {0};
    struct fs_view view;
    struct file *file = NULL;
    struct mm *mm = NULL;

    fs_view_get(task->fs, &task->cred, task, &view);
    int err = find_program(&view, arguments, &file);
    if (err == 0)
        err = build(task, &view, arguments, file, &mm, &regs);
    fs_view_put(&view);
    object_put((struct object *)file);
    if (err < 0)
        return err;
    err = become_alone(task);
    if (err == 0)
        err = unshare_parts(task);
    if (err < 0) {
        object_put(&mm->object);
        if (err != -EAGAIN) /* its siblings have gone: there is no way back */
            process_die(process, SIGKILL);
        return err;
    }
    become(task, mm, &regs, arguments->path);
    return 0;
}

static char **strings_copy(char *const *strings)
{
    size_t count = strings_count(strings);
    char **copy = host_alloc(count + 1, sizeof(*copy));

    for (size_t i = 0; copy != NULL && i < count; i++) {
        copy[i] = host_strdup(strings[i]);
        if (copy[i] == NULL) {
            strings_free(copy);
            return NULL;
        }
    }
    return copy;
}

int task_exec(struct task *task, const char *path, char **argv, char **envp)
{
    struct exec_arguments arguments = {
        .argv = strings_copy(argv), .envp = envp, .path = host_strdup(path)};
    int err =
        arguments.argv == NULL || arguments.path == NULL ? -ENOMEM : exec_with(task, &arguments);

    strings_free(arguments.argv);
    host_free(arguments.path);
    return err;
}
