/* SPDX-License-Identifier: Apache-2.0 */
/* Builds without sanitizers: nothing is kept, nothing is added. */
#include "core/sandbox/sanitizer.h"

int sanitizer_keep(void)
{
    return 0;
}

int sanitizer_allow(void *filter)
{
    (void)filter;
    return 0;
}

bool sanitizer_finds_leaks(void)
{
    return false;
}
