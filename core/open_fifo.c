/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a FIFO: the call waits for somebody who opens the other side (fifo(7)). The file exists
 * meanwhile, so that it counts for those; a signal ends it, and the call is made again.
 * *Linux:* the descriptor is set aside before the wait, here it is taken behind it.
 */
#include "core/open_fifo.h"

#include "core/limit.h"
#include "vfs/pipe.h"

DEFINE_WAIT_TYPE(OPEN_FIFO, open_fifo, OpenFifoWait, open_fifo);

static int64_t open_fifo_step(struct waiter *waiter, struct open_fifo_wait *record)
{
    struct task *task = task_of(waiter);
    struct file *file = record->file;

    if (fifo_open_waits(file, &record->entry, waiter))
        return WAIT_AGAIN;
    record->file = NULL;
    return files_add(task->files, file, 0, record->is_cloexec, task_limit(task, RLIMIT_NOFILE));
}

static int64_t open_fifo_cancel(struct waiter *waiter, struct open_fifo_wait *record, int why)
{
    (void)waiter;
    wait_leave(&record->entry);
    return why;
}

static void open_fifo_release(struct open_fifo_wait *record)
{
    wait_leave(&record->entry); /* that of a sandbox that ends */
    if (record->file != NULL)
        object_put(&record->file->object);
    record->file = NULL;
}

static void open_fifo_relink(struct waiter *waiter, struct open_fifo_wait *record)
{
    struct wait_queue *queue = fifo_open_queue(record->file);

    if (queue != NULL)
        wait_relink(queue, &record->entry, waiter);
    else
        record->entry.state = WAIT_IDLE; /* a hostile image */
}

static int open_fifo_wait_save(const struct open_fifo_wait *record, struct saver *saver,
                               OpenFifoWait *m)
{
    m->file = save_ref(saver, &record->file->object);
    m->is_cloexec = record->is_cloexec;
    return save_wait_entry(saver, &record->entry, &m->entry);
}

static int open_fifo_wait_load(struct open_fifo_wait *record, struct loader *loader,
                               const OpenFifoWait *m)
{
    record->file = load_ref(loader, "wait.open_fifo.file", m->file, &file_type);
    record->is_cloexec = m->is_cloexec;
    load_wait_entry(loader, "wait.open_fifo.entry", &record->entry, m->entry);
    return 0;
}

int64_t open_finish(struct task *task, struct file *file, bool is_cloexec)
{
    if (fifo_open_queue(file) == NULL)
        return files_add(task->files, file, 0, is_cloexec, task_limit(task, RLIMIT_NOFILE));
    struct open_fifo_wait *record = wait_begin(&task->waiter, &open_fifo_wait_type.ops);
    record->file = file;
    record->is_cloexec = is_cloexec;
    return wait_run(&task->waiter);
}
