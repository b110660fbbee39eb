/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open directories. All names are read into the file when position is 0 and it is read; position
 * counts those given since, so seeking back to any of them gives the same again, and a restored
 * listing goes on where it was. Rewinding reads anew.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "core/base/host.h"
#include "vfs/dentry.h"
#include "vfs/file.h"
#include "vfs/mount.h"

enum { ENTRIES_MIN = 32 };

/* struct linux_dirent64, without the name. */
struct dirent_head {
    uint64_t nr;
    int64_t next;
    uint16_t size;
    uint8_t type;
    char name[];
} __attribute__((packed));

/* Names read so far. */
struct listing {
    struct dir_entry *entries;
    size_t count, capacity;
};

static void listing_free(struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++)
        host_free(listing->entries[i].name);
    host_free(listing->entries);
}

static int listing_grow(struct listing *listing)
{
    size_t capacity = listing->capacity == 0 ? ENTRIES_MIN : listing->capacity * 2;
    struct dir_entry *entries = host_alloc(capacity, sizeof(*entries));

    if (entries == NULL)
        return -ENOMEM;
    if (listing->count > 0)
        memcpy(entries, listing->entries, listing->count * sizeof(*entries));
    host_free(listing->entries);
    listing->entries = entries;
    listing->capacity = capacity;
    return 0;
}

static int listing_add(void *context, const char *name, uint64_t nr, unsigned type)
{
    struct listing *listing = context;
    int err = listing->count < listing->capacity ? 0 : listing_grow(listing);

    if (err < 0)
        return err;
    struct dir_entry *entry = &listing->entries[listing->count];
    entry->name = host_strdup(name);
    if (entry->name == NULL)
        return -ENOMEM;
    entry->nr = nr;
    entry->type = type;
    listing->count++;
    return 0;
}

static uint64_t inode_nr(struct inode *inode)
{
    mutex_lock(&inode->lock);
    uint64_t nr = inode->attr.nr;
    mutex_unlock(&inode->lock);
    return nr;
}

static uint64_t parent_nr(const struct file *file)
{
    struct path path = file->path;

    if (path.dentry == NULL)
        return inode_nr(file->inode);
    path_get(&path);
    while (mount_cross_up(&path))
        ;
    struct dentry *parent = dentry_parent(path.dentry);
    uint64_t nr = inode_nr(parent != NULL ? parent->inode : file->inode);
    object_put((struct object *)parent);
    path_put(&path);
    return nr;
}

static int list_names(struct inode *dir, struct listing *listing)
{
    if (dir->ops->names_lock != NULL)
        mutex_lock(dir->ops->names_lock);
    int err = dir->ops->list(dir, listing_add, listing);
    if (dir->ops->names_lock != NULL)
        mutex_unlock(dir->ops->names_lock);
    return err;
}

static int read_names(struct file *file)
{
    struct listing listing = {0};

    int err = listing_add(&listing, ".", inode_nr(file->inode), DT_DIR);
    if (err == 0)
        err = listing_add(&listing, "..", parent_nr(file), DT_DIR);
    if (err == 0)
        err = list_names(file->inode, &listing);
    if (err < 0) {
        listing_free(&listing);
        return err;
    }
    listing_free(&(struct listing){.entries = file->entries, .count = file->entry_count});
    file->entries = listing.entries;
    file->entry_count = listing.count;
    return 0;
}

/* Returns the bytes of the entry, or 0 if it does not fit. */
static size_t put_entry(const struct file *file, char *to, size_t room)
{
    const struct dir_entry *entry = &file->entries[file->position];
    size_t name_size = strlen(entry->name) + 1;
    size_t size = (offsetof(struct dirent_head, name) + name_size + 7) & ~(size_t)7;
    const struct dirent_head head = {.nr = entry->nr,
                                     .next = (int64_t)file->position + 1,
                                     .size = (uint16_t)size,
                                     .type = (uint8_t)entry->type};

    if (size > room)
        return 0;
    memset(to, 0, size);
    memcpy(to, &head, sizeof(head));
    memcpy(to + sizeof(head), entry->name, name_size);
    return size;
}

/* Was the directory removed? */
static bool is_gone(const struct file *file)
{
    names_lock();
    bool is_unlinked = file->path.dentry != NULL && file->path.dentry->is_unlinked;
    names_unlock();
    return is_unlinked;
}

static int64_t getdents_locked(struct file *file, char *to, size_t size)
{
    size_t done = 0;
    int err = is_gone(file) ? -ENOENT : 0;

    if (err == 0 && file->position == 0)
        err = read_names(file);
    if (err < 0)
        return err;
    while (file->position < file->entry_count) {
        size_t part = put_entry(file, to + done, size - done);
        if (part == 0)
            return done > 0 ? (int64_t)done : -EINVAL;
        done += part;
        file->position++;
    }
    return (int64_t)done;
}

int64_t file_getdents(struct file *file, void *to, size_t size)
{
    if (!S_ISDIR(inode_mode(file->inode)) || file->inode->ops->list == NULL)
        return -ENOTDIR;
    mutex_lock(&file->lock);
    int64_t done = getdents_locked(file, to, size);
    mutex_unlock(&file->lock);
    return done;
}

static int64_t directory_read(struct file *file, struct uio *uio, uint64_t *position,
                              const struct file_wait *wait)
{
    (void)file;
    (void)uio;
    (void)position;
    (void)wait;
    return -EISDIR;
}

static int64_t directory_seek(struct file *file, int64_t offset, int whence)
{
    int64_t base = whence == SEEK_CUR ? (int64_t)file->position : 0;

    mutex_assert_held(&file->lock);
    if ((whence != SEEK_SET && whence != SEEK_CUR) ||
        __builtin_add_overflow(base, offset, &offset) || offset < 0)
        return -EINVAL;
    file->position = (uint64_t)offset;
    return offset;
}

static int directory_sync(struct file *file)
{
    (void)file;
    return 0;
}

const struct file_ops directory_file_ops = {
    .read = directory_read,
    .seek = directory_seek,
    .sync = directory_sync,
};
