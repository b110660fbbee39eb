/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/*
 * The page behind the vDSO's text: read by guests, written by the kernel. Images hold it together
 * with the text that reads it, which a newer kernel keeps: its layout never changes.
 */
enum vdso_mode { VDSO_MODE_CALL, VDSO_MODE_TSC };

struct vdso_data {
    uint32_t sequence; /* odd while it is being written */
    uint32_t mode;     /* enum vdso_mode: CALL: ask the kernel */
    uint64_t tsc;      /* of the moment that the times below mean */
    uint64_t scale;    /* ns a tick, times 2^32 */
    int64_t monotonic; /* ns */
    int64_t realtime;  /* ns */
};
