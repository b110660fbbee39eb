/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/* The standard xsave format, as far as its meaning is ours. */
enum {
    XSTATE_MXCSR = 24, /* offsets */
    XSTATE_MXCSR_MASK = 28,
    XSTATE_SOFTWARE = 464, /* 48 bytes that the CPU leaves to software */
    XSTATE_HEADER = 512,
    XSTATE_EXTENDED = 576, /* where the first component after x87 and SSE may be */
    XSTATE_SOFTWARE_SIZE = 48,
    XSTATE_HEADER_SIZE = 64,
    XSTATE_SIZE_MAX = 16384, /* more than any host has, AMX included */
};

#define XFEATURE_X87 (UINT64_C(1) << 0)
#define XFEATURE_SSE (UINT64_C(1) << 1)
#define XFEATURE_PKRU (UINT64_C(1) << 9)
#define XFEATURE_AMX (UINT64_C(3) << 17)

/* Whether the CPU would load the image: 0 or -EINVAL. */
int xstate_check(const void *image);
/* The state of a program that has just been exec'd. */
void xstate_init(void *image);
