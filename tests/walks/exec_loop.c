/* SPDX-License-Identifier: Apache-2.0 */
/* Executes itself again and again, and says how often; each time memory is checked. */
#include <string.h>

#include "check.h"

static char data[100000] = "initialised", zeros[100000];

int main(int argc, char **argv)
{
    char next[16];
    int count = argc > 1 ? atoi(argv[1]) : 0, limit = argc > 2 ? atoi(argv[2]) : 300;
    CHECK(strcmp(data, "initialised") == 0);
    for (size_t i = 0; i < sizeof(zeros); i += 4096)
        CHECK(zeros[i] == 0);
    memset(data, 'd', sizeof(data));
    memset(zeros, 'z', sizeof(zeros));
    if (count % 20 == 0)
        printf("exec %d\n", count);
    if (count == limit)
        return 5;
    snprintf(next, sizeof(next), "%d", count + 1);
    execl("/proc/self/exe", argv[0], next, argc > 2 ? argv[2] : "300", NULL);
    CHECK(0);
}
