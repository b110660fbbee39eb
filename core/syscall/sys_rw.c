/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read, write and their kin, lseek.
 */
#include <errno.h>
#include <unistd.h>

#include "core/rw.h"
#include "core/syscall/syscall_table.h"

int64_t sys_read(struct task *task, int fd, guest_addr_t buffer, uint64_t size)
{
    return rw_run(task, fd, buffer, size, &(struct rw_mode){.is_write = false});
}

int64_t sys_write(struct task *task, int fd, guest_addr_t buffer, uint64_t size)
{
    return rw_run(task, fd, buffer, size, &(struct rw_mode){.is_write = true});
}

int64_t sys_readv(struct task *task, int fd, guest_addr_t ranges, int count)
{
    return rw_run_vector(task, fd, ranges, count, &(struct rw_mode){.is_write = false});
}

int64_t sys_writev(struct task *task, int fd, guest_addr_t ranges, int count)
{
    return rw_run_vector(task, fd, ranges, count, &(struct rw_mode){.is_write = true});
}

int64_t sys_pread64(struct task *task, int fd, guest_addr_t buffer, uint64_t size, int64_t position)
{
    const struct rw_mode mode = {.has_position = true, .position = position};

    return rw_run(task, fd, buffer, size, &mode);
}

int64_t sys_pwrite64(struct task *task, int fd, guest_addr_t buffer, uint64_t size,
                     int64_t position)
{
    const struct rw_mode mode = {.is_write = true, .has_position = true, .position = position};

    return rw_run(task, fd, buffer, size, &mode);
}

/* The high half of a position is for 32-bit machines. */
int64_t sys_preadv(struct task *task, int fd, guest_addr_t ranges, int count, int64_t position,
                   int64_t position_high)
{
    const struct rw_mode mode = {.has_position = true, .position = position};

    (void)position_high;
    return rw_run_vector(task, fd, ranges, count, &mode);
}

int64_t sys_pwritev(struct task *task, int fd, guest_addr_t ranges, int count, int64_t position,
                    int64_t position_high)
{
    const struct rw_mode mode = {.is_write = true, .has_position = true, .position = position};

    (void)position_high;
    return rw_run_vector(task, fd, ranges, count, &mode);
}

/* Position -1 is the file's own. */
int64_t sys_preadv2(struct task *task, int fd, guest_addr_t ranges, int count, int64_t position,
                    int64_t position_high, uint32_t flags)
{
    const struct rw_mode mode = {
        .has_position = position != -1, .position = position, .flags = flags};

    (void)position_high;
    return rw_run_vector(task, fd, ranges, count, &mode);
}

int64_t sys_pwritev2(struct task *task, int fd, guest_addr_t ranges, int count, int64_t position,
                     int64_t position_high, uint32_t flags)
{
    const struct rw_mode mode = {
        .is_write = true, .has_position = position != -1, .position = position, .flags = flags};

    (void)position_high;
    return rw_run_vector(task, fd, ranges, count, &mode);
}

int64_t sys_lseek(struct task *task, int fd, int64_t offset, int whence)
{
    struct file *file = files_get_open(task->files, fd);
    int64_t result;

    if (file == NULL)
        return -EBADF;
    if (whence < SEEK_SET || whence > SEEK_HOLE)
        result = -EINVAL;
    else if (file->ops->seek == NULL)
        result = -ESPIPE;
    else
        result = rw_seek(file, offset, whence);
    object_put(&file->object);
    return result;
}
