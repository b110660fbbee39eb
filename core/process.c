/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes: thread groups and what their threads share. A process is held by its parent's list of
 * children until it is reaped (pid 1: by the machine), and by each of its tasks; the pointer to the
 * parent is derived of the lists. The tasks lock guards the tree and every state that wait(2)
 * tells.
 */
#include <errno.h>
#include <inttypes.h>

#include "core/base/container.h"
#include "core/base/host.h"
#include "core/clocks.h"
#include "core/kernel.h"
#include "core/task.h"

DEFINE_OBJECT_TYPE(PROCESS, process, Process, process);

/* To the first point after now; those between are not told of. */
static void move_alarm(struct process *process, nsec_t now)
{
    nsec_t interval = process->alarm_interval;

    if (interval > 0)
        process->alarm_deadline += ((now - process->alarm_deadline) / interval + 1) * interval;
    else
        process->alarm_deadline = NSEC_NEVER;
}

/* SIGALRM is due. */
static void alarm_expired(struct timer *timer)
{
    struct process *process = container_of(timer, struct process, alarm);
    struct kernel *kernel = process->kernel;
    struct signal_info info = {.signal = SIGALRM, .code = SI_KERNEL};

    mutex_lock(&kernel->tasks_lock);
    nsec_t now = clock_now(&kernel->clock);
    if (process->alarm_deadline <= now && !process->is_zombie) {
        (void)signal_send_process(process, &info);
        move_alarm(process, now);
    }
    if (process->alarm_deadline != NSEC_NEVER && !process->is_zombie)
        timer_start(kernel->vfs.events, timer, process->alarm_deadline);
    mutex_unlock(&kernel->tasks_lock);
}

static void set_default_limits(struct process *process)
{
    for (int i = 0; i < RLIM_NLIMITS; i++)
        process->limits[i] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
    process->limits[RLIMIT_STACK].rlim_cur = 8 << 20;
    process->limits[RLIMIT_CORE].rlim_cur = 0;
    process->limits[RLIMIT_NOFILE] = (struct rlimit){1024, 1 << 20};
    process->limits[RLIMIT_MEMLOCK] = (struct rlimit){8 << 20, 8 << 20};
    process->limits[RLIMIT_NPROC] = (struct rlimit){KERNEL_PID_MAX, KERNEL_PID_MAX};
    process->limits[RLIMIT_SIGPENDING] = (struct rlimit){4096, 4096};
    process->limits[RLIMIT_MSGQUEUE] = (struct rlimit){819200, 819200};
    process->limits[RLIMIT_NICE] = (struct rlimit){0, 0};
    process->limits[RLIMIT_RTPRIO] = (struct rlimit){0, 0};
}

int process_create(struct kernel *kernel, int pid, struct sighand *sighand, struct process **ret)
{
    struct process *process = object_alloc(&process_type.object);

    if (process == NULL) {
        object_put(&sighand->object);
        return -ENOMEM;
    }
    process->kernel = kernel;
    process->pid = process->pgid = process->sid = pid;
    process->sighand = sighand;
    process->exit_signal = SIGCHLD;
    process->start_time = clock_now(&kernel->clock);
    wait_queue_init(&process->child_wait, &kernel->tasks_lock);
    wait_queue_init(&process->vfork_wait, &kernel->tasks_lock);
    wait_queue_init(&process->exit_wait, &kernel->tasks_lock);
    wait_queue_init(&process->timers.sleepers, &kernel->tasks_lock);
    set_default_limits(process);
    *ret = process;
    return 0;
}

int process_link(struct process *process, struct process *parent)
{
    struct kernel *kernel = process->kernel;

    mutex_assert_held(&kernel->tasks_lock);
    int err = process_table_add(kernel, process);
    if (err < 0)
        return err;
    process->is_linked = true;
    process->sighand->process_count++;
    process->parent = parent;
    cpu_timer_start(process);
    if (parent != NULL) {
        (void)object_get(&process->object);
        TAILQ_INSERT_TAIL(&parent->children, process, sibling);
    }
    return 0;
}

void process_unlink(struct process *process)
{
    if (!process->is_linked)
        return;
    process_table_remove(process->kernel, process);
    process->is_linked = false;
    process->sighand->process_count--;
    if (process->parent != NULL)
        TAILQ_REMOVE(&process->parent->children, process, sibling);
    process->parent = NULL;
    wait_kick(&process->exit_wait, POLLIN | POLLRDNORM | POLLHUP);
}

/* Makes every task look: a stop ends its interruptible wait, the end of one lets it go on. */
static void kick_tasks(struct process *process)
{
    struct task *task;

    mutex_lock(&process->sighand->lock);
    TAILQ_FOREACH(task, &process->tasks, link) {
        bool is_told = atomic_load(&task->waiter.has_signal);
        atomic_store(&task->waiter.has_signal, is_told || signal_has_own(task));
        task_kick(task);
    }
    signal_recompute_told(process);
    mutex_unlock(&process->sighand->lock);
}

uint32_t process_uid(const struct process *process)
{
    const struct task *task = TAILQ_FIRST(&process->tasks);

    return task != NULL ? task->cred.uid : process->exit_uid;
}

void process_describe(struct process *process, struct signal_info *info)
{
    struct usage usage;

    usage_of_process(process, &usage);
    info->uid = process_uid(process);
    info->utime = usage.user / NSEC_PER_TICK;
    info->stime = usage.system / NSEC_PER_TICK;
}

/* Tells the parent of a stop or a continuation, unless it does not want SIGCHLD for that. */
static void tell_parent(struct process *process, int code, int status)
{
    struct process *parent = process->parent;
    struct signal_info info = {
        .signal = SIGCHLD, .code = code, .pid = process->pid, .status = status};

    if (parent == NULL)
        return;
    process_describe(process, &info);
    if ((sighand_action(parent->sighand, SIGCHLD).flags & SA_NOCLDSTOP) == 0)
        (void)signal_send_process(parent, &info);
    wait_kick_all(&parent->child_wait);
}

void process_stop(struct process *process, int signal)
{
    mutex_assert_held(&process->kernel->tasks_lock);
    if (atomic_load(&process->stop_signal) != 0 || process->is_exiting)
        return;
    atomic_store(&process->stop_signal, signal);
    process->has_stop_event = true;
    process->has_continue_event = false;
    kick_tasks(process);
    tell_parent(process, CLD_STOPPED, signal);
}

void process_continue(struct process *process)
{
    mutex_assert_held(&process->kernel->tasks_lock);
    if (atomic_load(&process->stop_signal) == 0)
        return;
    atomic_store(&process->stop_signal, 0);
    process->has_stop_event = false;
    process->has_continue_event = true;
    kick_tasks(process);
    tell_parent(process, CLD_CONTINUED, SIGCONT);
}

void process_vfork_done(struct process *process)
{
    mutex_assert_held(&process->kernel->tasks_lock);
    process->is_vfork_done = true;
    wait_kick_all(&process->vfork_wait);
}

static void process_init(struct process *process)
{
    signal_queue_init(&process->pending);
    TAILQ_INIT(&process->tasks);
    TAILQ_INIT(&process->children);
    process->alarm_deadline = NSEC_NEVER;
    process->alarm.deadline = NSEC_NEVER;
    process->alarm.expired = alarm_expired;
    timers_init(process);
}

/* Lists of references that a whole process no longer has: for those of a failed load. */
static void drop_lists(struct process *process)
{
    while (!TAILQ_EMPTY(&process->tasks)) {
        struct task *task = TAILQ_FIRST(&process->tasks);
        TAILQ_REMOVE(&process->tasks, task, link);
        object_put(&task->object);
    }
    while (!TAILQ_EMPTY(&process->children)) {
        struct process *child = TAILQ_FIRST(&process->children);
        TAILQ_REMOVE(&process->children, child, sibling);
        child->parent = NULL;
        object_put(&child->object);
    }
}

static void process_fini(struct process *process)
{
    if (process->alarm.is_queued)
        (void)timer_stop(process->kernel->vfs.events, &process->alarm);
    if (process->is_linked) {
        process_table_remove(process->kernel, process);
        process->sighand->process_count--;
        process->is_linked = false;
    }
    if (process->kernel != NULL)
        wait_queue_fini(&process->exit_wait);
    timers_fini(process);
    drop_lists(process);
    signal_queue_fini(&process->pending);
    object_put((struct object *)process->sighand);
    process->sighand = NULL;
}

static int limits_save(const struct process *process, struct saver *saver, Process *m)
{
    m->limits = save_messages(saver, &limit__descriptor, RLIM_NLIMITS);
    if (m->limits == NULL)
        return -ENOMEM;
    m->n_limits = RLIM_NLIMITS;
    for (int i = 0; i < RLIM_NLIMITS; i++) {
        m->limits[i]->soft = process->limits[i].rlim_cur;
        m->limits[i]->hard = process->limits[i].rlim_max;
    }
    return 0;
}

static int lists_save(const struct process *process, struct saver *saver, Process *m)
{
    const struct process *child;
    const struct task *task;
    size_t tasks = 0;
    size_t children = 0;

    TAILQ_FOREACH(task, &process->tasks, link)
        tasks++;
    TAILQ_FOREACH(child, &process->children, sibling)
        children++;
    m->tasks = save_alloc(saver, tasks, sizeof(*m->tasks));
    m->children = save_alloc(saver, children, sizeof(*m->children));
    if (m->tasks == NULL || m->children == NULL)
        return -ENOMEM;
    TAILQ_FOREACH(task, &process->tasks, link)
        m->tasks[m->n_tasks++] = save_ref(saver, &task->object);
    TAILQ_FOREACH(child, &process->children, sibling)
        m->children[m->n_children++] = save_ref(saver, &child->object);
    return 0;
}

static int process_save(const struct process *process, struct saver *saver, Process *m)
{
    assert(!process->is_exiting || process->is_zombie);
    m->pid = (uint32_t)process->pid;
    m->pgid = (uint32_t)process->pgid;
    m->sid = (uint32_t)process->sid;
    m->is_zombie = process->is_zombie;
    m->has_execed = process->has_execed;
    m->is_vfork_done = process->is_vfork_done;
    m->exit_status = (uint32_t)process->exit_status;
    m->exit_signal = (uint32_t)process->exit_signal;
    m->exit_uid = process->exit_uid;
    m->stop_signal = (uint32_t)atomic_load(&process->stop_signal);
    m->has_stop_event = process->has_stop_event;
    m->has_continue_event = process->has_continue_event;
    m->is_undumpable = process->is_undumpable;
    m->is_subreaper = process->is_subreaper;
    m->oom_adjustment = process->oom_adjustment;
    m->oom_adjustment_min = process->oom_adjustment_min;
    m->sighand = save_ref(saver, &process->sighand->object);
    m->alarm = save_time(saver, process->alarm_deadline);
    m->alarm_interval = process->alarm_interval;
    m->start_time = save_time(saver, process->start_time);
    int err = signal_queue_save(&process->pending, saver, &m->pending, &m->n_pending);
    if (err == 0)
        err = usage_save(&process->usage, saver, &m->usage);
    if (err == 0)
        err = usage_save(&process->child_usage, saver, &m->child_usage);
    if (err == 0)
        err = timers_save(process, saver, &m->timers);
    if (err == 0)
        err = limits_save(process, saver, m);
    return err < 0 ? err : lists_save(process, saver, m);
}

static void limits_load(struct process *process, struct loader *loader, const Process *m)
{
    if (m->n_limits != RLIM_NLIMITS) {
        load_bad(loader, "limits", "are %zu, not %d", m->n_limits, RLIM_NLIMITS);
        return;
    }
    for (int i = 0; i < RLIM_NLIMITS; i++) {
        if (m->limits[i]->soft > m->limits[i]->hard)
            load_bad(loader, "limits.soft", "of %d is above the hard one", i);
        process->limits[i] = (struct rlimit){m->limits[i]->soft, m->limits[i]->hard};
    }
}

/* Each element comes once: what is in a list already has a link that must not be made again. */
static void lists_load(struct process *process, struct loader *loader, const Process *m)
{
    for (size_t i = 0; i < m->n_tasks; i++) {
        struct task *task = load_weak(loader, "tasks", m->tasks[i], &task_type);
        if (task == NULL)
            continue;
        if (task->is_listed) {
            load_bad(loader, "tasks", "object %" PRIu64 " is in two lists", m->tasks[i]);
            continue;
        }
        task->is_listed = true;
        (void)object_get(&task->object);
        TAILQ_INSERT_TAIL(&process->tasks, task, link);
    }
    for (size_t i = 0; i < m->n_children; i++) {
        struct process *child = load_weak(loader, "children", m->children[i], &process_type);
        if (child == NULL)
            continue;
        if (child->parent != NULL || child == process) {
            load_bad(loader, "children", "object %" PRIu64 " has two parents", m->children[i]);
            continue;
        }
        child->parent = process;
        (void)object_get(&child->object);
        TAILQ_INSERT_TAIL(&process->children, child, sibling);
    }
}

static void check_adjustment(struct loader *loader, const char *field, int32_t value)
{
    if (value < -OOM_ADJUSTMENT_MAX || value > OOM_ADJUSTMENT_MAX)
        load_bad(loader, field, "%" PRId32 " is out of range", value);
}

static void check_ids(struct loader *loader, const Process *m)
{
    if (m->pid == 0 || m->pid > KERNEL_PID_MAX)
        load_bad(loader, "pid", "%" PRIu32 " is not possible", m->pid);
    if (m->pgid == 0 || m->pgid > KERNEL_PID_MAX)
        load_bad(loader, "pgid", "%" PRIu32 " is not possible", m->pgid);
    if (m->sid == 0 || m->sid > KERNEL_PID_MAX)
        load_bad(loader, "sid", "%" PRIu32 " is not possible", m->sid);
    if (m->exit_signal > SIGNAL_COUNT)
        load_bad(loader, "exit_signal", "%" PRIu32 " is no signal", m->exit_signal);
    check_adjustment(loader, "oom_adjustment", m->oom_adjustment);
    check_adjustment(loader, "oom_adjustment_min", m->oom_adjustment_min);
    if (m->alarm_interval < 0 || m->alarm_interval > NSEC_NEVER / 2)
        load_bad(loader, "alarm_interval", "%" PRId64 " is out of range", m->alarm_interval);
    if (m->stop_signal > SIGNAL_COUNT)
        load_bad(loader, "stop_signal", "%" PRIu32 " is no signal", m->stop_signal);
    if (m->is_zombie != (m->n_tasks == 0))
        load_bad(loader, "is_zombie", "does not fit %zu tasks", m->n_tasks);
}

static int process_load(struct process *process, struct loader *loader, const Process *m)
{
    process->kernel = kernel_of_context(loader_context(loader));
    wait_queue_init(&process->child_wait, &process->kernel->tasks_lock);
    wait_queue_init(&process->timers.sleepers, &process->kernel->tasks_lock);
    wait_queue_init(&process->vfork_wait, &process->kernel->tasks_lock);
    wait_queue_init(&process->exit_wait, &process->kernel->tasks_lock);
    check_ids(loader, m);
    process->pid = (int)m->pid;
    process->pgid = (int)m->pgid;
    process->sid = (int)m->sid;
    process->is_zombie = process->is_exiting = m->is_zombie;
    process->has_execed = m->has_execed;
    process->is_vfork_done = m->is_vfork_done;
    process->exit_status = (int)m->exit_status;
    process->exit_signal = (int)m->exit_signal;
    process->exit_uid = m->exit_uid;
    atomic_store(&process->stop_signal, (int)m->stop_signal);
    process->has_stop_event = m->has_stop_event;
    process->has_continue_event = m->has_continue_event;
    process->is_undumpable = m->is_undumpable;
    process->is_subreaper = m->is_subreaper;
    process->oom_adjustment = m->oom_adjustment;
    process->oom_adjustment_min = m->oom_adjustment_min;
    process->sighand = load_ref(loader, "sighand", m->sighand, &sighand_type);
    process->alarm_deadline = load_time(loader, "alarm", m->alarm);
    process->alarm_interval = m->alarm_interval;
    process->start_time = load_time(loader, "start_time", m->start_time);
    usage_load(&process->usage, loader, "usage", m->usage);
    usage_load(&process->child_usage, loader, "child_usage", m->child_usage);
    limits_load(process, loader, m);
    lists_load(process, loader, m);
    int err = timers_load(process, loader, m->timers);
    if (err < 0)
        return err;
    return signal_queue_load(&process->pending, loader, "pending", m->pending, m->n_pending);
}

/* Reaped already, and held by the parent of a vfork that has not looked yet. */
static bool is_reaped(const struct process *process)
{
    const struct machine *machine = process->kernel->machine;

    return process->is_zombie && process->parent == NULL && machine != NULL &&
           process != machine->init;
}

/* Parents form no cycle, and tasks are of the process that lists them. */
static void check_tree(const struct process *process, struct loader *loader)
{
    const struct process *ancestor = process;
    const struct task *task;

    for (int depth = 0; ancestor->parent != NULL && depth < KERNEL_PID_MAX; depth++)
        ancestor = ancestor->parent;
    if (ancestor->parent != NULL)
        load_bad(loader, "children", "the parents form a cycle");
    TAILQ_FOREACH(task, &process->tasks, link) {
        if (task->process != process)
            load_bad(loader, "tasks", "task %d is another process'", task->tid);
    }
}

static void process_relink(struct process *process, struct loader *loader)
{
    if (is_reaped(process))
        return;
    check_tree(process, loader);
    if (process_find(process->kernel, process->pid) != NULL) {
        load_bad(loader, "pid", "%d is there twice", process->pid);
        return;
    }
    if (process_table_add(process->kernel, process) < 0) {
        load_bad(loader, "pid", "no memory");
        return;
    }
    process->is_linked = true;
    process->sighand->process_count++;
    if (process->alarm_deadline != NSEC_NEVER)
        timer_start(process->kernel->vfs.events, &process->alarm, process->alarm_deadline);
    timers_relink(process);
}

static uint64_t process_derived(const struct process *process)
{
    uint64_t parent = process->parent != NULL ? (uint64_t)process->parent->pid : 0;

    return (uint64_t)process->is_linked << 32 | parent << 8 | atomic_load(&process->live);
}
