/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <bsd/sys/queue.h>

#include "core/base/lock.h"
#include "core/base/uio.h"
#include "platform/memfile.h"
#include "snapshot/snapshot.h"

/*
 * The pages of one inode (Linux: address_space). Those of tmpfs, of the upper layer and of shared
 * anonymous memory are runs of the memfile, made when first needed, in whole chunks; those of a host
 * file are the host's. Address spaces that map it are its users, whom truncate tells.
 */
struct mapping_user {
    /* Pages from offset (bytes, page-aligned) to the end are gone, or have moved (a copy-up):
     * unmap what is mapped of them. Called with no lock of vfs held but LOCK_MAPPING's users list
     * kept stable by a reference. */
    void (*changed)(struct mapping_user *user, uint64_t offset);
    LIST_ENTRY(mapping_user) link;
};

/* A host file that pages are mapped from; one a mapping. */
struct host_pages {
    int fd;         /* readable; owned */
    int platform;   /* number in the stubs, -1: not given yet; written by core under lock */
    void *window;   /* read-only map of the file in this process, or NULL */
    uint64_t window_size;
};

struct mapping_extent; /* pages of the file in one run */

struct mapping {
    struct mutex lock; /* LOCK_MAPPING */
    struct memfile *memfile;
    struct mapping_extent *extents; /* hash by chunk number in the file; values: memfile offsets */
    uint64_t size;                  /* of the file, bytes; pages past it: SIGBUS */
    struct host_pages host;         /* fd < 0: memory */
    LIST_HEAD(, mapping_user) users;
};

/* The memfile all mappings of memory take their runs from: set once at start. */
void mapping_set_memfile(struct memfile *memfile);

void mapping_init(struct mapping *mapping);
/* Puts the runs, closes the host file. Nobody uses it. Legal twice. */
void mapping_fini(struct mapping *mapping);
/* Makes it the pages of a host file (fd is taken). */
void mapping_set_host(struct mapping *mapping, int fd, uint64_t size);
bool mapping_is_host(const struct mapping *mapping);

/* The run of the chunk of the file that has offset: sets *ret to the memfile's offset of the file's
 * chunk start, with a reference (memfile_get) if get. Without make: -ENOENT when there is none yet
 * (it reads as zeros). Memory only. */
int mapping_run(struct mapping *mapping, uint64_t offset, bool make, bool get, uint64_t *ret);

/* read(2) and write(2) of memory pages: within size; write extends it. Inside the gate. */
int64_t mapping_read(struct mapping *mapping, struct uio *uio, uint64_t offset);
int64_t mapping_write(struct mapping *mapping, struct uio *uio, uint64_t offset);
/* Changes the size: what is cut off is zeroed or punched, users are told. */
int mapping_truncate(struct mapping *mapping, uint64_t size);
/* Kernel's own bytes, e.g. a copy-up. */
int mapping_write_kernel(struct mapping *mapping, const void *from, size_t size, uint64_t offset);

void mapping_add_user(struct mapping *mapping, struct mapping_user *user);
void mapping_remove_user(struct mapping *mapping, struct mapping_user *user);

/* Memory only: size and runs. A host file's are its inode's to save. */
int mapping_save(const struct mapping *mapping, struct saver *saver, Mapping **ret);
int mapping_load(struct mapping *mapping, struct loader *loader, const Mapping *message);
