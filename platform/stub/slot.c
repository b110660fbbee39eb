/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots of the control file. One belongs to a stub until its process has been reaped, for two mm
 * threads on one slot would carry out each other's commands.
 *
 * A parent that is killed in the middle of a fork leaves open whether there is a child. Its slot is
 * retired with a question in it, which the child, if there is one, answers with its pid as soon as
 * it runs; whoever looks for a slot later looks for such answers first. A slot that nobody answers
 * for is not used again.
 */
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "core/base/host.h"
#include "platform/stub/stub.h"

static uint64_t bit_of(unsigned slot)
{
    return UINT64_C(1) << slot % 64;
}

uint64_t slot_offset(unsigned slot)
{
    return CONTROL_SLOTS + (uint64_t)slot * SLOT_SIZE;
}

char *slot_memory(const struct stub_platform *platform, unsigned slot)
{
    return platform->control_memory + slot_offset(slot);
}

void stub_reap(pid_t pid)
{
    (void)kill(pid, SIGKILL);
    while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
        continue;
}

/* A child that nobody knew of goes, and its slot is free again. */
static void look_for_orphan(struct stub_platform *platform, unsigned slot)
{
    struct answer_page *answer = (struct answer_page *)(slot_memory(platform, slot) + SLOT_ANSWER);

    if (atomic_load_explicit(&answer->seq, memory_order_acquire) == 0)
        return;
    if (!(atomic_fetch_and(&platform->retired[slot / 64], ~bit_of(slot)) & bit_of(slot)))
        return; /* another thread was faster */
    stub_reap(answer->value);
    atomic_fetch_sub(&platform->retired_count, 1);
    slot_give(platform, slot);
}

static void look_for_orphans(struct stub_platform *platform)
{
    for (unsigned word = 0; word < SLOT_WORDS; word++) {
        uint64_t retired = atomic_load(&platform->retired[word]);
        for (; retired != 0; retired &= retired - 1)
            look_for_orphan(platform, word * 64 + (unsigned)__builtin_ctzll(retired));
    }
}

void slot_retire(struct stub_platform *platform, struct stub *child)
{
    const struct stub_call question = {.nr = SYS_getpid, .cookie = 1};
    unsigned slot = child->slot;

    stub_post(child, &question, 1);
    atomic_fetch_add(&platform->retired_count, 1);
    atomic_fetch_or(&platform->retired[slot / 64], bit_of(slot));
}

int slot_take(struct stub_platform *platform, unsigned *ret)
{
    if (atomic_load(&platform->retired_count) != 0)
        look_for_orphans(platform);
    for (unsigned word = 0; word < SLOT_WORDS; word++) {
        uint64_t used = atomic_load(&platform->slots[word]);
        while (~used != 0) {
            unsigned slot = word * 64 + (unsigned)__builtin_ctzll(~used);
            used = atomic_fetch_or(&platform->slots[word], bit_of(slot));
            if (!(used & bit_of(slot))) {
                *ret = slot;
                return 0;
            }
        }
    }
    return -EAGAIN;
}

void slot_give(struct stub_platform *platform, unsigned slot)
{
    atomic_fetch_and(&platform->slots[slot / 64], ~bit_of(slot));
}

void slots_fini(struct stub_platform *platform)
{
    for (int patience = 20; patience > 0 && atomic_load(&platform->retired_count) != 0;
         patience--) {
        look_for_orphans(platform);
        host_sleep(NSEC_PER_MSEC);
    }
    for (unsigned word = 0; word < SLOT_WORDS; word++)
        assert(atomic_load(&platform->slots[word]) == atomic_load(&platform->retired[word]));
}
