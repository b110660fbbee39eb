/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What files have in common that are made by a call of their own and have no name: eventfd, epoll
 * and their kin. As on Linux they show the same inode, of no type, whose attributes do not change.
 * *Linux:* its times are those of the start of the machine, and lseek does nothing; here it is
 * ESPIPE.
 */
#include "vfs/anon_inode.h"

#include <errno.h>

enum {
    ANON_DEV = 0x0e, /* st_dev of all of them */
    ANON_NR = 1,
};

void anon_inode_init(struct inode *inode, const struct inode_ops *ops,
                     const struct file_ops *file_ops)
{
    inode_init(inode, ops, file_ops);
    inode->dev = ANON_DEV;
    inode->attr.nr = ANON_NR;
    inode->attr.mode = 0600;
    inode->attr.nlink = 1;
}

int anon_inode_refuse(struct inode **inode, int flags)
{
    (void)inode;
    (void)flags;
    return -ENXIO;
}

int anon_inode_open(struct inode *inode, uint32_t flags, struct file **ret)
{
    int err = file_create(inode, NULL, flags, ret);

    object_put(&inode->object);
    return err;
}
