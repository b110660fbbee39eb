/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flock and fcntl's locks (flock(2), fcntl_locking(2)): one wait record. Who owns a lock follows
 * from its kind: the file, or the task's descriptor table. A descriptor that is closed by another
 * thread while its lock is set takes the lock along (EBADF), as it would have had it been earlier.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>

#include "core/syscall/lock_control.h"
#include "core/syscall/syscall_table.h"
#include "core/waits.h"

DEFINE_WAIT_TYPE(LOCK, lock, LockWait, lock);

/* What flock gives for LOCK_MAND, which is no lock any more. */
enum { FLOCK_MANDATORY = 32 };

static struct file_lock_owner *owner_of(struct task *task, struct file *file,
                                        enum file_lock_kind kind)
{
    return kind == FILE_LOCK_TABLE ? &task->files->locks : &file->locks;
}

/* Was the descriptor closed or changed while the lock was set? */
static bool is_closed(struct task *task, const struct lock_wait *record)
{
    struct file *file = files_get(task->files, record->fd);
    bool is_same = file == record->file;

    object_put((struct object *)file);
    return !is_same;
}

static int64_t lock_step(struct waiter *waiter, struct lock_wait *record)
{
    struct file_lock_request *request = &record->request;

    int64_t result = file_lock_set(request, record->is_waiting ? waiter : NULL);
    if (result != 0 || request->kind != FILE_LOCK_TABLE || !is_closed(task_of(waiter), record))
        return result;
    file_lock_release(request->owner, request->inode);
    return -EBADF;
}

static int64_t lock_cancel(struct waiter *waiter, struct lock_wait *record, int why)
{
    (void)waiter;
    file_lock_cancel(&record->request);
    return why;
}

static void lock_release(struct lock_wait *record)
{
    file_lock_cancel(&record->request);
    object_put((struct object *)record->file);
    record->file = NULL;
}

static void fill(struct lock_wait *record, struct task *task)
{
    record->request.owner = owner_of(task, record->file, record->request.kind);
    record->request.inode = record->file->inode;
    record->request.pid = task->process->pid;
}

static void lock_relink(struct waiter *waiter, struct lock_wait *record)
{
    fill(record, task_of(waiter));
    file_lock_relink(&record->request, waiter);
}

static int lock_wait_save(const struct lock_wait *record, struct saver *saver, LockWait *m)
{
    m->file = save_ref(saver, &record->file->object);
    m->fd = (uint32_t)record->fd;
    m->is_waiting = record->is_waiting;
    m->kind = record->request.kind;
    m->is_exclusive = record->request.is_exclusive;
    m->start = record->request.start;
    m->end = record->request.end;
    return save_wait_entry(saver, &record->request.entry, &m->entry);
}

static int lock_wait_load(struct lock_wait *record, struct loader *loader, const LockWait *m)
{
    record->file = load_ref(loader, "wait.lock.file", m->file, &file_type);
    record->fd = (int)m->fd;
    record->is_waiting = m->is_waiting;
    if (m->kind > FILE_LOCK_OPEN || m->fd > INT32_MAX)
        load_bad(loader, "wait.lock", "kind %" PRIu32 ", fd %" PRIu32 " is not possible", m->kind,
                 m->fd);
    if (m->start > m->end || m->end > INT64_MAX)
        load_bad(loader, "wait.lock.end", "%" PRIu64 " is not possible", m->end);
    record->request.kind = m->kind;
    record->request.is_exclusive = m->is_exclusive;
    record->request.start = m->start;
    record->request.end = m->end;
    load_wait_entry(loader, "wait.lock.entry", &record->request.entry, m->entry);
    return 0;
}

/* Takes the reference to file. What the request holds is of no owner yet. */
static int64_t set_lock(struct task *task, int fd, struct file *file, bool is_waiting,
                        const struct file_lock_request *request)
{
    struct lock_wait *record = wait_begin(&task->waiter, &lock_wait_type.ops);

    record->file = file;
    record->fd = fd;
    record->is_waiting = is_waiting;
    record->request = *request;
    fill(record, task);
    return wait_run(&task->waiter);
}

/* Takes the reference to file. */
static int64_t clear_lock(struct task *task, struct file *file, struct file_lock_request *request)
{
    request->owner = owner_of(task, file, request->kind);
    request->inode = file->inode;
    int err = file_lock_clear(request);
    object_put(&file->object);
    return err;
}

int64_t sys_flock(struct task *task, int fd, int operation)
{
    int type = operation & ~LOCK_NB;
    struct file_lock_request request = {
        .kind = FILE_LOCK_WHOLE, .is_exclusive = type == LOCK_EX, .end = INT64_MAX};

    if ((operation & FLOCK_MANDATORY) != 0)
        return 0;
    if (type != LOCK_SH && type != LOCK_EX && type != LOCK_UN)
        return -EINVAL;
    struct file *file = files_get_open(task->files, fd);
    if (file == NULL)
        return -EBADF;
    if (type == LOCK_UN)
        return clear_lock(task, file, &request);
    if (!file_is_readable(file) && !file_is_writable(file)) {
        object_put(&file->object);
        return -EBADF;
    }
    return set_lock(task, fd, file, (operation & LOCK_NB) == 0, &request);
}

/* --- fcntl --- */

static bool is_of_open_file(int command)
{
    return command == F_OFD_GETLK || command == F_OFD_SETLK || command == F_OFD_SETLKW;
}

/* From where l_start counts. */
static int64_t start_of(struct file *file, int whence)
{
    struct stat stat;
    int64_t start = 0;

    switch (whence) {
    case SEEK_SET:
        return 0;
    case SEEK_CUR:
        mutex_lock(&file->lock);
        start = (int64_t)file->position;
        mutex_unlock(&file->lock);
        return start;
    case SEEK_END:
        start = inode_getattr(file->inode, &stat);
        return start < 0 ? start : stat.st_size;
    default:
        return -EINVAL;
    }
}

/* The bytes that are meant: -EINVAL, -EOVERFLOW. */
static int decode_range(struct file *file, const struct flock *lock,
                        struct file_lock_request *request)
{
    int64_t start = start_of(file, lock->l_whence);
    int64_t end = INT64_MAX;

    if (start < 0)
        return (int)start;
    if (lock->l_start > INT64_MAX - start)
        return -EOVERFLOW;
    start += lock->l_start;
    if (start < 0)
        return -EINVAL;
    if (lock->l_len > 0 && lock->l_len - 1 > INT64_MAX - start)
        return -EOVERFLOW;
    if (lock->l_len > 0) {
        end = start + lock->l_len - 1;
    } else if (lock->l_len < 0) {
        if (start + lock->l_len < 0)
            return -EINVAL;
        end = start - 1;
        start += lock->l_len;
    }
    request->start = (uint64_t)start;
    request->end = (uint64_t)end;
    return 0;
}

static int decode(struct file *file, int command, const struct flock *lock,
                  struct file_lock_request *request)
{
    *request = (struct file_lock_request){.kind = is_of_open_file(command) ? FILE_LOCK_OPEN
                                                                           : FILE_LOCK_TABLE,
                                          .is_exclusive = lock->l_type == F_WRLCK};
    if (is_of_open_file(command) && lock->l_pid != 0)
        return -EINVAL;
    if (lock->l_type != F_RDLCK && lock->l_type != F_WRLCK && lock->l_type != F_UNLCK)
        return -EINVAL;
    return decode_range(file, lock, request);
}

static void describe(const struct file_lock_info *info, struct flock *ret)
{
    ret->l_type = info->is_exclusive ? F_WRLCK : F_RDLCK;
    ret->l_whence = SEEK_SET;
    ret->l_start = (int64_t)info->start;
    ret->l_len = info->end == INT64_MAX ? 0 : (int64_t)(info->end - info->start + 1);
    ret->l_pid = info->kind == FILE_LOCK_OPEN ? -1 : info->pid;
}

/* Takes the reference to file. */
static int64_t get_lock(struct task *task, struct file *file, struct file_lock_request *request,
                        struct flock *lock, guest_addr_t to)
{
    struct file_lock_info info;

    request->owner = owner_of(task, file, request->kind);
    request->inode = file->inode;
    bool is_found = lock->l_type != F_UNLCK && file_lock_find(request, &info);
    int err = lock->l_type == F_UNLCK ? -EINVAL : 0;
    object_put(&file->object);
    if (is_found)
        describe(&info, lock);
    else
        lock->l_type = F_UNLCK;
    return err < 0 ? err : user_copy_out(task->mm, to, lock, sizeof(*lock));
}

static int check_mode(const struct file *file, int type)
{
    if ((type == F_RDLCK && !file_is_readable(file)) ||
        (type == F_WRLCK && !file_is_writable(file)))
        return -EBADF;
    return 0;
}

int64_t lock_control(struct task *task, int fd, struct file *file, int command,
                     guest_addr_t argument)
{
    bool is_get = command == F_GETLK || command == F_OFD_GETLK;
    struct file_lock_request request;
    struct flock lock;
    int err = (file_flags(file) & O_PATH) != 0 ? -EBADF : 0;

    if (err == 0)
        err = user_copy_in(task->mm, &lock, argument, sizeof(lock));
    if (err == 0)
        err = decode(file, command, &lock, &request);
    if (err == 0 && !is_get)
        err = check_mode(file, lock.l_type);
    if (err < 0) {
        object_put(&file->object);
        return err;
    }
    if (is_get)
        return get_lock(task, file, &request, &lock, argument);
    if (lock.l_type == F_UNLCK)
        return clear_lock(task, file, &request);
    return set_lock(task, fd, file, command == F_SETLKW || command == F_OFD_SETLKW, &request);
}
