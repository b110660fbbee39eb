/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random bytes of the host: always all of them.
 */
#include <assert.h>
#include <errno.h>
#include <sys/random.h>

#include "core/base/host.h"

void host_random(void *to, size_t size)
{
    size_t done = 0;

    while (done < size) {
        ssize_t count = getrandom((char *)to + done, size - done, 0);
        assert(count > 0 || errno == EINTR);
        done += count > 0 ? (size_t)count : 0;
    }
}
