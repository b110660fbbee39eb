/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials: permission bits against who asks. ACLs and single capabilities are absent: fsuid 0
 * has all of them.
 */
#include "vfs/cred.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

bool cred_is_privileged(const struct cred *cred)
{
    return cred->fsuid == 0;
}

bool cred_in_group(const struct cred *cred, uint32_t gid)
{
    if (cred->fsgid == gid)
        return true;
    for (uint32_t i = 0; i < cred->group_count; i++) {
        if (cred->groups[i] == gid)
            return true;
    }
    return false;
}

int cred_check(const struct cred *cred, uint32_t mode, uint32_t uid, uint32_t gid, int mask)
{
    uint32_t granted = mode;

    if (cred_is_privileged(cred)) {
        bool is_executable = S_ISDIR(mode) || (mode & 0111) != 0;
        return (mask & X_OK) == 0 || is_executable ? 0 : -EACCES;
    }
    if (cred->fsuid == uid)
        granted >>= 6;
    else if (cred_in_group(cred, gid))
        granted >>= 3;
    return ((uint32_t)mask & ~granted & 07) == 0 ? 0 : -EACCES;
}
