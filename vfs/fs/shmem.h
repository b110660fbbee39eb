/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "vfs/cred.h"
#include "vfs/file.h"

/*
 * Memory that has an inode but no name: shared anonymous memory and memfd. Each is a tmpfs inode
 * under a dentry that stands for itself, so that links and maps show "/memfd:name (deleted)".
 */

/* Returns a reference to a file of size bytes, open for reading and writing; name begins with /,
 * mode are its permissions. */
int shmem_create(const char *name, uint64_t size, uint32_t mode, unsigned seals,
                 const struct cred *cred, struct file **ret);
/* True: inode was made by shmem_create. */
bool shmem_is(const struct inode *inode);

/* F_ADD_SEALS and F_GET_SEALS of any file; -EINVAL where files have no seals. */
int shmem_add_seals(struct file *file, unsigned seals);
int shmem_seals(struct file *file);
