/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a sandbox. The process is about to exit and the host would free everything faster, so
 * this is for finding mistakes: whatever is counted has to be back at nothing. A sandbox ends with
 * its last task, frozen under an image that goes on elsewhere, or half made by a start that failed;
 * all three come apart here.
 */
#include "core/sandbox/teardown.h"

#include <errno.h>
#include <inttypes.h>

#include "core/base/host.h"
#include "core/sandbox/sanitizer.h"

enum { FIRST_FREE_FD = CONTROL_START_FD + 1, FD_END = 256 };

/* Whoever restores the image under the same name waits for these only. */
static void free_name(struct control_start *start)
{
    (void)host_close(start->listener);
    (void)host_close(start->lock);
    start->listener = start->lock = -1;
}

static unsigned count_descriptors(void)
{
    unsigned count = 0;

    for (int fd = FIRST_FREE_FD; fd < FD_END; fd++)
        count += host_fcntl_getfl(fd) != -EBADF;
    return count;
}

static bool free_kernel(struct kernel *kernel)
{
    kernel_stop(kernel);
    kernel_drop_machine(kernel);
    size_t objects = object_live_count();
    uint64_t memory = memfile_owned_size(kernel->memfile);
    if (objects != 0 || memory != 0)
        host_log(LOG_ERROR, "left at the end: %zu objects, %" PRIu64 " bytes of guest memory",
                 objects, memory);
    kernel_free(kernel);
    return objects == 0 && memory == 0;
}

bool teardown(struct kernel *kernel, struct control_start *start)
{
    free_name(start);
    bool is_clean = kernel == NULL || free_kernel(kernel);
    control_start_fini(start);
    unsigned descriptors = count_descriptors();
    if (descriptors != 0)
        host_log(LOG_ERROR, "left at the end: %u descriptors", descriptors);
    return !sanitizer_finds_leaks() && descriptors == 0 && is_clean;
}
