/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended attributes of inodes whose attributes are in memory: those of tmpfs and of the overlay,
 * whatever their content is. user.* are for regular files and directories, trusted.* for root,
 * security.* can be read by all. *Linux:* none of them means anything to the kernel: capabilities
 * of files give nothing; access lists (system.*) are absent; what a host file has of them is not
 * seen.
 */
#include "vfs/xattr.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "core/base/host.h"
#include "vfs/inode.h"
#include "vfs/mount.h"

void xattrs_init(struct xattr_list *list)
{
    TAILQ_INIT(list);
}

static void xattr_free(struct xattr *xattr)
{
    if (xattr == NULL)
        return;
    host_free(xattr->name);
    host_free(xattr->value);
    host_free(xattr);
}

void xattrs_fini(struct xattr_list *list)
{
    struct xattr *xattr;

    while ((xattr = TAILQ_FIRST(list)) != NULL) {
        TAILQ_REMOVE(list, xattr, link);
        xattr_free(xattr);
    }
}

static struct xattr *xattr_create(const char *name, const void *value, size_t size)
{
    struct xattr *xattr = host_alloc(1, sizeof(*xattr));

    if (xattr == NULL)
        return NULL;
    xattr->name = host_strdup(name);
    xattr->value = host_alloc(size + 1, 1);
    if (xattr->name == NULL || xattr->value == NULL) {
        xattr_free(xattr);
        return NULL;
    }
    if (size > 0)
        memcpy(xattr->value, value, size);
    xattr->size = size;
    return xattr;
}

static struct xattr *find(const struct xattr_list *list, const char *name)
{
    struct xattr *xattr;

    TAILQ_FOREACH(xattr, list, link) {
        if (strcmp(xattr->name, name) == 0)
            return xattr;
    }
    return NULL;
}

static void insert(struct xattr_list *list, struct xattr *xattr)
{
    struct xattr *next;

    TAILQ_FOREACH(next, list, link) {
        if (strcmp(next->name, xattr->name) > 0)
            break;
    }
    if (next != NULL)
        TAILQ_INSERT_BEFORE(next, xattr, link);
    else
        TAILQ_INSERT_TAIL(list, xattr, link);
}

/* --- who may what --- */

static bool has_prefix(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* Is the name of a kind that there is? */
static int check_name(const char *name)
{
    static const char *const prefixes[] = {"user.", "trusted.", "security."};

    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        if (has_prefix(name, prefixes[i]))
            return name[strlen(prefixes[i])] == '\0' ? -EINVAL : 0;
    }
    return -EOPNOTSUPP;
}

static int check_user(const struct cred *cred, struct inode *inode, bool is_write)
{
    uint32_t mode = inode_mode(inode);
    struct stat stat;

    if (!S_ISREG(mode) && !S_ISDIR(mode))
        return is_write ? -EPERM : -ENODATA;
    inode_stat_attr(inode, &stat);
    if (is_write && S_ISDIR(mode) && (mode & S_ISVTX) != 0 && !cred_is_privileged(cred) &&
        cred->fsuid != stat.st_uid)
        return -EPERM;
    return inode_check(inode, cred, is_write ? W_OK : R_OK);
}

static int check(const struct cred *cred, struct inode *inode, const char *name, bool is_write)
{
    if (has_prefix(name, "user.")) {
        int err = check_user(cred, inode, is_write);
        if (err < 0)
            return err;
    } else if (has_prefix(name, "trusted.") && !cred_is_privileged(cred)) {
        return is_write ? -EPERM : -ENODATA;
    } else if (has_prefix(name, "security.") && is_write && !cred_is_privileged(cred)) {
        return -EPERM;
    }
    if (inode->ops->change_xattr == NULL)
        return -EOPNOTSUPP;
    return check_name(name);
}

static int begin_change(const struct cred *cred, const struct mount *mount, struct inode *inode,
                        const char *name)
{
    if (mount_is_readonly(mount))
        return -EROFS;
    int err = check(cred, inode, name, true);
    return err < 0 ? err : inode->ops->change_xattr(inode);
}

/* --- the calls --- */

/* Under the inode's lock: the old one, to be freed, comes back. */
static int set_locked(struct inode *inode, struct xattr *xattr, int flags, struct xattr **old)
{
    size_t total = xattr->size + strlen(xattr->name) + 1;
    struct xattr *other;

    *old = find(&inode->xattrs, xattr->name);
    if (*old != NULL && (flags & XATTR_CREATE) != 0)
        return -EEXIST;
    if (*old == NULL && (flags & XATTR_REPLACE) != 0)
        return -ENODATA;
    TAILQ_FOREACH(other, &inode->xattrs, link)
        total += other == *old ? 0 : other->size + strlen(other->name) + 1;
    if (total > XATTR_VALUE_LIMIT + XATTR_NAME_LIMIT + 1)
        return -ENOSPC;
    if (*old != NULL)
        TAILQ_REMOVE(&inode->xattrs, *old, link);
    insert(&inode->xattrs, xattr);
    return 0;
}

int vfs_setxattr(const struct cred *cred, const struct mount *mount, struct inode *inode,
                 const char *name, const void *value, size_t size, int flags)
{
    struct xattr *old = NULL;
    int err = begin_change(cred, mount, inode, name);

    if (err < 0)
        return err;
    struct xattr *xattr = xattr_create(name, value, size);
    if (xattr == NULL)
        return -ENOMEM;
    mutex_lock(&inode->lock);
    err = set_locked(inode, xattr, flags, &old);
    mutex_unlock(&inode->lock);
    if (err < 0) {
        xattr_free(xattr);
        return err;
    }
    xattr_free(old);
    inode_touch(inode, false);
    return 0;
}

int vfs_getxattr(const struct cred *cred, struct inode *inode, const char *name, struct bytes *ret)
{
    int err = check(cred, inode, name, false);

    if (err < 0)
        return err;
    mutex_lock(&inode->lock);
    const struct xattr *xattr = find(&inode->xattrs, name);
    err = xattr == NULL ? -ENODATA : bytes_append(ret, xattr->value, xattr->size);
    mutex_unlock(&inode->lock);
    return err;
}

int vfs_removexattr(const struct cred *cred, const struct mount *mount, struct inode *inode,
                    const char *name)
{
    int err = begin_change(cred, mount, inode, name);

    if (err < 0)
        return err;
    mutex_lock(&inode->lock);
    struct xattr *xattr = find(&inode->xattrs, name);
    if (xattr != NULL)
        TAILQ_REMOVE(&inode->xattrs, xattr, link);
    mutex_unlock(&inode->lock);
    if (xattr == NULL)
        return -ENODATA;
    xattr_free(xattr);
    inode_touch(inode, false);
    return 0;
}

int vfs_listxattr(const struct cred *cred, struct inode *inode, struct bytes *ret)
{
    const struct xattr *xattr;
    int err = 0;

    if (inode->ops->change_xattr == NULL)
        return -EOPNOTSUPP;
    mutex_lock(&inode->lock);
    TAILQ_FOREACH(xattr, &inode->xattrs, link) {
        if (err == 0 && (!has_prefix(xattr->name, "trusted.") || cred_is_privileged(cred)))
            err = bytes_append(ret, xattr->name, strlen(xattr->name) + 1);
    }
    mutex_unlock(&inode->lock);
    return err;
}

/* --- save and load --- */

int xattrs_save(const struct xattr_list *list, struct saver *saver, Xattr ***ret, size_t *count)
{
    const struct xattr *xattr;
    size_t size = 0;

    TAILQ_FOREACH(xattr, list, link)
        size++;
    *ret = (void *)save_messages(saver, &xattr__descriptor, size);
    if (*ret == NULL && size > 0)
        return -ENOMEM;
    TAILQ_FOREACH(xattr, list, link) {
        Xattr *message = (*ret)[(*count)++];
        message->name = save_string(saver, xattr->name);
        message->value.data = xattr->value;
        message->value.len = xattr->size;
    }
    return 0;
}

int xattrs_load(struct xattr_list *list, struct loader *loader, Xattr *const *messages,
                size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const Xattr *message = messages[i];
        bool is_ordered = i == 0 || strcmp(messages[i - 1]->name, message->name) < 0;
        if (check_name(message->name) < 0 || strlen(message->name) > XATTR_NAME_LIMIT ||
            message->value.len > XATTR_VALUE_LIMIT || !is_ordered) {
            load_bad(loader, "attr.xattrs", "there is no such attribute, or it is out of order");
            continue;
        }
        struct xattr *xattr = xattr_create(message->name, message->value.data, message->value.len);
        if (xattr == NULL)
            return -ENOMEM;
        insert(list, xattr);
    }
    return 0;
}
