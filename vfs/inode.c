/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all inodes have in common: numbers, attributes, permissions. attr is guarded by the inode's
 * lock, but for the type in it, which never changes. Numbers are never given twice: those of inodes
 * start above what host file systems use, so that both can live under one st_dev.
 */
#include "vfs/inode.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <unistd.h>

#include "core/base/host.h"
#include "vfs/pipe.h"

/* Below are the numbers of most host file systems. */
static const uint64_t FIRST_NR = UINT64_C(1) << 40;

/* st_dev 0 is nothing's. */
static atomic_uint_fast64_t last_nr = UINT64_C(1) << 40;
static atomic_uint_fast64_t last_dev = 0x20;

enum { RELATIME_SECONDS = 24 * 60 * 60 };

void inode_init(struct inode *inode, const struct inode_ops *ops, const struct file_ops *file_ops)
{
    inode->ops = ops;
    inode->file_ops = file_ops;
    mutex_init(&inode->lock, LOCK_INODE);
    file_locks_init(&inode->locks);
    xattrs_init(&inode->xattrs);
}

void inode_fini(struct inode *inode)
{
    file_locks_fini(&inode->locks);
    xattrs_fini(&inode->xattrs);
}

uint64_t inode_next_nr(void)
{
    return atomic_fetch_add(&last_nr, 1) + 1;
}

uint64_t inode_last_nr(void)
{
    return atomic_load(&last_nr);
}

void inode_set_last_nr(uint64_t nr)
{
    atomic_store(&last_nr, nr < FIRST_NR ? FIRST_NR : nr);
}

uint64_t inode_next_dev(void)
{
    return atomic_fetch_add(&last_dev, 1) + 1;
}

static void claim_dev(uint64_t dev)
{
    uint_fast64_t last = atomic_load(&last_dev);

    while (last < dev && !atomic_compare_exchange_weak(&last_dev, &last, dev))
        ;
}

int inode_check(struct inode *inode, const struct cred *cred, int mask)
{
    mutex_lock(&inode->lock);
    struct inode_attr attr = inode->attr;
    mutex_unlock(&inode->lock);
    return cred_check(cred, attr.mode, attr.uid, attr.gid, mask);
}

int inode_readlink(struct inode *inode, void *task, struct bytes *ret)
{
    if (inode->ops->readlink_by != NULL)
        return inode->ops->readlink_by(inode, task, ret);
    return inode->ops->readlink == NULL ? -EINVAL : inode->ops->readlink(inode, ret);
}

int inode_open(struct inode **inode, int flags)
{
    const struct attr_change change = {.set = ATTR_SIZE};

    if (S_ISFIFO(inode_mode(*inode)))
        return fifo_open(inode, flags);
    if ((*inode)->ops->open != NULL)
        return (*inode)->ops->open(inode, flags);
    if ((flags & O_TRUNC) == 0 || !S_ISREG(inode_mode(*inode)))
        return 0;
    return (*inode)->ops->setattr == NULL ? 0 : (*inode)->ops->setattr(*inode, &change);
}

static struct timespec timespec_of(int64_t ns)
{
    int64_t seconds = ns / NSEC_PER_SEC, rest = ns % NSEC_PER_SEC;

    if (rest < 0) {
        seconds--;
        rest += NSEC_PER_SEC;
    }
    return (struct timespec){.tv_sec = seconds, .tv_nsec = rest};
}

void inode_stat_attr(struct inode *inode, struct stat *ret)
{
    mutex_lock(&inode->lock);
    struct inode_attr attr = inode->attr;
    mutex_unlock(&inode->lock);
    *ret = (struct stat){
        .st_dev = inode->dev,
        .st_ino = attr.nr,
        .st_nlink = attr.nlink,
        .st_mode = attr.mode,
        .st_uid = attr.uid,
        .st_gid = attr.gid,
        .st_rdev = attr.rdev,
        .st_blksize = 4096,
        .st_atim = timespec_of(attr.atime),
        .st_mtim = timespec_of(attr.mtime),
        .st_ctim = timespec_of(attr.ctime),
    };
}

int inode_getattr(struct inode *inode, struct stat *ret)
{
    if (inode->ops->getattr != NULL)
        return inode->ops->getattr(inode, ret);
    inode_stat_attr(inode, ret);
    return 0;
}

int inode_statfs(struct inode *inode, struct statfs *ret)
{
    *ret = (struct statfs){.f_bsize = 4096, .f_frsize = 4096, .f_namelen = NAME_MAX};
    return inode->ops->statfs == NULL ? 0 : inode->ops->statfs(inode, ret);
}

void inode_set_owner(struct inode *inode, struct inode *dir, uint32_t mode, const struct cred *cred)
{
    struct inode_attr *attr = &inode->attr;

    attr->mode = mode;
    attr->uid = cred->fsuid;
    attr->gid = cred->fsgid;
    attr->nlink = S_ISDIR(mode) ? 2 : 1;
    attr->atime = attr->mtime = attr->ctime = attr->btime = host_clock_realtime();
    if (dir == NULL)
        return;
    mutex_lock(&dir->lock);
    uint32_t dir_mode = dir->attr.mode, dir_gid = dir->attr.gid;
    mutex_unlock(&dir->lock);
    if ((dir_mode & S_ISGID) != 0) {
        attr->gid = dir_gid;
        attr->mode |= S_ISDIR(mode) ? S_ISGID : 0;
    }
}

void inode_change_attr(struct inode *inode, const struct attr_change *change)
{
    struct inode_attr *attr = &inode->attr;

    mutex_lock(&inode->lock);
    if ((change->set & ATTR_MODE) != 0)
        attr->mode = (attr->mode & S_IFMT) | (change->mode & 07777);
    if ((change->set & ATTR_UID) != 0)
        attr->uid = change->uid;
    if ((change->set & ATTR_GID) != 0)
        attr->gid = change->gid;
    if ((change->set & ATTR_ATIME) != 0)
        attr->atime = change->atime;
    attr->ctime = host_clock_realtime();
    if ((change->set & ATTR_MTIME) != 0)
        attr->mtime = change->mtime;
    else if ((change->set & ATTR_SIZE) != 0)
        attr->mtime = attr->ctime;
    mutex_unlock(&inode->lock);
}

int inode_begin_use(struct inode *inode, bool is_run, bool is_forced)
{
    int err = 0;

    mutex_lock(&inode->lock);
    if (!is_forced && (is_run ? inode->writer_count : inode->runner_count) > 0)
        err = -ETXTBSY;
    else if (is_run)
        inode->runner_count++;
    else
        inode->writer_count++;
    mutex_unlock(&inode->lock);
    return err;
}

void inode_end_use(struct inode *inode, bool is_run)
{
    mutex_lock(&inode->lock);
    if (is_run)
        inode->runner_count--;
    else
        inode->writer_count--;
    mutex_unlock(&inode->lock);
}

bool inode_is_run(struct inode *inode)
{
    mutex_lock(&inode->lock);
    bool is_run = inode->runner_count > 0;
    mutex_unlock(&inode->lock);
    return is_run;
}

void inode_add_links(struct inode *inode, int count)
{
    mutex_lock(&inode->lock);
    inode->attr.nlink += (uint32_t)count;
    inode->attr.ctime = host_clock_realtime();
    mutex_unlock(&inode->lock);
}

void inode_touch(struct inode *inode, bool is_modified)
{
    mutex_lock(&inode->lock);
    inode->attr.ctime = host_clock_realtime();
    if (is_modified)
        inode->attr.mtime = inode->attr.ctime;
    mutex_unlock(&inode->lock);
}

void inode_touch_read(struct inode *inode)
{
    int64_t now = host_clock_realtime();
    struct inode_attr *attr = &inode->attr;

    mutex_lock(&inode->lock);
    if (attr->atime <= attr->mtime || attr->atime <= attr->ctime ||
        now - attr->atime >= RELATIME_SECONDS * NSEC_PER_SEC)
        attr->atime = now;
    mutex_unlock(&inode->lock);
}

int inode_save_attr(const struct inode *inode, struct saver *saver, InodeAttr **ret)
{
    const struct inode_attr *attr = &inode->attr;
    InodeAttr *message = save_message(saver, &inode_attr__descriptor);

    if (message == NULL)
        return -ENOMEM;
    message->nr = attr->nr;
    message->mode = attr->mode;
    message->uid = attr->uid;
    message->gid = attr->gid;
    message->nlink = attr->nlink;
    message->rdev = attr->rdev;
    message->is_linkable = attr->is_linkable;
    message->atime_ns = attr->atime;
    message->mtime_ns = attr->mtime;
    message->ctime_ns = attr->ctime;
    message->btime_ns = attr->btime;
    message->dev = inode->dev;
    *ret = message;
    return 0;
}

static bool is_possible_mode(uint32_t mode)
{
    switch (mode & S_IFMT) {
    case 0: /* timers, events and their kin have none */
    case S_IFREG:
    case S_IFDIR:
    case S_IFLNK:
    case S_IFIFO:
    case S_IFCHR:
    case S_IFBLK:
    case S_IFSOCK:
        return (mode & ~(S_IFMT | 07777u)) == 0;
    default:
        return false;
    }
}

void inode_load_attr(struct inode *inode, struct loader *loader, const InodeAttr *message)
{
    struct inode_attr *attr = &inode->attr;

    if (message == NULL) {
        load_bad(loader, "attr", "is missing");
        return;
    }
    if (!is_possible_mode(message->mode))
        load_bad(loader, "attr.mode", "%" PRIo32 " is not possible", message->mode);
    if (message->dev > UINT32_MAX)
        load_bad(loader, "attr.dev", "%" PRIu64 " is not possible", message->dev);
    else
        claim_dev(message->dev);
    inode->dev = message->dev;
    attr->nr = message->nr;
    attr->mode = message->mode;
    attr->uid = message->uid;
    attr->gid = message->gid;
    attr->nlink = message->nlink;
    attr->rdev = message->rdev;
    attr->is_linkable = message->is_linkable;
    attr->atime = message->atime_ns;
    attr->mtime = message->mtime_ns;
    attr->ctime = message->ctime_ns;
    attr->btime = message->btime_ns;
}
