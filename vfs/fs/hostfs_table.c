/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which host files are inodes: one inode a file of a root, by the host's st_dev and st_ino, however
 * many names it has, so that all of them share its pages. The host cannot give a number in the
 * table to another file, since the inode holds a descriptor. Also here: where inodes were last
 * seen, and the st_dev a guest sees, one for each file system of the host below a root. Guarded by
 * LOCK_HOSTFS.
 */
#include <errno.h>
#include <linux/magic.h>
#include <string.h>

#include "core/base/container.h"
#include "core/base/host.h"
#include "vfs/fs/hostfs.h"

RB_HEAD(hostfs_table, hostfs_inode);

enum { DEVS_MAX = 64 };

/* What the guest sees for a file system of the host. */
struct dev_name {
    const struct host_root *root;
    uint64_t host_dev, dev;
};

static struct mutex table_lock = MUTEX_INITIALIZER(LOCK_HOSTFS);
static struct hostfs_table table = RB_INITIALIZER(&table);
static struct dev_name devs[DEVS_MAX]; /* the oldest is forgotten first */
static size_t dev_count;

static int compare_numbers(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int table_compare(const struct hostfs_inode *a, const struct hostfs_inode *b)
{
    int order = compare_numbers((uintptr_t)a->root, (uintptr_t)b->root);

    if (order == 0)
        order = compare_numbers(a->host_dev, b->host_dev);
    return order != 0 ? order : compare_numbers(a->host_nr, b->host_nr);
}

RB_GENERATE_INTERNAL(hostfs_table, hostfs_inode, link, table_compare,
                     __attribute__((unused)) static)

/* Under the lock. */
static struct dev_name *find_dev(const struct host_root *root, uint64_t host_dev)
{
    for (size_t i = 0; i < dev_count && i < DEVS_MAX; i++) {
        if (devs[i].root == root && devs[i].host_dev == host_dev)
            return &devs[i];
    }
    return NULL;
}

static void add_dev(const struct host_root *root, uint64_t host_dev, uint64_t dev)
{
    devs[dev_count++ % DEVS_MAX] =
        (struct dev_name){.root = root, .host_dev = host_dev, .dev = dev};
}

static uint64_t dev_of(const struct host_root *root, uint64_t host_dev)
{
    mutex_lock(&table_lock);
    if (find_dev(root, host_dev) == NULL)
        add_dev(root, host_dev, inode_next_dev());
    uint64_t dev = find_dev(root, host_dev)->dev;
    mutex_unlock(&table_lock);
    return dev;
}

int hostfs_is_refused(int fd, bool *ret)
{
    static const uint32_t refused[] = {
        PROC_SUPER_MAGIC,
        SYSFS_MAGIC,
        CGROUP_SUPER_MAGIC,
        CGROUP2_SUPER_MAGIC,
        DEBUGFS_MAGIC,
        TRACEFS_MAGIC,
        SECURITYFS_MAGIC,
        BPF_FS_MAGIC,
        PSTOREFS_MAGIC,
        EFIVARFS_MAGIC,
        SELINUX_MAGIC,
        SMACK_MAGIC,
        DEVPTS_SUPER_MAGIC,
        BINFMTFS_MAGIC,
        NSFS_MAGIC,
        ANON_INODE_FS_MAGIC,
        AUTOFS_SUPER_MAGIC,
        SOCKFS_MAGIC,
        PIPEFS_MAGIC,
        RDTGROUP_SUPER_MAGIC,
        0x62656570 /* configfs */,
        0x19800202 /* mqueue */,
        0x67596969 /* rpc_pipefs */,
        0x65735543 /* fusectl */,
    };
    struct statfs statfs;

    int err = host_fstatfs(fd, &statfs);
    if (err < 0)
        return err;
    *ret = false;
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++)
        *ret |= (uint32_t)statfs.f_type == refused[i];
    return 0;
}

static int64_t ns_of(const struct timespec *time)
{
    return time->tv_sec * NSEC_PER_SEC + time->tv_nsec;
}

void hostfs_set_attr(struct hostfs_inode *hostfs, const struct stat *stat)
{
    struct inode_attr *attr = &hostfs->inode.attr;

    mutex_lock(&hostfs->inode.lock);
    attr->mode = stat->st_mode;
    attr->uid = stat->st_uid;
    attr->gid = stat->st_gid;
    attr->nlink = (uint32_t)stat->st_nlink;
    attr->rdev = stat->st_rdev;
    attr->atime = ns_of(&stat->st_atim);
    attr->mtime = ns_of(&stat->st_mtim);
    attr->ctime = ns_of(&stat->st_ctim);
    mutex_unlock(&hostfs->inode.lock);
}

void hostfs_set_ops(struct hostfs_inode *hostfs)
{
    struct inode *inode = &hostfs->inode;

    inode->ops = S_ISDIR(inode->attr.mode) ? &hostfs_dir_ops : &hostfs_inode_ops;
    inode->file_ops = NULL;
    if (S_ISDIR(inode->attr.mode))
        inode->file_ops = &directory_file_ops;
    else if (S_ISREG(inode->attr.mode))
        inode->file_ops = &hostfs_file_ops;
    if (hostfs->root != NULL)
        inode->is_shared = hostfs->root->is_writable || strcmp(hostfs->root->name, "/") != 0;
}

static int make_inode(const struct host_root *root, const struct stat *stat, int fd,
                      uint64_t dir_dev, struct hostfs_inode **ret)
{
    struct hostfs_inode *hostfs;
    bool is_refused = false;

    int err = stat->st_dev == dir_dev ? 0 : hostfs_is_refused(fd, &is_refused);
    if (err < 0)
        return err;
    hostfs = object_alloc(&hostfs_inode_type.object);
    if (hostfs == NULL)
        return -ENOMEM;
    hostfs->root = root;
    hostfs->host_dev = stat->st_dev;
    hostfs->host_nr = stat->st_ino;
    hostfs->inode.attr.nr = stat->st_ino;
    hostfs->inode.dev = dev_of(root, stat->st_dev);
    hostfs->is_refused = is_refused;
    hostfs_set_attr(hostfs, stat);
    hostfs_set_ops(hostfs);
    *ret = hostfs;
    return 0;
}

/* Under the lock: a reference to the inode that stands for the file, or NULL. */
static struct hostfs_inode *find_live(struct hostfs_inode *key)
{
    struct hostfs_inode *found = RB_FIND(hostfs_table, &table, key);

    return found == NULL ? NULL : object_get_live(&found->object);
}

/* Under the lock: enters it; one whose last reference is gone makes place. */
static void insert(struct hostfs_inode *hostfs)
{
    struct hostfs_inode *dead = RB_FIND(hostfs_table, &table, hostfs);

    if (dead != NULL) {
        RB_REMOVE(hostfs_table, &table, dead);
        dead->is_listed = false;
    }
    RB_INSERT(hostfs_table, &table, hostfs);
    hostfs->is_listed = true;
}

/* Takes path: that is where the inode is, from now on. */
static void set_path(struct hostfs_inode *hostfs, char *path)
{
    char *old = hostfs->path;

    hostfs->path = path;
    host_free(old);
}

/* The inode of the same file, if there is one: it is at path now, which is then taken. */
static struct hostfs_inode *find_same(const struct host_root *root, const struct stat *stat,
                                      char *path)
{
    struct hostfs_inode key = {.root = root, .host_dev = stat->st_dev, .host_nr = stat->st_ino};

    mutex_lock(&table_lock);
    struct hostfs_inode *found = find_live(&key);
    if (found != NULL)
        set_path(found, path);
    mutex_unlock(&table_lock);
    if (found != NULL)
        hostfs_set_attr(found, stat);
    return found;
}

/* Takes fd and path, also on failure. Callers hold the lock of directories: nobody else makes the
 * same inode meanwhile. */
static int make_listed(const struct host_root *root, char *path, int fd, enum hostfs_access access,
                       const struct stat *stat, uint64_t dir_dev, struct hostfs_inode **ret)
{
    int err = make_inode(root, stat, fd, dir_dev, ret);

    if (err < 0) {
        host_free(path);
        (void)host_close(fd);
        return err;
    }
    (*ret)->path = path;
    (*ret)->fd = fd;
    (*ret)->access = access;
    mutex_lock(&table_lock);
    insert(*ret);
    mutex_unlock(&table_lock);
    return 0;
}

int hostfs_inode_get(const struct host_root *root, char *path, int fd, enum hostfs_access access,
                     uint64_t dir_dev, struct inode **ret)
{
    struct hostfs_inode *hostfs;
    struct stat stat;

    int err = path == NULL ? -ENOMEM : host_fstat(fd, &stat);
    if (err < 0) {
        host_free(path);
        (void)host_close(fd);
        return err;
    }
    hostfs = find_same(root, &stat, path);
    if (hostfs != NULL)
        (void)host_close(fd);
    else
        err = make_listed(root, path, fd, access, &stat, dir_dev, &hostfs);
    if (err == 0)
        *ret = &hostfs->inode;
    return err;
}

void hostfs_table_add(struct hostfs_inode *hostfs)
{
    mutex_lock(&table_lock);
    if (RB_FIND(hostfs_table, &table, hostfs) == NULL)
        insert(hostfs);
    if (find_dev(hostfs->root, hostfs->host_dev) == NULL)
        add_dev(hostfs->root, hostfs->host_dev, hostfs->inode.dev);
    mutex_unlock(&table_lock);
}

void hostfs_table_remove(struct hostfs_inode *hostfs)
{
    mutex_lock(&table_lock);
    if (hostfs->is_listed)
        RB_REMOVE(hostfs_table, &table, hostfs);
    hostfs->is_listed = false;
    mutex_unlock(&table_lock);
}

char *hostfs_path(const struct hostfs_inode *hostfs)
{
    mutex_lock(&table_lock);
    char *path = host_strdup(hostfs->path);
    mutex_unlock(&table_lock);
    return path;
}

char *hostfs_join(const char *dir, const char *name)
{
    size_t dir_size = strlen(dir), name_size = strlen(name) + 1;
    size_t slash = dir_size > 0 ? 1 : 0;
    char *path = host_alloc(dir_size + slash + name_size, 1);

    if (path == NULL)
        return NULL;
    memcpy(path, dir, dir_size);
    if (slash > 0)
        path[dir_size] = '/';
    memcpy(path + dir_size + slash, name, name_size);
    return path;
}

/* The part of path after prefix: "" or from a slash on; NULL: it is not at or below prefix. */
static const char *rest_below(const char *path, const char *prefix)
{
    size_t size = strlen(prefix);

    if (strncmp(path, prefix, size) != 0 || (path[size] != '\0' && path[size] != '/'))
        return NULL;
    return path + size;
}

/* Moves one path from prefix to prefix. Without memory it stays, and is found to be stale. */
static bool move_path(struct hostfs_inode *hostfs, const char *from, const char *to)
{
    const char *rest = rest_below(hostfs->path, from);

    if (rest == NULL)
        return false;
    char *moved = rest[0] == '\0' ? host_strdup(to) : hostfs_join(to, rest + 1);
    if (moved != NULL)
        set_path(hostfs, moved);
    return true;
}

void hostfs_move_paths(const struct host_root *root, const char *from, const char *to,
                       bool is_exchange)
{
    struct hostfs_inode *hostfs;

    mutex_lock(&table_lock);
    RB_FOREACH(hostfs, hostfs_table, &table) {
        if (hostfs->root != root)
            continue;
        if (!move_path(hostfs, from, to) && is_exchange)
            (void)move_path(hostfs, to, from);
    }
    mutex_unlock(&table_lock);
}
