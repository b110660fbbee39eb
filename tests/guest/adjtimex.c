/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of the clock's adjustment. Calls: adjtimex clock_adjtime */
#include <string.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <time.h>

#include "check.h"

int main(void)
{
    struct timex state;
    time_t before = time(NULL);
    memset(&state, 0, sizeof(state));
    CHECK(syscall(SYS_adjtimex, &state) >= 0);
    CHECK(state.time.tv_sec >= before && state.tick >= 9000 && state.tick <= 11000);
    memset(&state, 0, sizeof(state));
    CHECK(syscall(SYS_clock_adjtime, CLOCK_REALTIME, &state) >= 0);
    CHECK(state.time.tv_sec >= before);
    CHECK_ERRNO(syscall(SYS_clock_adjtime, CLOCK_MONOTONIC, &state), EOPNOTSUPP);
    CHECK_ERRNO(syscall(SYS_clock_adjtime, 999, &state), EINVAL);
    CHECK_ERRNO(syscall(SYS_adjtimex, 8), EFAULT);
    printf("read\n");
    return 0;
}
