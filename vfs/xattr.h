/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <bsd/sys/queue.h>

#include "core/base/bytes.h"
#include "snapshot/snapshot.h"
#include "vfs/cred.h"

struct inode;
struct mount;

enum { XATTR_NAME_LIMIT = 255, XATTR_VALUE_LIMIT = 65536, XATTR_LIST_LIMIT = 65536 };

/* An extended attribute (xattr(7)). */
struct xattr {
    char *name;
    uint8_t *value;
    size_t size;
    TAILQ_ENTRY(xattr) link;
};

/* Those of one inode, by name; part of it, guarded by its lock. */
TAILQ_HEAD(xattr_list, xattr);

void xattrs_init(struct xattr_list *list);
void xattrs_fini(struct xattr_list *list);
int xattrs_save(const struct xattr_list *list, struct saver *saver, Xattr ***ret, size_t *count);
int xattrs_load(struct xattr_list *list, struct loader *loader, Xattr *const *messages,
                size_t count);

/* The calls, names and rights checked. -EOPNOTSUPP: no such names here, or none at all (files of
 * the host, generated ones). */
int vfs_setxattr(const struct cred *cred, const struct mount *mount, struct inode *inode,
                 const char *name, const void *value, size_t size, int flags);
int vfs_getxattr(const struct cred *cred, struct inode *inode, const char *name, struct bytes *ret);
int vfs_removexattr(const struct cred *cred, const struct mount *mount, struct inode *inode,
                    const char *name);
/* Names, each with its zero. */
int vfs_listxattr(const struct cred *cred, struct inode *inode, struct bytes *ret);
