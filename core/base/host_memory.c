/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for kernel objects, with a switch that lets a test fail any one allocation.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/host.h"

static atomic_ulong allocations_left; /* 0: off */

void host_alloc_fail_at(unsigned long n)
{
    atomic_store(&allocations_left, n);
}

static bool must_fail(void)
{
    unsigned long left = atomic_load_explicit(&allocations_left, memory_order_relaxed);

    while (left > 0) {
        if (atomic_compare_exchange_weak(&allocations_left, &left, left - 1))
            return left == 1;
    }
    return false;
}

void *host_alloc(size_t count, size_t size)
{
    size_t total;

    if (must_fail() || __builtin_mul_overflow(count, size, &total))
        return NULL;
    return calloc(1, total);
}

void host_free(void *memory)
{
    free(memory);
}

char *host_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = host_alloc(size, 1);

    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}
