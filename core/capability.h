/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "vfs/cred.h"

/* Bits 0 to 40: every capability there is. */
#define CAP_SETS_ALL UINT64_C(0x1ffffffffff)

/* The sets of capabilities(7) as they are told. */
struct cap_sets {
    uint64_t effective, permitted, inheritable;
};

/* Root has all that it has not given up, others have none. */
struct cap_sets cap_sets_of(const struct cred *cred);
/* capset(2). -EPERM: more than there is. */
int cap_sets_change(struct cred *cred, const struct cap_sets *sets);
/* exec: root has all again. */
void cap_sets_exec(struct cred *cred);
