/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/mm/space.h"

/* A kernel of memory only, address spaces in it, and guests that load and store. */

extern struct kernel *mm_kernel;

/* cmocka fixtures of one test: without a platform (address spaces then have no stub), or with one.
 * tear_down checks that no object, no memory of a run and no process is left. */
int mm_world_set_up(void **state);
int mm_world_set_up_platform(void **state);
int mm_world_tear_down(void **state);

/* An address space; a stub if there is a platform. */
struct mm *mm_new(void);
/* An anonymous private map; must succeed. */
guest_addr_t mm_map(struct mm *mm, guest_addr_t address, uint64_t size, int prot, int flags);
#define ANYWHERE 0
enum { RW = PROT_READ | PROT_WRITE, PRIVATE = MAP_PRIVATE, SHARED = MAP_SHARED };

/* Files to map, references: in memory, or of the host. */
struct file *mm_file(const void *content, size_t size, uint32_t flags);
struct file *mm_host_file_new(const void *content, size_t size, bool is_writable);
struct mapping *mm_mapping_of(struct file *file);

/* A guest of mm, one at a time a thread: attached until guest_stop. */
struct mm_guest {
    struct mm *mm;
    struct context *context;
    struct guest_regs regs;
    struct mm_last_fault last_fault;
    unsigned faults;  /* that mm_fault resolved */
    int signal, code; /* of the last run: 0, or what it would have got */
};
void mm_guest_start(struct mm_guest *guest, struct mm *mm);
void mm_guest_stop(struct mm_guest *guest);
/* One access by guest code. True: done; else signal and code say why not. */
bool mm_guest_load(struct mm_guest *guest, guest_addr_t address, uint64_t *ret);
bool mm_guest_store(struct mm_guest *guest, guest_addr_t address, uint64_t value);
bool mm_guest_jump(struct mm_guest *guest, guest_addr_t address);
/* Runs from regs until a system call or a signal. */
bool mm_guest_run(struct mm_guest *guest);

/* The kernel's way to a word; fails the test on EFAULT. */
uint64_t mm_peek(struct mm *mm, guest_addr_t address);
void mm_poke(struct mm *mm, guest_addr_t address, uint64_t value);

/* Asserts what space.h and pma.h promise of the two trees. */
void mm_check(struct mm *mm);
