/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open file descriptions. A file counts itself with its inode from creation, or from relink, to
 * fini (ops->open and close). One opened with O_PATH does not: it names a place and can do nothing.
 */
#include "vfs/file.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "core/base/host.h"
#include "vfs/dentry.h"
#include "vfs/epoll.h"
#include "vfs/mount.h"

DEFINE_OBJECT_TYPE(FILE, file, File, file);

static const struct file_ops no_file_ops = {0};

/* Does it count with its inode as one who writes, or runs it? */
static bool file_is_user(const struct file *file)
{
    return S_ISREG(inode_mode(file->inode)) &&
           (file_is_writable(file) || (file_flags(file) & FILE_RUN) != 0);
}

static int file_start(struct file *file, bool is_forced)
{
    bool is_usable = (file_flags(file) & O_PATH) == 0 && file->inode->file_ops != NULL;
    int err = 0;

    if (file_is_user(file))
        err = inode_begin_use(file->inode, !file_is_writable(file), is_forced);
    if (err < 0)
        return err;
    file->ops = is_usable ? file->inode->file_ops : &no_file_ops;
    if (file->ops->open != NULL)
        file->ops->open(file);
    file->is_open = true;
    return 0;
}

int file_create(struct inode *inode, const struct path *path, uint32_t flags, struct file **ret)
{
    struct file *file = object_alloc(&file_type.object);

    if (file == NULL)
        return -ENOMEM;
    file->inode = object_get(&inode->object);
    if (path != NULL) {
        file->path = *path;
        path_get(path);
    }
    atomic_store(&file->flags, flags & FILE_FLAGS);
    int err = file_start(file, false);
    if (err < 0) {
        object_put(&file->object);
        return err;
    }
    *ret = file;
    return 0;
}

void file_set_flags(struct file *file, uint32_t mask, uint32_t flags)
{
    mutex_lock(&file->lock);
    atomic_store(&file->flags, (file_flags(file) & ~mask) | (flags & mask));
    mutex_unlock(&file->lock);
}

bool file_is_readable(const struct file *file)
{
    uint32_t access = file_flags(file) & O_ACCMODE;

    return (file_flags(file) & O_PATH) == 0 && (access == O_RDONLY || access == O_RDWR);
}

bool file_is_writable(const struct file *file)
{
    uint32_t access = file_flags(file) & O_ACCMODE;

    return (file_flags(file) & O_PATH) == 0 && (access == O_WRONLY || access == O_RDWR);
}

bool file_is_nonblocking(const struct file *file)
{
    return (file_flags(file) & O_NONBLOCK) != 0;
}

uint32_t file_poll(struct file *file)
{
    if (file->ops->poll != NULL)
        return file->ops->poll(file);
    return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
}

/* The offset to which a seek by offset from a base leads. */
static int64_t seek_from(struct file *file, int64_t base, int64_t offset)
{
    int64_t position;

    if (__builtin_add_overflow(base, offset, &position))
        return -EINVAL;
    if (position < 0)
        return -EINVAL;
    file->position = (uint64_t)position;
    return position;
}

int64_t file_seek_regular(struct file *file, int64_t offset, int whence)
{
    struct stat stat;

    mutex_assert_held(&file->lock);
    if (whence == SEEK_SET)
        return seek_from(file, 0, offset);
    if (whence == SEEK_CUR)
        return seek_from(file, (int64_t)file->position, offset);
    int err = inode_getattr(file->inode, &stat);
    if (err < 0)
        return err;
    switch (whence) {
    case SEEK_END:
        return seek_from(file, stat.st_size, offset);
    case SEEK_DATA:
        return offset < 0 || offset >= stat.st_size ? -ENXIO : seek_from(file, 0, offset);
    case SEEK_HOLE:
        return offset < 0 || offset >= stat.st_size ? -ENXIO : seek_from(file, stat.st_size, 0);
    default:
        return -EINVAL;
    }
}

int64_t file_read_content(struct file *file, struct uio *uio, uint64_t *position)
{
    mutex_assert_held(&file->lock);
    uint64_t at = *position - file->content_start;
    if (*position < file->content_start || at >= file->content.size)
        return 0;
    int64_t moved = uio_copy_to(uio, file->content.data + at, file->content.size - at);
    if (moved > 0)
        *position += (uint64_t)moved;
    return moved;
}

int64_t file_wait_or_leave(struct wait_queue *queue, const struct file_wait *wait, int64_t result)
{
    if (wait == NULL)
        return result == WAIT_AGAIN ? -EAGAIN : result;
    if (result == WAIT_AGAIN)
        wait_add(queue, wait->entry, wait->waiter);
    else
        wait_remove(queue, wait->entry);
    return result;
}

int64_t file_read_nothing(struct file *file, struct uio *uio, uint64_t *position,
                          const struct file_wait *wait)
{
    (void)file;
    (void)uio;
    (void)position;
    (void)wait;
    return 0;
}

int64_t file_write_nowhere(struct file *file, struct uio *uio, uint64_t *position, size_t more,
                           const struct file_wait *wait)
{
    size_t size = uio_left(uio);

    (void)file;
    (void)position;
    (void)more;
    (void)wait;
    uio_advance(uio, size);
    return (int64_t)size;
}

static void file_init(struct file *file)
{
    mutex_init(&file->lock, LOCK_FILE);
    file_lock_owner_init(&file->locks);
    file->ops = &no_file_ops;
}

static void free_entries(struct file *file)
{
    for (size_t i = 0; i < file->entry_count; i++)
        host_free(file->entries[i].name);
    host_free(file->entries);
    file->entries = NULL;
    file->entry_count = 0;
}

static void file_fini(struct file *file)
{
    epoll_forget_file(file);
    file_lock_owner_fini(&file->locks);
    if (file->is_open && file->ops->close != NULL)
        file->ops->close(file);
    if (file->is_open && file_is_user(file))
        inode_end_use(file->inode, !file_is_writable(file));
    file->is_open = false;
    free_entries(file);
    bytes_fini(&file->content);
    path_put(&file->path);
    object_put((struct object *)file->inode);
    file->inode = NULL;
}

static int save_entries(const struct file *file, struct saver *saver, File *message)
{
    message->entries = (void *)save_messages(saver, &dir_entry__descriptor, file->entry_count);
    if (message->entries == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < file->entry_count; i++) {
        DirEntry *entry = message->entries[message->n_entries++];
        entry->name = save_string(saver, file->entries[i].name);
        entry->nr = file->entries[i].nr;
        entry->type = file->entries[i].type;
    }
    return 0;
}

static int file_save(const struct file *file, struct saver *saver, File *message)
{
    message->inode = save_ref(saver, &file->inode->object);
    message->mount = save_ref(saver, (const struct object *)file->path.mount);
    message->dentry = save_ref(saver, (const struct object *)file->path.dentry);
    message->flags = atomic_load(&file->flags);
    message->position = file->position;
    message->content.data = file->content.data;
    message->content.len = file->content.size;
    int err = file_lock_owner_save(&file->locks, saver, &message->locks, &message->n_locks);
    return err < 0 ? err : save_entries(file, saver, message);
}

static int load_entries(struct file *file, struct loader *loader, const File *message)
{
    if (message->n_entries == 0)
        return 0;
    file->entries = host_alloc(message->n_entries, sizeof(*file->entries));
    if (file->entries == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < message->n_entries; i++) {
        const DirEntry *entry = message->entries[i];
        struct dir_entry *to = &file->entries[file->entry_count++];
        if (entry->type > UINT8_MAX)
            load_bad(loader, "entries.type", "%" PRIu32 " is not possible", entry->type);
        to->nr = entry->nr;
        to->type = entry->type;
        to->name = load_string(loader, "entries.name", entry->name, NAME_MAX);
    }
    return 0;
}

static int file_load(struct file *file, struct loader *loader, const File *message)
{
    file->inode = load_ref_family(loader, "inode", message->inode, OBJECT_INODE);
    file->path.mount = load_ref_opt(loader, "mount", message->mount, &mount_type);
    file->path.dentry = load_ref_opt(loader, "dentry", message->dentry, &dentry_type);
    if (file->path.mount != NULL && file->path.dentry == NULL)
        load_bad(loader, "dentry", "is missing");
    if ((message->flags & ~(uint32_t)FILE_FLAGS) != 0)
        load_bad(loader, "flags", "%" PRIx32 " is not possible", message->flags);
    if (message->position > INT64_MAX)
        load_bad(loader, "position", "%" PRIu64 " is too large", message->position);
    atomic_store(&file->flags, message->flags);
    file->position = message->position;
    if (bytes_append(&file->content, message->content.data, message->content.len) < 0)
        return -ENOMEM;
    int err = file_lock_owner_load(&file->locks, loader, false, message->locks, message->n_locks);
    if (err < 0)
        return err;
    return load_entries(file, loader, message);
}

static void file_relink(struct file *file, struct loader *loader)
{
    (void)loader;
    file->is_open = true;
    (void)file_start(file, true);
    file_lock_owner_relink(&file->locks);
}

static uint64_t file_derived(const struct file *file)
{
    return file->is_open + file_lock_owner_derived(&file->locks);
}
