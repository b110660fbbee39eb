/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "platform/memfile.h"
#include "platform/platform.h"

/* A platform and bare guests for its tests: guest_text.S at GUEST_TEXT, 64 KB of memory, no kernel.
 */
enum { GUEST_TEXT = 0x400000, GUEST_DATA = 0x500000, GUEST_DATA_SIZE = 0x10000 };
#define GUEST_STACK (GUEST_DATA + GUEST_DATA_SIZE)
#define GUEST_NOTHING 0x700000 /* never mapped by guest_create */

extern const char guest_text[], guest_text_end[];

/* Where a snippet of guest_text.S is in a guest. */
#define GUEST_AT(name)                                                                             \
    ({                                                                                             \
        extern const char guest_##name[];                                                          \
        GUEST_TEXT + (uint64_t)(guest_##name - guest_text);                                        \
    })

struct guest {
    struct aspace *aspace;
    struct context *context;
    struct guest_regs regs;
    struct trap trap;
    uint64_t data; /* the run at GUEST_DATA */
};

/* What set_up made, for all tests of a program. */
extern struct memfile *world_memfile;
extern struct platform *world_platform;

/* cmocka fixtures of one test. The second checks that no process, thread or descriptor is left. */
int world_set_up(void **state);
int world_tear_down(void **state);

/* A run of the memfile, zeroed, that the test may write through memfile_at. */
uint64_t world_run(uint64_t size);
/* Whether this process has a child, dead or alive. */
bool world_has_child(void);
/* A thread made by one that is attached would share its CPU: lets the caller run anywhere. */
void world_unbind(void);

/* Address space, text, data; with a context attached to the caller. */
void guest_create(struct guest *guest);
void guest_free(struct guest *guest);
/* The same without its context, for tests that make their own. */
void guest_create_empty(struct guest *guest);

struct aspace_op op_map(uint64_t address, uint64_t size, int prot, uint64_t offset);
struct aspace_op op_unmap(uint64_t address, uint64_t size);
struct aspace_op op_protect(uint64_t address, uint64_t size, int prot);
/* All of it must succeed. */
void guest_apply(struct guest *guest, const struct aspace_op *ops, size_t count);
void guest_map(struct guest *guest, uint64_t address, uint64_t size, int prot, uint64_t offset);

/* The word of the guest's data, by its address. */
uint64_t *guest_word(struct guest *guest, uint64_t address);
/* Enters at rip; the trap is in guest->trap. */
enum trap_kind guest_enter(struct guest *guest, uint64_t rip);
enum trap_kind guest_resume(struct guest *guest);
