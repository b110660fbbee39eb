/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The working set of an image: chunks that are stored first and read first by a lazy restore. It is
 * a guess, and nothing but speed depends on it.
 */
#include "core/checkpoint.h"

#include <errno.h>

#include "core/base/host.h"
#include "core/kernel.h"
#include "core/pager.h"

enum { RECENT_MAX = 1024 };

struct guess {
    struct kernel *kernel;
    struct working_set *set;
    uint8_t *is_in; /* a bit a chunk */
};

static void add_chunk(struct guess *guess, uint64_t chunk)
{
    uint8_t bit = (uint8_t)(1u << chunk % 8);

    if (guess->set->count == WORKING_SET_MAX || guess->is_in[chunk / 8] & bit)
        return;
    guess->is_in[chunk / 8] |= bit;
    guess->set->chunks[guess->set->count++] = chunk;
}

static void add_address(struct guess *guess, struct mm *mm, guest_addr_t address)
{
    uint64_t offset;

    if (mm_place_of(mm, address, &offset))
        add_chunk(guess, offset / MEM_CHUNK);
}

static int add_registers(struct process *process, void *context)
{
    struct guess *guess = context;
    struct task *task;

    TAILQ_FOREACH(task, &process->tasks, link) {
        const uint64_t *registers = (const uint64_t *)&task->regs;

        add_address(guess, task->mm, task->regs.rip);
        add_address(guess, task->mm, task->regs.rsp);
        for (size_t i = 0; i < sizeof(task->regs) / sizeof(*registers); i++)
            add_address(guess, task->mm, registers[i]);
    }
    return 0;
}

static int add_written(struct guess *guess)
{
    uint64_t *recent = host_alloc(RECENT_MAX, sizeof(*recent));
    size_t count;

    if (recent == NULL)
        return -ENOMEM;
    count = memfile_list_written(guess->kernel->memfile, recent, RECENT_MAX);
    for (size_t i = 0; i < count; i++)
        add_chunk(guess, recent[i]);
    host_free(recent);
    return 0;
}

int checkpoint_guess_set(struct kernel *kernel, struct working_set *ret)
{
    struct guess guess = {.kernel = kernel, .set = ret};
    const uint64_t *touched;
    size_t count = pager_touched(kernel->pager, &touched);
    int err = -ENOMEM;

    ret->chunks = host_alloc(WORKING_SET_MAX, sizeof(*ret->chunks));
    guess.is_in = host_alloc(memfile_size(kernel->memfile) / MEM_CHUNK / 8 + 1, 1);
    if (ret->chunks != NULL && guess.is_in != NULL) {
        (void)process_list_all(kernel, add_registers, &guess);
        for (size_t i = 0; i < count; i++)
            add_chunk(&guess, touched[i]);
        err = add_written(&guess);
    }
    host_free(guess.is_in);
    return err;
}
