/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a process or thread that are rows of numbers: stat, statm, schedstat (proc(5)). What
 * is not counted here is 0.
 */
#include <inttypes.h>

#include "core/base/host.h"
#include "core/procfs/facts.h"
#include "core/procfs/nodes.h"

enum { PAGE = 4096 };

/* Fields 1 to 22. */
static int show_first(const struct facts *f, struct bytes *ret)
{
    int err = bytes_printf(ret, "%d (%s) %c %d %d %d 0 -1 4194304 %" PRIu64 " %" PRIu64 " 0 0 ",
                           f->tid, f->comm, f->state, f->ppid, f->pgid, f->sid, f->used.faults,
                           f->child_used.faults);

    if (err < 0)
        return err;
    return bytes_printf(
        ret, "%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %d %d %u 0 %" PRId64 " ",
        facts_ticks(f->used.user), facts_ticks(f->used.system), facts_ticks(f->child_used.user),
        facts_ticks(f->child_used.system), sched_shown_priority(&f->sched), f->sched.nice,
        f->threads, facts_ticks(f->start_time));
}

/* Fields 23 to 38. */
static int show_middle(const struct facts *f, struct bytes *ret)
{
    int err = bytes_printf(ret, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %d %d %" PRIu64 " 0 0 ",
                           f->usage.size, f->usage.resident / PAGE,
                           (uint64_t)f->limits[RLIMIT_RSS].rlim_cur, f->is_private, f->is_private,
                           f->is_private ? 0 : f->stack_start);

    if (err < 0)
        return err;
    return bytes_printf(ret, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " 0 0 0 %d ",
                        f->pending & INT32_MAX, f->blocked & INT32_MAX, f->ignored & INT32_MAX,
                        f->caught & INT32_MAX, f->exit_signal);
}

/* Fields 39 to 52. */
static int show_last(const struct facts *f, struct bytes *ret)
{
    const struct facts hidden = {0};
    const struct facts *at = f->is_private ? &hidden : f;

    return bytes_printf(ret,
                        "0 %" PRIu32 " %" PRIu32 " 0 0 0 0 0 %" PRIu64 " %" PRIu64 " %" PRIu64
                        " %" PRIu64 " %" PRIu64 " %d\n",
                        f->sched.priority, f->sched.policy, at->brk_start, at->arg_start,
                        at->arg_end, at->env_start, at->env_end, at->exit_status);
}

int show_stat(const struct pseudo_place *place, struct bytes *ret)
{
    struct facts facts;

    int err = facts_get(place, &facts);
    if (err == 0)
        err = show_first(&facts, ret);
    if (err == 0)
        err = show_middle(&facts, ret);
    return err < 0 ? err : show_last(&facts, ret);
}

int show_statm(const struct pseudo_place *place, struct bytes *ret)
{
    struct facts f;

    int err = facts_get(place, &f);
    if (err < 0)
        return err;
    return bytes_printf(ret, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " 0 %" PRIu64 " 0\n",
                        f.usage.size / PAGE, f.usage.resident / PAGE, f.usage.shared / PAGE,
                        f.usage.text / PAGE, (f.usage.data + f.usage.stack) / PAGE);
}

int show_schedstat(const struct pseudo_place *place, struct bytes *ret)
{
    struct facts f;

    int err = facts_get(place, &f);
    return err < 0 ? err
                   : bytes_printf(ret, "%" PRId64 " 0 0\n", (int64_t)(f.used.user + f.used.system));
}
