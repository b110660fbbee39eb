/* SPDX-License-Identifier: Apache-2.0 */
/* For guest programs. They exit 0 (passed), 1 (failed, with the place on stderr) or 77 (skipped,
 * with the reason), and print on stdout what is the same on every run. Lines are written whole. */
#pragma once

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s (errno %d)\n", __FILE__, __LINE__, #condition, errno);      \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

/* The call answers -1 with this errno. */
#define CHECK_ERRNO(call, code) CHECK((call) == -1 && errno == (code))

/* Looks until it is so: seldom, so that others come to run between two checkpoints, and not for
 * ever. */
#define WAIT_FOR(condition)                                                                        \
    for (int looks_ = 0; !(condition); usleep(20000))                                              \
    CHECK(++looks_ < 1000)

#define SKIP(reason)                                                                               \
    do {                                                                                           \
        printf("skipped: %s\n", reason);                                                           \
        exit(77);                                                                                  \
    } while (0)

__attribute__((constructor)) static void check_start(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
}
