/* SPDX-License-Identifier: Apache-2.0 */
/* sbx-inspect. */
#include "tools/verbs.h"

int inspect_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return 2;
}
