/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deadlines are absolute in this clock and never touched again: stopping the clock moves them all,
 * on this host and on the next. A sleeper's host deadline may be stale after a thaw; it then wakes
 * too soon, looks at this clock inside the gate and sleeps on.
 */
#include "core/base/clock.h"

#include <assert.h>

#include "core/base/host.h"

nsec_t clock_now(const struct clock *clock)
{
    return clock->is_stopped ? clock->stopped_at : host_clock_now() - clock->offset;
}

nsec_t clock_to_host(const struct clock *clock, nsec_t time)
{
    nsec_t host;

    if (time == NSEC_NEVER || __builtin_add_overflow(time, clock->offset, &host))
        return NSEC_NEVER;
    return host;
}

void clock_stop(struct clock *clock)
{
    assert(!clock->is_stopped);
    clock->stopped_at = clock_now(clock);
    clock->is_stopped = true;
}

void clock_start(struct clock *clock)
{
    assert(clock->is_stopped);
    clock->offset = host_clock_now() - clock->stopped_at;
    clock->is_stopped = false;
}
