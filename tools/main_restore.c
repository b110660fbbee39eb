/* SPDX-License-Identifier: Apache-2.0 */
/* sbx-restore, the program. */
#include <signal.h>

#include "tools/donation.h"
#include "tools/verbs.h"

int main(int argc, char **argv)
{
    (void)signal(SIGXFSZ, SIG_IGN); /* a write beyond the limit says EFBIG */
    donation_open_stdio();
    return restore_main(argc, argv);
}
