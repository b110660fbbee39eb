/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The least that a guest needs. Memory is what a test writes into runs; every trap is the test's.
 */
#include "tests/unit/guest_world.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "core/base/host.h"
#include "tests/unit/host_descriptors.h"

struct memfile *world_memfile;
struct platform *world_platform;
static unsigned descriptors;
static uint64_t text_run;
static cpu_set_t cpus;

int world_set_up(void **state)
{
    (void)state;
    descriptors = host_descriptor_count();
    if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
        return -1;
    if (memfile_create(UINT64_C(1) << 30, 0, &world_memfile) < 0)
        return -1;
    if (platform_create("auto", world_memfile, &world_platform) < 0)
        return -1;
    text_run = world_run(4096);
    memcpy(memfile_at(world_memfile, text_run), guest_text, (size_t)(guest_text_end - guest_text));
    return 0;
}

bool world_has_child(void)
{
    siginfo_t info;

    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 || errno != ECHILD;
}

void world_unbind(void)
{
    (void)sched_setaffinity(0, sizeof(cpus), &cpus);
}

int world_tear_down(void **state)
{
    (void)state;
    platform_free(world_platform);
    memfile_free(world_memfile);
    if (world_has_child())
        return -1;
    return host_descriptor_count() == descriptors ? 0 : -1;
}

uint64_t world_run(uint64_t size)
{
    uint64_t offset;

    assert_int_equal(memfile_alloc(world_memfile, size, 0, &offset), 0);
    assert_int_equal(memfile_prepare_write(world_memfile, offset, size), 0);
    return offset;
}

struct aspace_op op_map(uint64_t address, uint64_t size, int prot, uint64_t offset)
{
    return (struct aspace_op){.kind = ASPACE_MAP,
                              .prot = prot,
                              .file = PLATFORM_MEMFILE,
                              .address = address,
                              .size = size,
                              .offset = offset};
}

struct aspace_op op_unmap(uint64_t address, uint64_t size)
{
    return (struct aspace_op){.kind = ASPACE_UNMAP, .address = address, .size = size};
}

struct aspace_op op_protect(uint64_t address, uint64_t size, int prot)
{
    return (struct aspace_op){
        .kind = ASPACE_PROTECT, .prot = prot, .address = address, .size = size};
}

void guest_apply(struct guest *guest, const struct aspace_op *ops, size_t count)
{
    size_t done;

    assert_int_equal(aspace_apply(guest->aspace, ops, count, &done), 0);
    assert_int_equal(done, count);
}

void guest_map(struct guest *guest, uint64_t address, uint64_t size, int prot, uint64_t offset)
{
    struct aspace_op op = op_map(address, size, prot, offset);

    guest_apply(guest, &op, 1);
}

void guest_create_empty(struct guest *guest)
{
    *guest = (struct guest){.data = world_run(GUEST_DATA_SIZE)};
    assert_int_equal(aspace_create(world_platform, &guest->aspace), 0);
    const struct aspace_op ops[] = {
        op_map(GUEST_TEXT, 4096, PROT_READ | PROT_EXEC, text_run),
        op_map(GUEST_DATA, GUEST_DATA_SIZE, PROT_READ | PROT_WRITE, guest->data),
    };
    guest_apply(guest, ops, 2);
    guest->regs = (struct guest_regs){.rsp = GUEST_STACK, .eflags = 0x202};
}

void guest_create(struct guest *guest)
{
    guest_create_empty(guest);
    assert_int_equal(context_create(guest->aspace, &guest->context), 0);
    assert_int_equal(context_attach(guest->context), 0);
}

void guest_free(struct guest *guest)
{
    if (guest->context) {
        context_detach(guest->context);
        context_free(guest->context);
    }
    aspace_free(guest->aspace);
    memfile_put(world_memfile, guest->data, GUEST_DATA_SIZE);
    *guest = (struct guest){0};
}

uint64_t *guest_word(struct guest *guest, uint64_t address)
{
    return (uint64_t *)memfile_at(world_memfile, guest->data + (address - GUEST_DATA));
}

enum trap_kind guest_resume(struct guest *guest)
{
    context_enter(guest->context, &guest->regs, &guest->trap);
    return guest->trap.kind;
}

enum trap_kind guest_enter(struct guest *guest, uint64_t rip)
{
    guest->regs.rip = rip;
    return guest_resume(guest);
}
