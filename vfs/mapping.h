/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>

#include "core/base/lock.h"
#include "core/base/uio.h"
#include "platform/memfile.h"
#include "snapshot/snapshot.h"

struct mapping;

#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020
#endif
#define MAPPING_SEALS                                                                              \
    (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE | F_SEAL_EXEC)

/*
 * The pages of one inode (Linux: address_space). Those of tmpfs, of the upper layer and of shared
 * anonymous memory are runs of the memfile, made when first needed, in whole chunks; those of a
 * host file are the host's. Address spaces that map it are its users, whom truncate tells.
 */
struct mapping_user {
    struct object *owner; /* weak: the address space; it removes the user before it goes */
    /* Pages from offset (bytes, page-aligned) to the end are gone, or have moved (a copy-up: ask
     * inode_ops.mapping again): unmap what is mapped of them. Told once an owner in a row, which is
     * a reference for the time of the call; no lock is held, so the user itself may be gone by now.
     */
    void (*changed)(struct object *owner, struct mapping *mapping, uint64_t offset);
    bool is_writer; /* shared, and writing is or may be allowed: F_SEAL_WRITE has to wait */
    LIST_ENTRY(mapping_user) link;
};

/* A host file that pages are mapped from; one a mapping. */
struct host_pages {
    int fd;       /* readable; owned */
    int platform; /* number in the stubs, -1: not given yet; written by core under lock */
    void *window; /* map of the file in this process, or NULL */
    uint64_t window_size;
    bool is_window_writable; /* what the window allows is core's to know */
    struct host_window *old; /* smaller ones, in which something may be pinned */
};

struct host_window {
    void *start;
    uint64_t size;
    struct host_window *next;
};

struct mapping_extent; /* a chunk of the file, in one chunk of the memfile */
RB_HEAD(mapping_extents, mapping_extent);

struct mapping {
    struct mutex lock;              /* LOCK_MAPPING */
    struct mapping_extents extents; /* by chunk number in the file */
    uint64_t extent_count;
    uint64_t size;          /* of the file, bytes; pages past it: SIGBUS */
    unsigned seals;         /* F_SEAL_* */
    struct host_pages host; /* fd < 0: memory */
    LIST_HEAD(, mapping_user) users;
    size_t user_count;
    size_t writer_count; /* of the users */
};

/* The memfile all mappings of memory take their runs from: set once at start. */
void mapping_set_memfile(struct memfile *memfile);
/* What it has room for, and what is taken: bytes. */
void mapping_space(uint64_t *size, uint64_t *used);
/* While an image is being loaded no mapping may take new runs: which ones are free is known only
 * when all owners have claimed theirs. */
void mapping_set_loading(bool is_loading);
bool mapping_is_loading(void);

void mapping_init(struct mapping *mapping);
/* Puts the runs, closes the host file. Nobody uses it. Legal twice. */
void mapping_fini(struct mapping *mapping);
/* Makes it the pages of a host file (fd is taken). One that has a host file gets the other
 * descriptor of it (open for writing, too) and is new to the stubs. */
void mapping_set_host(struct mapping *mapping, int fd, uint64_t size);
/* Core's: lets go of a host file's number in the stubs. Set once at start. */
void mapping_set_release(void (*release)(int platform));
/* A host file's size, as last seen. */
void mapping_set_size(struct mapping *mapping, uint64_t size);
/* A host file was cut or extended by a guest: tells the users what is gone. */
int mapping_resized(struct mapping *mapping, uint64_t size);
/* The size as it is now: host files are asked. */
uint64_t mapping_size_now(struct mapping *mapping);
bool mapping_is_host(const struct mapping *mapping);

/* The run of the chunk of the file that has offset: sets *ret to the memfile's offset of the file's
 * chunk start, with a reference (memfile_get) if get. Without make: -ENOENT when there is none yet
 * (it reads as zeros). Memory only. */
int mapping_run(struct mapping *mapping, uint64_t offset, bool make, bool get, uint64_t *ret);

/* Gives chunks of [offset, offset + size) that have none yet memory, in a row if that can be, as a
 * hint: what has none afterwards gets it from mapping_run. Memory only. */
void mapping_make(struct mapping *mapping, uint64_t offset, uint64_t size);

/* F_ADD_SEALS: -EPERM: it is sealed against more; -EBUSY: it is mapped for writing. */
int mapping_add_seals(struct mapping *mapping, unsigned seals);
unsigned mapping_seals(struct mapping *mapping);
/* True: no new shared map may write. */
bool mapping_is_write_sealed(struct mapping *mapping);

/* read(2) and write(2) of memory pages: within size; write extends it. Inside the gate. -EFBIG:
 * past the largest size; -EPERM: a seal. */
int64_t mapping_read(struct mapping *mapping, struct uio *uio, uint64_t offset);
int64_t mapping_write(struct mapping *mapping, struct uio *uio, uint64_t offset);
/* Writes at the end; *offset becomes the new end. */
int64_t mapping_append(struct mapping *mapping, struct uio *uio, uint64_t *offset);
uint64_t mapping_size(struct mapping *mapping);
/* Bytes of memory it has. */
uint64_t mapping_memory(struct mapping *mapping);
/* Changes the size: what is cut off is zeroed or punched, users are told. */
int mapping_truncate(struct mapping *mapping, uint64_t size);
/* Kernel's own bytes, e.g. a copy-up. */
int mapping_write_kernel(struct mapping *mapping, const void *from, size_t size, uint64_t offset);

/* Frees or zeroes the bytes of a range; keeps the size. */
int mapping_punch(struct mapping *mapping, uint64_t offset, uint64_t size);

/* Sets memory aside for a range, past the size too: all of it, or -ENOMEM. */
int mapping_reserve(struct mapping *mapping, uint64_t offset, uint64_t size);
/* lseek's SEEK_DATA (is_data) and SEEK_HOLE, by chunks; the end of the file is a hole. -ENXIO. */
int64_t mapping_next(struct mapping *mapping, uint64_t offset, bool is_data);

/* All pages have moved: tells the users (no lock is held). */
int mapping_moved(struct mapping *mapping);
void mapping_add_user(struct mapping *mapping, struct mapping_user *user);
void mapping_remove_user(struct mapping *mapping, struct mapping_user *user);

/* Memory only: size and runs. A host file's are its inode's to save. */
int mapping_save(const struct mapping *mapping, struct saver *saver, Mapping **ret);
int mapping_load(struct mapping *mapping, struct loader *loader, const Mapping *message);
