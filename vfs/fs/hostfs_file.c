/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Content and attributes of host files. A file is opened for input and output when that is first
 * needed, by name below its root, and must then be the file that the name stood for when it was
 * looked up (-ESTALE: namei looks again): a descriptor that only holds it cannot be reopened
 * without /proc. The new descriptor takes the number of the old one, so whoever uses fd needs no
 * lock. Devices, FIFOs and sockets of the host are names only: a name that turns into one between
 * look-up and opening is opened without waiting, and let go.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "core/base/host.h"
#include "vfs/fs/hostfs.h"
#include "vfs/fs/tmpfs.h"

struct hostfs_inode *hostfs_of(struct inode *inode)
{
    return inode->object.type == &hostfs_inode_type.object ? (struct hostfs_inode *)inode : NULL;
}

/* A descriptor of the file at path that may do access. */
static int open_at(const struct hostfs_inode *hostfs, const char *path, enum hostfs_access access)
{
    int flags = access == HOSTFS_WRITE ? O_RDWR : O_RDONLY;

    if (path[0] == '\0') /* a file that was donated is open as it may be used */
        return host_dup(hostfs->root->fd);
    return host_open_beneath(hostfs->root->fd, path,
                             flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_LARGEFILE, 0);
}

/* Under inode.lock. */
static int reopen(struct hostfs_inode *hostfs, enum hostfs_access access)
{
    struct stat stat;
    char *path = hostfs_path(hostfs);

    if (path == NULL)
        return -ENOMEM;
    int fd = open_at(hostfs, path, access);
    host_free(path);
    if (fd < 0)
        return fd;
    int err = host_fstat(fd, &stat);
    if (err == 0 && (!S_ISREG(stat.st_mode) || stat.st_dev != hostfs->host_dev ||
                     stat.st_ino != hostfs->host_nr))
        err = -ESTALE;
    if (err < 0) {
        (void)host_close(fd);
        return err;
    }
    err = host_move(fd, hostfs->fd);
    if (err == 0)
        hostfs->access = access;
    return err;
}

/* Under inode.lock. */
static int grow_access(struct hostfs_inode *hostfs, enum hostfs_access access)
{
    if (hostfs->is_refused && access > HOSTFS_PATH)
        return -EACCES;
    if (hostfs->access >= access)
        return 0;
    if (access == HOSTFS_WRITE && !hostfs->root->is_writable)
        return -EROFS;
    return reopen(hostfs, access);
}

int hostfs_grow_access(struct hostfs_inode *hostfs, enum hostfs_access access)
{
    mutex_lock(&hostfs->inode.lock);
    int err = grow_access(hostfs, access);
    mutex_unlock(&hostfs->inode.lock);
    return err;
}

/* The content of a ghost goes to its pages when it is first used: only then is the memory of a
 * restored sandbox known. */
static int use_ghost(struct hostfs_inode *hostfs)
{
    int err = 0;

    mutex_lock(&hostfs->inode.lock);
    if (hostfs->ghost.size > 0) {
        err = mapping_write_kernel(&hostfs->mapping, hostfs->ghost.data, hostfs->ghost.size, 0);
        if (err == 0)
            bytes_fini(&hostfs->ghost);
    }
    mutex_unlock(&hostfs->inode.lock);
    return err;
}

int64_t hostfs_read_inode(struct inode *inode, struct uio *uio, uint64_t offset)
{
    struct hostfs_inode *hostfs = hostfs_of(inode);
    struct iovec iov[UIO_SEGMENTS];

    int err = hostfs->is_ghost ? use_ghost(hostfs) : hostfs_grow_access(hostfs, HOSTFS_READ);
    if (err < 0)
        return err;
    if (hostfs->is_ghost)
        return mapping_read(&hostfs->mapping, uio, offset);
    int64_t done = host_preadv(hostfs->fd, iov, uio_iovecs(uio, iov), offset);
    if (done > 0)
        uio_advance(uio, (size_t)done);
    return done;
}

static int64_t hostfs_read(struct file *file, struct uio *uio, uint64_t *position,
                           const struct file_wait *wait)
{
    int64_t done = hostfs_read_inode(file->inode, uio, *position);

    (void)wait;
    if (done > 0)
        *position += (uint64_t)done;
    return done;
}

static uint64_t host_size(const struct hostfs_inode *hostfs)
{
    struct stat stat;

    return host_fstat(hostfs->fd, &stat) < 0 ? 0 : (uint64_t)stat.st_size;
}

static int64_t write_host(struct hostfs_inode *hostfs, bool is_append, struct uio *uio,
                          uint64_t *position)
{
    struct iovec iov[UIO_SEGMENTS];
    int count = uio_iovecs(uio, iov);

    int64_t done = is_append ? host_append(hostfs->fd, iov, count)
                             : host_pwritev(hostfs->fd, iov, count, *position);
    if (done <= 0)
        return done;
    uio_advance(uio, (size_t)done);
    *position = is_append ? host_size(hostfs) : *position + (uint64_t)done;
    return done;
}

static int64_t hostfs_write(struct file *file, struct uio *uio, uint64_t *position, size_t more,
                            const struct file_wait *wait)
{
    struct hostfs_inode *hostfs = hostfs_of(file->inode);

    (void)more;
    (void)wait;
    int err = hostfs->is_ghost ? use_ghost(hostfs) : hostfs_grow_access(hostfs, HOSTFS_WRITE);
    if (err < 0)
        return err;
    if (hostfs->is_ghost)
        return memory_write(file, &hostfs->mapping, uio, position);
    return write_host(hostfs, (file_flags(file) & O_APPEND) != 0, uio, position);
}

int64_t hostfs_next(struct inode *inode, int64_t offset, int whence)
{
    struct hostfs_inode *hostfs = hostfs_of(inode);

    if (offset < 0)
        return -ENXIO;
    int err = hostfs->is_ghost ? use_ghost(hostfs) : hostfs_grow_access(hostfs, HOSTFS_READ);
    if (err < 0)
        return err;
    if (hostfs->is_ghost)
        return mapping_next(&hostfs->mapping, (uint64_t)offset, whence == SEEK_DATA);
    return host_lseek(hostfs->fd, offset, whence);
}

static int64_t hostfs_seek(struct file *file, int64_t offset, int whence)
{
    if (whence != SEEK_DATA && whence != SEEK_HOLE)
        return file_seek_regular(file, offset, whence);
    int64_t position = hostfs_next(file->inode, offset, whence);
    if (position >= 0)
        file->position = (uint64_t)position;
    return position;
}

static int hostfs_sync(struct file *file)
{
    struct hostfs_inode *hostfs = hostfs_of(file->inode);

    if (hostfs->is_ghost)
        return 0;
    int err = hostfs_grow_access(hostfs, HOSTFS_READ);
    return err < 0 ? err : host_fsync(hostfs->fd);
}

static int hostfs_fallocate(struct file *file, int mode, uint64_t offset, uint64_t size)
{
    struct hostfs_inode *hostfs = hostfs_of(file->inode);

    int err = hostfs->is_ghost ? use_ghost(hostfs) : hostfs_grow_access(hostfs, HOSTFS_WRITE);
    if (err < 0)
        return err;
    if (hostfs->is_ghost)
        return memory_fallocate(&hostfs->mapping, mode, offset, size);
    return host_fallocate(hostfs->fd, mode, offset, size);
}

const struct file_ops hostfs_file_ops = {
    .read = hostfs_read,
    .write = hostfs_write,
    .seek = hostfs_seek,
    .sync = hostfs_sync,
    .fallocate = hostfs_fallocate,
};

static int hostfs_readlink(struct inode *inode, struct bytes *ret)
{
    struct hostfs_inode *hostfs = hostfs_of(inode);
    char target[PATH_MAX];

    if (hostfs->is_ghost)
        return -ENOENT;
    ptrdiff_t size = host_readlinkat(hostfs->fd, "", target, sizeof(target));
    return size < 0 ? (int)size : bytes_append(ret, target, (size_t)size);
}

static int hostfs_getattr(struct inode *inode, struct stat *ret)
{
    struct hostfs_inode *hostfs = hostfs_of(inode);

    if (hostfs->is_ghost) {
        int err = use_ghost(hostfs);
        if (err < 0)
            return err;
        inode_stat_attr(inode, ret);
        if (S_ISREG(ret->st_mode))
            memory_stat(&hostfs->mapping, ret);
        return 0;
    }
    int err = host_fstat(hostfs->fd, ret);
    if (err < 0)
        return err;
    hostfs_set_attr(hostfs, ret);
    ret->st_dev = inode->dev;
    ret->st_ino = inode->attr.nr;
    return 0;
}

static int set_host_mode(struct hostfs_inode *hostfs, uint32_t mode)
{
    uint32_t type = inode_mode(&hostfs->inode) & S_IFMT;
    int fd = hostfs->fd, err = 0;

    if (type == S_IFDIR)
        fd = host_open_beneath(hostfs->fd, "", O_RDONLY | O_DIRECTORY, 0);
    else if (type == S_IFREG)
        err = hostfs_grow_access(hostfs, HOSTFS_READ);
    else
        err = -EOPNOTSUPP;
    if (fd < 0 || err < 0)
        return fd < 0 ? fd : err;
    err = host_fchmod(fd, mode & 07777);
    if (fd != hostfs->fd)
        (void)host_close(fd);
    return err;
}

static int set_host_owner(struct hostfs_inode *hostfs, const struct attr_change *change)
{
    uid_t uid = (change->set & ATTR_UID) != 0 ? change->uid : (uid_t)-1;
    gid_t gid = (change->set & ATTR_GID) != 0 ? change->gid : (gid_t)-1;

    return host_fchown(hostfs->fd, uid, gid);
}

static struct timespec time_to_set(bool is_set, int64_t ns)
{
    if (!is_set)
        return (struct timespec){.tv_nsec = UTIME_OMIT};
    int64_t seconds = ns / NSEC_PER_SEC - (ns % NSEC_PER_SEC < 0);
    return (struct timespec){.tv_sec = seconds, .tv_nsec = ns - seconds * NSEC_PER_SEC};
}

static int set_host_times(struct hostfs_inode *hostfs, const struct attr_change *change)
{
    const struct timespec times[2] = {
        time_to_set((change->set & ATTR_ATIME) != 0, change->atime),
        time_to_set((change->set & ATTR_MTIME) != 0, change->mtime),
    };

    return host_futimens(hostfs->fd, times);
}

static int set_host_size(struct hostfs_inode *hostfs, uint64_t size)
{
    int err = hostfs_grow_access(hostfs, HOSTFS_WRITE);

    if (err == 0)
        err = host_ftruncate(hostfs->fd, size);
    return err < 0 ? err : mapping_resized(&hostfs->mapping, size);
}

static int set_host_attr(struct hostfs_inode *hostfs, const struct attr_change *change)
{
    struct stat stat;
    int err = 0;

    if (!hostfs->root->is_writable)
        return -EROFS;
    if ((change->set & ATTR_SIZE) != 0)
        err = set_host_size(hostfs, change->size);
    if (err == 0 && (change->set & (ATTR_UID | ATTR_GID)) != 0)
        err = set_host_owner(hostfs, change);
    if (err == 0 && (change->set & ATTR_MODE) != 0)
        err = set_host_mode(hostfs, change->mode);
    if (err == 0 && (change->set & (ATTR_ATIME | ATTR_MTIME)) != 0)
        err = set_host_times(hostfs, change);
    return err < 0 ? err : hostfs_getattr(&hostfs->inode, &stat);
}

static int hostfs_setattr(struct inode *inode, const struct attr_change *change)
{
    struct hostfs_inode *hostfs = hostfs_of(inode);

    if (!hostfs->is_ghost)
        return set_host_attr(hostfs, change);
    int err = use_ghost(hostfs);
    return err < 0 ? err : memory_setattr(inode, &hostfs->mapping, change);
}

static int open_regular(struct hostfs_inode *hostfs, int flags)
{
    bool is_write = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0;

    if (hostfs->is_ghost)
        return -ENOENT;
    int err = hostfs_grow_access(hostfs, is_write ? HOSTFS_WRITE : HOSTFS_READ);
    if (err == 0 && (flags & O_TRUNC) != 0)
        err = set_host_size(hostfs, 0);
    return err;
}

static int hostfs_open(struct inode **inode, int flags)
{
    return S_ISREG(inode_mode(*inode)) ? open_regular(hostfs_of(*inode), flags) : -ENXIO;
}

static int hostfs_statfs(struct inode *inode, struct statfs *ret)
{
    struct hostfs_inode *hostfs = hostfs_of(inode);

    return hostfs->is_ghost ? 0 : host_fstatfs(hostfs->fd, ret);
}

/* Under inode.lock: gives the mapping a descriptor that can do what fd can. */
static int map_host(struct hostfs_inode *hostfs)
{
    struct stat stat;

    int err = grow_access(hostfs, HOSTFS_READ);
    if (err == 0)
        err = host_fstat(hostfs->fd, &stat);
    if (err < 0)
        return err;
    if (hostfs->mapped >= hostfs->access) {
        mapping_set_size(&hostfs->mapping, (uint64_t)stat.st_size);
        return 0;
    }
    int fd = host_dup(hostfs->fd);
    if (fd < 0)
        return fd;
    mapping_set_host(&hostfs->mapping, fd, (uint64_t)stat.st_size);
    hostfs->mapped = hostfs->access;
    return 0;
}

static struct mapping *hostfs_mapping(struct inode *inode)
{
    struct hostfs_inode *hostfs = hostfs_of(inode);

    if (!S_ISREG(inode_mode(inode)))
        return NULL;
    if (hostfs->is_ghost && mapping_is_loading())
        return &hostfs->mapping; /* its content comes with the next call */
    if (hostfs->is_ghost)
        return use_ghost(hostfs) < 0 ? NULL : &hostfs->mapping;
    mutex_lock(&inode->lock);
    int err = map_host(hostfs);
    mutex_unlock(&inode->lock);
    return err < 0 ? NULL : &hostfs->mapping;
}

const struct inode_ops hostfs_inode_ops = {
    .readlink = hostfs_readlink,
    .getattr = hostfs_getattr,
    .setattr = hostfs_setattr,
    .open = hostfs_open,
    .statfs = hostfs_statfs,
    .mapping = hostfs_mapping,
};
