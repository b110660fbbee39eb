/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { CRED_GROUPS_MAX = 64 };

/* Credentials (credentials(7)); a plain value, part of a task. */
struct cred {
    uint32_t uid, euid, suid, fsuid;
    uint32_t gid, egid, sgid, fsgid;
    /* Capabilities that root has given up, or not raised; and what exec may keep. State only. */
    uint64_t cap_dropped, cap_lowered, cap_inheritable;
    uint32_t group_count;
    uint32_t groups[CRED_GROUPS_MAX]; /* supplementary */
};

/* Root inside: fsuid 0 passes all permission checks but execute of files without an x bit. */
bool cred_is_privileged(const struct cred *cred);
bool cred_in_group(const struct cred *cred, uint32_t gid);
/* mask: R_OK | W_OK | X_OK. 0 or -EACCES. */
int cred_check(const struct cred *cred, uint32_t mode, uint32_t uid, uint32_t gid, int mask);
