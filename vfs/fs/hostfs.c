/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of the host behind the descriptors that were donated. What an inode is on the host is saved
 * by root, path and identity, and found again at a restore: files open for reading must have the
 * same size and modification time, files open for writing must be the same inode, all else must be
 * of the same type. All that does not fit is reported, file by file. A file whose name is gone, or
 * stands for another one, goes into the image with its content (a ghost) and comes back as memory
 * without a name.
 */
#include "vfs/fs/hostfs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "core/base/host.h"
#include "vfs/dentry.h"

DEFINE_OBJECT_TYPE(HOSTFS_INODE, hostfs_inode, HostfsInode, hostfs_inode, .family = OBJECT_INODE);

enum { GHOST_PIECE = 1 << 20 };

/* What an object of an image can hold, whatever the limit. */
static const uint64_t ghost_max = UINT64_C(120) << 20;

static enum hostfs_access access_of_flags(int flags)
{
    if ((flags & O_PATH) != 0)
        return HOSTFS_PATH;
    return (flags & O_ACCMODE) == O_RDWR ? HOSTFS_WRITE : HOSTFS_READ;
}

int hostfs_create(const struct host_root *root, struct inode **ret)
{
    int flags = host_fcntl_getfl(root->fd);

    if (flags < 0)
        return flags;
    int fd = host_dup(root->fd);
    if (fd < 0)
        return fd;
    return hostfs_inode_get(root, host_strdup(""), fd, access_of_flags(flags), 0, ret);
}

static void hostfs_inode_init(struct hostfs_inode *hostfs)
{
    inode_init(&hostfs->inode, &hostfs_inode_ops, NULL);
    mapping_init(&hostfs->mapping);
    hostfs->fd = -1;
}

static void hostfs_inode_fini(struct hostfs_inode *hostfs)
{
    hostfs_table_remove(hostfs);
    mapping_fini(&hostfs->mapping);
    bytes_fini(&hostfs->ghost);
    host_free(hostfs->path);
    hostfs->path = NULL;
    if (hostfs->fd >= 0)
        (void)host_close(hostfs->fd);
    hostfs->fd = -1;
    inode_fini(&hostfs->inode);
}

/* Does the name still stand for the file? */
static int is_at_its_name(const struct hostfs_inode *hostfs, bool *ret)
{
    struct stat stat;

    *ret = true;
    if (hostfs->path[0] == '\0')
        return 0;
    int fd = host_open_beneath(hostfs->root->fd, hostfs->path, O_PATH | O_NOFOLLOW, 0);
    if (fd < 0) {
        *ret = false;
        return fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP ? 0 : fd;
    }
    int err = host_fstat(fd, &stat);
    (void)host_close(fd);
    *ret = stat.st_dev == hostfs->host_dev && stat.st_ino == hostfs->host_nr;
    return err;
}

static int reserve_pieces(struct saver *saver, HostfsInode *message, uint64_t size)
{
    size_t count = (size + GHOST_PIECE - 1) / GHOST_PIECE;

    message->ghost = save_alloc(saver, count, sizeof(*message->ghost));
    return message->ghost == NULL && count > 0 ? -ENOMEM : 0;
}

/* Appends a piece of size bytes, to be filled. */
static int add_piece(struct saver *saver, HostfsInode *message, size_t size)
{
    ProtobufCBinaryData *piece = &message->ghost[message->n_ghost];

    piece->data = save_alloc(saver, size, 1);
    if (piece->data == NULL)
        return -ENOMEM;
    piece->len = size;
    message->n_ghost++;
    return 0;
}

static int save_content(const struct hostfs_inode *hostfs, struct saver *saver, uint64_t size,
                        HostfsInode *message)
{
    int err = reserve_pieces(saver, message, size);

    for (uint64_t done = 0; err == 0 && done < size; done += GHOST_PIECE) {
        size_t part = size - done < GHOST_PIECE ? (size_t)(size - done) : GHOST_PIECE;
        err = add_piece(saver, message, part);
        if (err == 0)
            err = host_pread_all(hostfs->fd, message->ghost[message->n_ghost - 1].data, part, done);
    }
    return err;
}

/* A file without its name: what is left of it goes into the image. */
static int save_deleted(const struct hostfs_inode *hostfs, struct saver *saver,
                        const struct stat *stat, HostfsInode *message)
{
    const struct vfs_context *context = saver_context(saver);
    uint64_t size = (uint64_t)stat->st_size;

    message->is_ghost = true;
    message->attr->nlink = 0;
    if (!S_ISREG(stat->st_mode) || hostfs->access == HOSTFS_PATH)
        return 0;
    if (size > context->ghost_limit || size > ghost_max)
        return save_fail(saver, -EFBIG,
                         "%s: %s was deleted but is in use; its %" PRIu64
                         " bytes are more than the ghost limit",
                         hostfs->root->name, hostfs->path, size);
    int err = save_content(hostfs, saver, size, message);
    if (err < 0 && err != -ENOMEM)
        return save_fail(saver, err, "%s: %s was deleted and cannot be read", hostfs->root->name,
                         hostfs->path);
    return err;
}

/* A ghost of an earlier image: the content as it came, or the pages. */
static int save_ghost(const struct hostfs_inode *hostfs, struct saver *saver, HostfsInode *message)
{
    int err = reserve_pieces(saver, message, hostfs->ghost.size);

    message->is_ghost = true;
    for (size_t done = 0; err == 0 && done < hostfs->ghost.size; done += GHOST_PIECE) {
        size_t left = hostfs->ghost.size - done;
        err = add_piece(saver, message, left < GHOST_PIECE ? left : GHOST_PIECE);
        if (err == 0)
            memcpy(message->ghost[message->n_ghost - 1].data, hostfs->ghost.data + done,
                   message->ghost[message->n_ghost - 1].len);
    }
    if (err == 0 && hostfs->mapping.size > 0)
        err = mapping_save(&hostfs->mapping, saver, &message->mapping);
    return err;
}

static int save_identity(const struct hostfs_inode *hostfs, struct saver *saver,
                         HostfsInode *message)
{
    struct stat stat;
    bool is_there = true;

    int err = host_fstat(hostfs->fd, &stat);
    if (err == 0)
        err = is_at_its_name(hostfs, &is_there);
    if (err < 0)
        return save_fail(saver, err, "%s: %s cannot be looked at", hostfs->root->name,
                         hostfs->path);
    message->host_nr = hostfs->host_nr;
    message->size = (uint64_t)stat.st_size;
    message->mtime_ns = stat.st_mtim.tv_sec * NSEC_PER_SEC + stat.st_mtim.tv_nsec;
    message->access = hostfs->access;
    return is_there ? 0 : save_deleted(hostfs, saver, &stat, message);
}

static int hostfs_inode_save(const struct hostfs_inode *hostfs, struct saver *saver,
                             HostfsInode *message)
{
    int err = inode_save_attr(&hostfs->inode, saver, &message->attr);

    if (err < 0)
        return err;
    message->root = save_string(saver, hostfs->root->name);
    message->path = save_string(saver, hostfs->path);
    if (!hostfs->is_ghost)
        return save_identity(hostfs, saver, message);
    message->host_nr = hostfs->host_nr;
    message->access = hostfs->access;
    return save_ghost(hostfs, saver, message);
}

static int load_ghost(struct hostfs_inode *hostfs, struct loader *loader,
                      const HostfsInode *message)
{
    for (size_t i = 0; i < message->n_ghost; i++) {
        int err = bytes_append(&hostfs->ghost, message->ghost[i].data, message->ghost[i].len);
        if (err < 0)
            return err;
    }
    return mapping_load(&hostfs->mapping, loader, message->mapping);
}

/* One that does not fit: fatal, or worth a note. */
static void differ(const struct hostfs_inode *hostfs, struct loader *loader, bool is_fatal,
                   const char *field, uint64_t is, uint64_t was)
{
    const struct vfs_context *context = loader_context(loader);

    if (is == was)
        return;
    if (is_fatal || context->is_strict)
        load_bad(loader, field, "%s: %s: is %" PRIu64 ", was %" PRIu64, hostfs->root->name,
                 hostfs->path, is, was);
    else
        load_note(loader, field, "%s: %s: is %" PRIu64 ", was %" PRIu64, hostfs->root->name,
                  hostfs->path, is, was);
}

static void compare(const struct hostfs_inode *hostfs, struct loader *loader,
                    const struct stat *stat, const HostfsInode *message)
{
    bool is_read = message->access == HOSTFS_READ;
    uint64_t mtime = (uint64_t)(stat->st_mtim.tv_sec * NSEC_PER_SEC + stat->st_mtim.tv_nsec);

    if ((stat->st_mode ^ hostfs->inode.attr.mode) & S_IFMT) {
        load_bad(loader, "attr.mode", "%s: %s: is of another type now", hostfs->root->name,
                 hostfs->path);
        return;
    }
    if (!S_ISREG(stat->st_mode) || message->access == HOSTFS_PATH)
        return;
    differ(hostfs, loader, !is_read, "host_nr", stat->st_ino, message->host_nr);
    differ(hostfs, loader, is_read, "size", (uint64_t)stat->st_size, message->size);
    differ(hostfs, loader, is_read, "mtime_ns", mtime, (uint64_t)message->mtime_ns);
}

/* Opens the file again as it was open, and sees whether it is the same. */
static int find_again(struct hostfs_inode *hostfs, struct loader *loader,
                      const HostfsInode *message)
{
    struct stat stat;
    int fd = hostfs->path[0] == '\0'
                 ? host_dup(hostfs->root->fd)
                 : host_open_beneath(hostfs->root->fd, hostfs->path, O_PATH | O_NOFOLLOW, 0);

    if (fd < 0) {
        load_bad(loader, "path", "%s: %s: cannot be found: %s", hostfs->root->name, hostfs->path,
                 strerror(-fd));
        return 0;
    }
    hostfs->fd = fd;
    int err = host_fstat(fd, &stat);
    if (err == 0)
        err = hostfs_is_refused(fd, &hostfs->is_refused);
    if (err < 0)
        return err;
    hostfs->host_dev = stat.st_dev;
    hostfs->host_nr = stat.st_ino;
    hostfs_set_ops(hostfs);
    compare(hostfs, loader, &stat, message);
    hostfs_table_add(hostfs);
    if (message->access == HOSTFS_PATH || !S_ISREG(stat.st_mode))
        return 0;
    err = hostfs_grow_access(hostfs, message->access);
    if (err < 0 && err != -ENOMEM)
        load_bad(loader, "access", "%s: %s: cannot be opened: %s", hostfs->root->name, hostfs->path,
                 strerror(-err));
    return err == -ENOMEM ? err : 0;
}

/* Components that a directory may hold, between single slashes; or nothing. */
static bool is_possible_path(const char *path)
{
    char name[NAME_MAX + 1];
    size_t size;

    if (path[0] == '\0')
        return true;
    for (;; path += size + 1) {
        size = strcspn(path, "/");
        if (size > NAME_MAX)
            return false;
        memcpy(name, path, size);
        name[size] = '\0';
        if (!name_is_possible(name))
            return false;
        if (path[size] == '\0')
            return true;
    }
}

static int hostfs_inode_load(struct hostfs_inode *hostfs, struct loader *loader,
                             const HostfsInode *message)
{
    inode_load_attr(&hostfs->inode, loader, message->attr);
    hostfs->host_nr = message->host_nr;
    hostfs->is_ghost = message->is_ghost;
    hostfs->path = host_strdup(message->path);
    if (hostfs->path == NULL)
        return -ENOMEM;
    hostfs->root = vfs_host_root(loader_context(loader), message->root);
    if (hostfs->root == NULL)
        load_bad(loader, "root", "nothing is donated for %s", message->root);
    if (!is_possible_path(message->path))
        load_bad(loader, "path", "%s is not possible", message->path);
    else if (message->access > HOSTFS_WRITE)
        load_bad(loader, "access", "%" PRIu32 " is unknown", message->access);
    else if (hostfs->root != NULL && !hostfs->is_ghost)
        return find_again(hostfs, loader, message);
    hostfs->access = message->access;
    hostfs_set_ops(hostfs);
    return hostfs->is_ghost ? load_ghost(hostfs, loader, message) : 0;
}

/* Nothing refers to others: it was found when it was loaded. */
static void hostfs_inode_relink(struct hostfs_inode *hostfs, struct loader *loader)
{
    (void)hostfs;
    (void)loader;
}

static uint64_t hostfs_inode_derived(const struct hostfs_inode *hostfs)
{
    return hostfs->is_ghost || hostfs->fd >= 0;
}
