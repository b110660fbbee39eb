/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/* Private to core/base: first in every host call that can fail. 0, or the negative errno with which
 * a test wants it to fail (host_call_fail_at). */
int host_inject(void);

/* The result of a libc call: what it gave, or -errno. */
ptrdiff_t host_result(ptrdiff_t result);
