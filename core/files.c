/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptor tables. A slot holds a reference to its file; open_count is the number of slots in
 * use. Files that leave the table are put after the lock is dropped: their end may take other
 * locks. With a file that leaves, the table's record locks on its inode go, whatever other
 * descriptors of it there are. The table grows by doubling and never shrinks.
 */
#include "core/files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "core/base/host.h"

enum {
    FILES_SIZE_MIN = 64,
    FILES_SIZE_MAX = 1 << 20, /* /proc/sys/fs/nr_open */
};

DEFINE_OBJECT_TYPE(FILES, files, Files, files);

/* Makes room for descriptor fd. Under the lock, or while nobody else knows the table. */
static int files_grow(struct files *files, uint32_t fd)
{
    uint32_t size = files->size > FILES_SIZE_MIN ? files->size : FILES_SIZE_MIN;

    if (fd < files->size)
        return 0;
    if (fd >= FILES_SIZE_MAX)
        return -EMFILE;
    while (size <= fd)
        size *= 2;
    struct files_slot *slots = host_alloc(size, sizeof(*slots));
    if (slots == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < files->size; i++)
        slots[i] = files->slots[i];
    host_free(files->slots);
    files->slots = slots;
    files->size = size;
    return 0;
}

/* What is in slot fd, or NULL. Under the lock. */
static struct files_slot *files_slot(struct files *files, int fd)
{
    mutex_assert_held(&files->lock);
    if (fd < 0 || (uint32_t)fd >= files->size || files->slots[fd].file == NULL)
        return NULL;
    return &files->slots[fd];
}

/* Empties a slot in use; the caller puts the file once the lock is dropped. */
static struct file *files_take(struct files *files, struct files_slot *slot)
{
    struct file *file = slot->file;

    *slot = (struct files_slot){0};
    files->open_count--;
    if (slot - files->slots < files->free_from)
        files->free_from = (uint32_t)(slot - files->slots);
    return file;
}

/* Lets go of a file that has left the table. */
static void files_drop(struct files *files, struct file *file)
{
    if ((file_flags(file) & O_PATH) == 0)
        file_lock_release(&files->locks, file->inode);
    object_put(&file->object);
}

int files_create(struct files **ret)
{
    struct files *files = object_alloc(&files_type.object);

    if (files == NULL)
        return -ENOMEM;
    *ret = files;
    return 0;
}

/* Copies the slots of from into the new, unknown files. */
static int files_copy(struct files *files, const struct files *from)
{
    mutex_assert_held(&from->lock);
    if (from->size == 0)
        return 0;
    int err = files_grow(files, from->size - 1);
    if (err < 0)
        return err;
    for (uint32_t i = 0; i < from->size; i++) {
        files->slots[i] = from->slots[i];
        if (from->slots[i].file != NULL)
            (void)object_get(&from->slots[i].file->object);
    }
    files->open_count = from->open_count;
    return 0;
}

int files_fork(struct files *from, struct files **ret)
{
    struct files *files;

    int err = files_create(&files);
    if (err < 0)
        return err;
    mutex_lock(&from->lock);
    err = files_copy(files, from);
    mutex_unlock(&from->lock);
    if (err < 0) {
        object_put(&files->object);
        return err;
    }
    *ret = files;
    return 0;
}

struct file *files_get(struct files *files, int fd)
{
    struct file *file = NULL;

    mutex_lock(&files->lock);
    const struct files_slot *slot = files_slot(files, fd);
    if (slot != NULL)
        file = object_get(&slot->file->object);
    mutex_unlock(&files->lock);
    return file;
}

struct file *files_get_open(struct files *files, int fd)
{
    struct file *file = files_get(files, fd);

    if (file == NULL || (file_flags(file) & O_PATH) == 0)
        return file;
    object_put(&file->object);
    return NULL;
}

/* The lowest free number from from on; under the lock. */
static int files_find_free(struct files *files, int from, uint64_t limit)
{
    bool is_lowest = (uint32_t)from <= files->free_from;
    uint64_t fd = is_lowest ? files->free_from : (uint64_t)from;

    while (fd < files->size && files->slots[fd].file != NULL)
        fd++;
    if (is_lowest)
        files->free_from = (uint32_t)fd;
    if (fd >= limit)
        return -EMFILE;
    int err = files_grow(files, fd < FILES_SIZE_MAX ? (uint32_t)fd : FILES_SIZE_MAX);
    return err < 0 ? err : (int)fd;
}

int files_add(struct files *files, struct file *file, int from, bool is_cloexec, uint64_t limit)
{
    int fd = -EINVAL;

    mutex_lock(&files->lock);
    if (from >= 0 && (uint64_t)from < limit)
        fd = files_find_free(files, from, limit);
    if (fd >= 0) {
        files->slots[fd] = (struct files_slot){.file = file, .is_cloexec = is_cloexec};
        files->open_count++;
    }
    mutex_unlock(&files->lock);
    if (fd < 0)
        object_put(&file->object);
    return fd;
}

int files_set(struct files *files, int fd, struct file *file, bool is_cloexec, uint64_t limit)
{
    struct file *old = NULL;

    if (fd < 0 || (uint64_t)fd >= limit) {
        object_put(&file->object);
        return -EBADF;
    }
    mutex_lock(&files->lock);
    int err = files_grow(files, (uint32_t)fd);
    if (err == 0) {
        struct files_slot *slot = &files->slots[fd];
        old = slot->file;
        *slot = (struct files_slot){.file = file, .is_cloexec = is_cloexec};
        files->open_count += old == NULL;
    }
    mutex_unlock(&files->lock);
    if (err < 0)
        object_put(&file->object);
    else if (old != NULL)
        files_drop(files, old);
    return err < 0 ? err : fd;
}

int files_close(struct files *files, int fd)
{
    struct file *file = NULL;

    mutex_lock(&files->lock);
    struct files_slot *slot = files_slot(files, fd);
    if (slot != NULL)
        file = files_take(files, slot);
    mutex_unlock(&files->lock);
    if (file == NULL)
        return -EBADF;
    files_drop(files, file);
    return 0;
}

/* Takes the first file with a descriptor of *fd to last, of those to be closed by exec only if
 * on_exec; NULL: there is none. *fd is set behind it. */
static struct file *files_take_next(struct files *files, unsigned *fd, unsigned last, bool on_exec)
{
    struct file *file = NULL;

    mutex_lock(&files->lock);
    for (; file == NULL && *fd <= last && *fd < files->size; (*fd)++) {
        struct files_slot *slot = &files->slots[*fd];
        if (slot->file != NULL && (!on_exec || slot->is_cloexec))
            file = files_take(files, slot);
    }
    mutex_unlock(&files->lock);
    return file;
}

static void files_close_some(struct files *files, unsigned first, unsigned last, bool on_exec)
{
    struct file *file;

    while ((file = files_take_next(files, &first, last, on_exec)) != NULL)
        files_drop(files, file);
}

void files_close_range(struct files *files, unsigned first, unsigned last)
{
    files_close_some(files, first, last, false);
}

void files_close_on_exec(struct files *files)
{
    files_close_some(files, 0, FILES_SIZE_MAX, true);
}

uint32_t files_size(struct files *files)
{
    mutex_lock(&files->lock);
    uint32_t size = files->size > FILES_SIZE_MIN ? files->size : FILES_SIZE_MIN;
    mutex_unlock(&files->lock);
    return size;
}

int files_get_cloexec(struct files *files, int fd)
{
    mutex_lock(&files->lock);
    const struct files_slot *slot = files_slot(files, fd);
    int result = slot == NULL ? -EBADF : slot->is_cloexec;
    mutex_unlock(&files->lock);
    return result;
}

int files_set_cloexec(struct files *files, int fd, bool is_cloexec)
{
    mutex_lock(&files->lock);
    struct files_slot *slot = files_slot(files, fd);
    if (slot != NULL)
        slot->is_cloexec = is_cloexec;
    mutex_unlock(&files->lock);
    return slot == NULL ? -EBADF : 0;
}

void files_set_cloexec_range(struct files *files, unsigned first, unsigned last)
{
    mutex_lock(&files->lock);
    for (unsigned fd = first; fd <= last && fd < files->size; fd++)
        files->slots[fd].is_cloexec = files->slots[fd].file != NULL;
    mutex_unlock(&files->lock);
}

/* A reference to the first file with a descriptor from *fd on, which is set to it. */
static struct file *files_get_next(struct files *files, uint32_t *fd)
{
    struct file *file = NULL;

    mutex_lock(&files->lock);
    while (*fd < files->size && files->slots[*fd].file == NULL)
        (*fd)++;
    if (*fd < files->size)
        file = object_get(&files->slots[*fd].file->object);
    mutex_unlock(&files->lock);
    return file;
}

int files_list(struct files *files, int (*fn)(void *context, int fd, struct file *file),
               void *context)
{
    struct file *file;
    int result = 0;

    for (uint32_t fd = 0; result == 0; fd++) {
        file = files_get_next(files, &fd);
        if (file == NULL)
            break;
        result = fn(context, (int)fd, file);
        object_put(&file->object);
    }
    return result;
}

static void files_init(struct files *files)
{
    mutex_init(&files->lock, LOCK_FILES);
    file_lock_owner_init(&files->locks);
}

static void files_fini(struct files *files)
{
    file_lock_owner_fini(&files->locks);
    for (uint32_t i = 0; i < files->size; i++) {
        struct file *file = files->slots[i].file;
        files->slots[i].file = NULL;
        if (file != NULL)
            object_put(&file->object);
    }
    host_free(files->slots);
    files->slots = NULL;
    files->size = files->open_count = 0;
}

static int files_save(const struct files *files, struct saver *saver, Files *m)
{
    m->slots = save_messages(saver, &files_slot__descriptor, files->open_count);
    if (m->slots == NULL && files->open_count > 0)
        return -ENOMEM;
    for (uint32_t fd = 0; fd < files->size; fd++) {
        if (files->slots[fd].file == NULL)
            continue;
        FilesSlot *slot = m->slots[m->n_slots++];
        slot->fd = fd;
        slot->file = save_ref(saver, &files->slots[fd].file->object);
        slot->is_cloexec = files->slots[fd].is_cloexec;
    }
    return file_lock_owner_save(&files->locks, saver, &m->locks, &m->n_locks);
}

static int files_load(struct files *files, struct loader *loader, const Files *m)
{
    for (size_t i = 0; i < m->n_slots; i++) {
        const FilesSlot *slot = m->slots[i];
        if (slot->fd >= FILES_SIZE_MAX || (i > 0 && m->slots[i - 1]->fd >= slot->fd)) {
            load_bad(loader, "slots.fd", "%" PRIu32 " is too large or out of order", slot->fd);
            return 0;
        }
    }
    if (m->n_slots == 0)
        return 0;
    int err = files_grow(files, m->slots[m->n_slots - 1]->fd);
    if (err == 0)
        err = file_lock_owner_load(&files->locks, loader, true, m->locks, m->n_locks);
    if (err < 0)
        return err;
    for (size_t i = 0; i < m->n_slots; i++) {
        const FilesSlot *slot = m->slots[i];
        files->slots[slot->fd] = (struct files_slot){
            .file = load_ref(loader, "slots.file", slot->file, &file_type),
            .is_cloexec = slot->is_cloexec,
        };
    }
    return 0;
}

static void files_relink(struct files *files, struct loader *loader)
{
    (void)loader;
    for (uint32_t fd = 0; fd < files->size; fd++)
        files->open_count += files->slots[fd].file != NULL;
    file_lock_owner_relink(&files->locks);
}

static uint64_t files_derived(const struct files *files)
{
    return files->open_count + file_lock_owner_derived(&files->locks);
}
