/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host calls that fail because a test wants it. Off, it costs one load.
 */
#include "core/base/host_inject.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>

#include "core/base/host.h"

static atomic_ulong calls_left; /* 0: off */
static atomic_int injected;

void host_call_fail_at(unsigned long n, int err)
{
    assert(n == 0 || err < 0);
    atomic_store(&injected, err);
    atomic_store(&calls_left, n);
}

int host_inject(void)
{
    unsigned long left = atomic_load_explicit(&calls_left, memory_order_relaxed);

    while (left > 0) {
        if (atomic_compare_exchange_weak(&calls_left, &left, left - 1))
            return left == 1 ? atomic_load(&injected) : 0;
    }
    return 0;
}

ptrdiff_t host_result(ptrdiff_t result)
{
    return result < 0 ? -errno : result;
}
