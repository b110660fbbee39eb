/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /dev: a fixed, read-only tree of the devices that programs need. What an inode is stands in one
 * table; the inode has only its number there. Nothing of a device is state: random bytes come from
 * the host. *Linux:* names cannot be made here, nor modes changed; there is no terminal behind tty.
 */
#include "vfs/fs/devfs.h"

#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <inttypes.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "core/base/container.h"
#include "core/base/host.h"
#include "vfs/file.h"

struct dev_inode {
    union {
        struct object object;
        struct inode inode;
    };
    uint32_t kind; /* index in devices */
    /* not saved, derived */
    bool is_linked; /* inode has the operations of its kind */
};

DEFINE_OBJECT_TYPE(DEV_INODE, dev_inode, DevInode, dev_inode, .family = OBJECT_INODE);

static const struct inode_ops dir_inode_ops, link_inode_ops, device_inode_ops, tty_inode_ops;
static const struct file_ops null_file_ops, zero_file_ops, full_file_ops, random_file_ops,
    urandom_file_ops;

struct device {
    const char *name;
    uint32_t mode;
    unsigned major, minor;
    const char *target; /* of a symbolic link */
    const struct inode_ops *inode_ops;
    const struct file_ops *file_ops;
};

/* A place in the table is saved: new ones go to the end. The first is the root. */
static const struct device devices[] = {
    {"/", S_IFDIR | 0755, 0, 0, NULL, &dir_inode_ops, &directory_file_ops},
    {"null", S_IFCHR | 0666, 1, 3, NULL, &device_inode_ops, &null_file_ops},
    {"zero", S_IFCHR | 0666, 1, 5, NULL, &device_inode_ops, &zero_file_ops},
    {"full", S_IFCHR | 0666, 1, 7, NULL, &device_inode_ops, &full_file_ops},
    {"random", S_IFCHR | 0666, 1, 8, NULL, &device_inode_ops, &random_file_ops},
    {"urandom", S_IFCHR | 0666, 1, 9, NULL, &device_inode_ops, &urandom_file_ops},
    {"tty", S_IFCHR | 0666, 5, 0, NULL, &tty_inode_ops, &null_file_ops},
    {"fd", S_IFLNK | 0777, 0, 0, "/proc/self/fd", &link_inode_ops, &null_file_ops},
    {"stdin", S_IFLNK | 0777, 0, 0, "/proc/self/fd/0", &link_inode_ops, &null_file_ops},
    {"stdout", S_IFLNK | 0777, 0, 0, "/proc/self/fd/1", &link_inode_ops, &null_file_ops},
    {"stderr", S_IFLNK | 0777, 0, 0, "/proc/self/fd/2", &link_inode_ops, &null_file_ops},
    {"shm", S_IFDIR | 01777, 0, 0, NULL, &dir_inode_ops, &directory_file_ops},
    {"pts", S_IFDIR | 0755, 0, 0, NULL, &dir_inode_ops, &directory_file_ops},
};

static const struct dev_inode *dev_of(const struct inode *inode)
{
    return (const struct dev_inode *)inode;
}

/* --- devices --- */

static int64_t zero_read(struct file *file, struct uio *uio, uint64_t *position,
                         const struct file_wait *wait)
{
    (void)file;
    (void)position;
    (void)wait;
    return uio_zero(uio, uio_left(uio));
}

static int64_t full_write(struct file *file, struct uio *uio, uint64_t *position, size_t more,
                          const struct file_wait *wait)
{
    (void)file;
    (void)uio;
    (void)position;
    (void)more;
    (void)wait;
    return -ENOSPC;
}

static int64_t random_read(struct file *file, struct uio *uio, uint64_t *position,
                           const struct file_wait *wait)
{
    uint8_t bytes[256];
    int64_t done = 0;

    (void)file;
    (void)position;
    (void)wait;
    while (uio_left(uio) > 0) {
        host_random(bytes, sizeof(bytes));
        ptrdiff_t moved = uio_copy_to(uio, bytes, sizeof(bytes));
        if (moved < 0)
            return done > 0 ? done : moved;
        done += moved;
    }
    return done;
}

/* There is always enough, so none is wanted. */
static uint32_t random_poll(struct file *file)
{
    (void)file;
    return POLLIN | POLLRDNORM;
}

/* There is no position to move. */
static int64_t device_seek(struct file *file, int64_t offset, int whence)
{
    (void)file;
    (void)offset;
    (void)whence;
    return 0;
}

static const struct file_ops null_file_ops = {
    .read = file_read_nothing, .write = file_write_nowhere, .seek = device_seek};
static const struct file_ops zero_file_ops = {
    .read = zero_read, .write = file_write_nowhere, .seek = device_seek};
static const struct file_ops full_file_ops = {
    .read = zero_read, .write = full_write, .seek = device_seek};
static const struct file_ops random_file_ops = {
    .read = random_read, .write = file_write_nowhere, .poll = random_poll, .seek = device_seek};
static const struct file_ops urandom_file_ops = {
    .read = random_read, .write = file_write_nowhere, .seek = device_seek};

/* --- the tree --- */

static void dev_inode_link(struct dev_inode *dev)
{
    dev->inode.ops = devices[dev->kind].inode_ops;
    dev->inode.file_ops = devices[dev->kind].file_ops;
    dev->is_linked = true;
}

static int dev_inode_create(uint32_t kind, uint64_t st_dev, struct inode **ret)
{
    static const struct cred root = {0};
    struct dev_inode *dev = object_alloc(&dev_inode_type.object);

    if (dev == NULL)
        return -ENOMEM;
    dev->kind = kind;
    dev->inode.dev = st_dev;
    inode_set_owner(&dev->inode, NULL, devices[kind].mode, &root);
    dev->inode.attr.nr = kind + 1;
    dev->inode.attr.rdev = makedev(devices[kind].major, devices[kind].minor);
    dev_inode_link(dev);
    *ret = &dev->inode;
    return 0;
}

bool devfs_is_zero(const struct inode *inode)
{
    return inode->file_ops == &zero_file_ops;
}

const struct file_ops *device_file_ops(uint64_t rdev)
{
    for (uint32_t kind = 1; kind < ARRAY_COUNT(devices); kind++) {
        const struct device *device = &devices[kind];
        if (S_ISCHR(device->mode) && device->inode_ops == &device_inode_ops &&
            rdev == makedev(device->major, device->minor))
            return device->file_ops;
    }
    return NULL;
}

int devfs_create(struct vfs_context *context, struct inode **root)
{
    (void)context;
    return dev_inode_create(0, inode_next_dev(), root);
}

/* Inodes come and go with their users; what they tell does not change by that. */
static int create_below(struct inode *dir, uint32_t kind, struct inode **ret)
{
    int err = dev_inode_create(kind, dir->dev, ret);

    if (err < 0)
        return err;
    struct inode_attr *attr = &(*ret)->attr;
    attr->atime = attr->mtime = attr->ctime = dir->attr.ctime;
    return 0;
}

static int dir_lookup(struct inode *dir, const char *name, struct inode **ret)
{
    if (dev_of(dir)->kind != 0)
        return -ENOENT;
    for (uint32_t kind = 1; kind < ARRAY_COUNT(devices); kind++) {
        if (strcmp(devices[kind].name, name) == 0)
            return create_below(dir, kind, ret);
    }
    return -ENOENT;
}

static int dir_list(struct inode *dir, inode_list_fn *fn, void *context)
{
    int result = 0;

    if (dev_of(dir)->kind != 0)
        return 0;
    for (uint32_t kind = 1; result == 0 && kind < ARRAY_COUNT(devices); kind++)
        result = fn(context, devices[kind].name, kind + 1, IFTODT(devices[kind].mode));
    return result;
}

static int link_readlink(struct inode *inode, struct bytes *ret)
{
    const char *target = devices[dev_of(inode)->kind].target;

    return bytes_append(ret, target, strlen(target));
}

static int tty_open(struct inode **inode, int flags)
{
    (void)inode;
    (void)flags;
    return -ENXIO;
}

static int dir_statfs(struct inode *inode, struct statfs *ret)
{
    (void)inode;
    ret->f_type = TMPFS_MAGIC; /* as Linux's devtmpfs */
    return 0;
}

static const struct inode_ops dir_inode_ops = {
    .lookup = dir_lookup, .list = dir_list, .statfs = dir_statfs};
static const struct inode_ops link_inode_ops = {.readlink = link_readlink};
static const struct inode_ops device_inode_ops = {0};
static const struct inode_ops tty_inode_ops = {.open = tty_open};

/* --- the object --- */

static void dev_inode_init(struct dev_inode *dev)
{
    inode_init(&dev->inode, &device_inode_ops, &null_file_ops);
}

static void dev_inode_fini(struct dev_inode *dev)
{
    inode_fini(&dev->inode);
}

static int dev_inode_save(const struct dev_inode *dev, struct saver *saver, DevInode *m)
{
    m->kind = dev->kind;
    return inode_save_attr(&dev->inode, saver, &m->attr);
}

static int dev_inode_load(struct dev_inode *dev, struct loader *loader, const DevInode *m)
{
    inode_load_attr(&dev->inode, loader, m->attr);
    dev->kind = m->kind;
    if (m->kind >= ARRAY_COUNT(devices)) {
        load_bad(loader, "kind", "%" PRIu32 " is no device", m->kind);
        dev->kind = 0;
    } else if (((dev->inode.attr.mode ^ devices[m->kind].mode) & S_IFMT) != 0) {
        load_bad(loader, "attr.mode", "is another type than that of %s", devices[m->kind].name);
    }
    return 0;
}

static void dev_inode_relink(struct dev_inode *dev, struct loader *loader)
{
    (void)loader;
    dev_inode_link(dev);
}

static uint64_t dev_inode_derived(const struct dev_inode *dev)
{
    return dev->is_linked;
}
