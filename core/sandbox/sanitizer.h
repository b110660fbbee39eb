/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

/*
 * What the runtimes of AddressSanitizer and ThreadSanitizer need in the sandbox process. In builds
 * without them these do nothing. docs/sanitizers.md says what such builds give up.
 */

/* In the directory that is about to become the root: keeps what reports are made from. */
int sanitizer_keep(void);
/* Adds system calls to the filter, a scmp_filter_ctx: 0 or -errno. */
int sanitizer_allow(void *filter);
/* At the end, with nothing allocated but what lives as long as the process: reports leaks. */
bool sanitizer_finds_leaks(void);
