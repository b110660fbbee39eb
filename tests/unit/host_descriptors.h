/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <dirent.h>

/* Descriptors that this process has open: the same before and after a test. */
static inline unsigned host_descriptor_count(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned count = 0;

    while (dir && readdir(dir))
        count++;
    if (dir)
        closedir(dir);
    return count;
}
