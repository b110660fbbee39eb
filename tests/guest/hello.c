/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest program that says something. Calls: write exit_group */
#include "check.h"

int main(int argc, char **argv)
{
    CHECK(argc == 1 && argv[0][0] != 0);
    printf("hello\n");
    return 3;
}
