/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seats on CPUs. A seat is held from attach to detach, asleep or not: no thread moves later. Two
 * that choose at the same moment may choose the same CPU. The CPUs are those that the sandbox was
 * started with; a host that takes some away unbinds us, and then nothing is bound.
 */
#include "platform/placement.h"

void placement_init(struct placement *placement)
{
    CPU_ZERO(&placement->allowed);
    if (sched_getaffinity(0, sizeof(placement->allowed), &placement->allowed) < 0)
        CPU_ZERO(&placement->allowed);
    placement->allowed_count = CPU_COUNT(&placement->allowed);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        atomic_init(&placement->seats[cpu], 0);
}

int placement_take(struct placement *placement)
{
    unsigned fewest = 0;
    int best = -1;

    if (placement->allowed_count < 2)
        return -1;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &placement->allowed))
            continue;
        unsigned seats = atomic_load_explicit(&placement->seats[cpu], memory_order_relaxed);
        if (best < 0 || seats < fewest) {
            best = cpu;
            fewest = seats;
        }
    }
    atomic_fetch_add_explicit(&placement->seats[best], 1, memory_order_relaxed);
    return best;
}

void placement_give(struct placement *placement, int cpu)
{
    if (cpu >= 0)
        atomic_fetch_sub_explicit(&placement->seats[cpu], 1, memory_order_relaxed);
}

void placement_bind(pid_t tid, int cpu)
{
    cpu_set_t one;

    if (cpu < 0)
        return;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    (void)sched_setaffinity(tid, sizeof(one), &one);
}

void placement_unbind(const struct placement *placement, pid_t tid)
{
    if (placement->allowed_count > 1)
        (void)sched_setaffinity(tid, sizeof(placement->allowed), &placement->allowed);
}
