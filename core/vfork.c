/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parent of a vfork waits in a record that only death ends, until the child has let go of the
 * memory that both use: it has made another program of itself, or ended.
 */
#include "core/clone.h"
#include "core/kernel.h"
#include "core/waits.h"

DEFINE_WAIT_TYPE(VFORK, vfork, VforkWait, vfork);

static int64_t vfork_step(struct waiter *waiter, struct vfork_wait *record)
{
    struct process *child = record->child;
    struct kernel *kernel = child->kernel;

    mutex_lock(&kernel->tasks_lock);
    bool is_done = child->is_vfork_done;
    if (is_done)
        wait_remove(&child->vfork_wait, &record->entry);
    else
        wait_add(&child->vfork_wait, &record->entry, waiter);
    mutex_unlock(&kernel->tasks_lock);
    return is_done ? record->pid : WAIT_AGAIN;
}

static int64_t vfork_cancel(struct waiter *waiter, struct vfork_wait *record, int why)
{
    (void)waiter;
    (void)why;
    wait_leave(&record->entry);
    return record->pid;
}

static void vfork_release(struct vfork_wait *record)
{
    wait_leave(&record->entry);
    object_put((struct object *)record->child);
    record->child = NULL;
}

static void vfork_relink(struct waiter *waiter, struct vfork_wait *record)
{
    wait_relink(&record->child->vfork_wait, &record->entry, waiter);
}

static int vfork_wait_save(const struct vfork_wait *record, struct saver *saver, VforkWait *m)
{
    m->child = save_ref(saver, &record->child->object);
    m->pid = record->pid;
    return save_wait_entry(saver, &record->entry, &m->entry);
}

static int vfork_wait_load(struct vfork_wait *record, struct loader *loader, const VforkWait *m)
{
    record->child = load_ref(loader, "wait.vfork.child", m->child, &process_type);
    record->pid = m->pid;
    load_wait_entry(loader, "wait.vfork.entry", &record->entry, m->entry);
    return 0;
}

int64_t vfork_wait_for(struct task *task, struct process *child)
{
    struct vfork_wait *record = wait_begin(&task->waiter, &vfork_wait_type.ops);

    record->base.is_killable = true;
    record->child = child;
    record->pid = child->pid;
    return wait_run(&task->waiter);
}
