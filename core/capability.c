/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capabilities as state. Credentials keep what was given up, so that those of a new task have all.
 */
#include "core/capability.h"

#include <errno.h>

struct cap_sets cap_sets_of(const struct cred *cred)
{
    struct cap_sets sets = {.inheritable = cred->cap_inheritable};

    if (cred->euid == 0) {
        sets.permitted = CAP_SETS_ALL & ~cred->cap_dropped;
        sets.effective = sets.permitted & ~cred->cap_lowered;
    }
    return sets;
}

int cap_sets_change(struct cred *cred, const struct cap_sets *sets)
{
    struct cap_sets old = cap_sets_of(cred);
    uint64_t effective = sets->effective & CAP_SETS_ALL;
    uint64_t permitted = sets->permitted & CAP_SETS_ALL;
    uint64_t inheritable = sets->inheritable & CAP_SETS_ALL;

    if ((inheritable & ~(old.inheritable | old.permitted)) != 0 ||
        (permitted & ~old.permitted) != 0 || (effective & ~permitted) != 0)
        return -EPERM;
    cred->cap_inheritable = inheritable;
    if (cred->euid == 0) {
        cred->cap_dropped = CAP_SETS_ALL & ~permitted;
        cred->cap_lowered = permitted & ~effective;
    }
    return 0;
}

void cap_sets_exec(struct cred *cred)
{
    cred->cap_dropped = cred->cap_lowered = 0;
}
