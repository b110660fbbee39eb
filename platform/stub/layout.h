/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What stub.S, which runs in the stubs, and the sandbox process agree on. The stub region lies
 * above everything that a guest may use and is the same in every stub:
 *
 *   TEXT    R-X  the code of the stub, from a sealed file
 *   CONFIG  R--  the two filters; one for the sandbox
 *   BOX     RW-  where host files are received; in the template only
 *   COMMAND R--  what the mm thread is to do        \
 *   ANSWER  R--  what came of it, by pwrite          >  one slot of the control file a stub
 *   THREADS R--  64 bytes for each app thread       /
 *
 * Above THREADS there is room for pages of the app threads (hand-over, signal stacks), which a back
 * end that needs them adds to the end of the control file.
 */
#define STUB_BASE 0x7ffff0000000
#define STUB_TASK_END 0x7ffffffff000
/* Upper half of the first address that no guest range may reach: GUEST_ADDRESS_END. */
#define STUB_GUEST_END_HIGH 0x7ffe

#define STUB_TEXT STUB_BASE
#define STUB_TEXT_SIZE 0x1000
#define STUB_CONFIG (STUB_BASE + 0x1000)
#define STUB_CONFIG_SIZE 0x2000
#define STUB_BOX (STUB_BASE + 0x3000)
#define STUB_BOX_SIZE 0x1000
#define STUB_COMMAND (STUB_BASE + 0x10000)
#define STUB_ANSWER (STUB_BASE + 0x11000)
#define STUB_THREADS (STUB_BASE + 0x12000)
#define STUB_THREADS_SIZE (STUB_THREAD_SIZE * STUB_THREAD_COUNT)
#define STUB_THREAD_SIZE 64
#define STUB_THREAD_COUNT 512

/* The control file: CONFIG, BOX, then the slots. */
#define CONTROL_CONFIG 0
#define CONTROL_BOX 0x3000
#define CONTROL_SLOTS 0x10000
#define SLOT_SIZE 0x10000
#define SLOT_COUNT 16384
#define SLOT_MAP_SIZE (0x2000 + STUB_THREADS_SIZE)
#define SLOT_ANSWER 0x1000
#define SLOT_THREADS 0x2000
#define CONTROL_SIZE (CONTROL_SLOTS + SLOT_SIZE * SLOT_COUNT)

/* Offsets in the control file fit 32 bits, and what is below the slots numbers app threads. */
#define COMMAND_CALLS 63

/* Descriptors: all stubs of a sandbox share one table. */
#define STUB_FD_CONTROL 0
#define STUB_FD_MEMFILE 1
#define STUB_FD_SOCKET 2 /* host files arrive here */
#define STUB_FD_IMAGE 3  /* the stub's own file, closed by its first instructions */
#define STUB_FD_HOST 3   /* the first host file */
#define STUB_FD_LIMIT 65536

/* CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM */
#define STUB_THREAD_FLAGS 0x50f00
/* CLONE_PARENT | CLONE_FILES | SIGCHLD */
#define STUB_FORK_FLAGS 0x8411

/* Younger than the C library. */
#define STUB_MADV_COLLAPSE 25

/* In CONFIG: two struct sock_fprog, then the pid of the sandbox process. */
#define CONFIG_MM_FILTER 0
#define CONFIG_APP_FILTER 16
#define CONFIG_PARENT 32
#define CONFIG_PROGRAMS 64

/* In the file that is exec'd. */
#define STUB_IMAGE_TEXT 0x1000
#define STUB_IMAGE_LINK 0x200000
