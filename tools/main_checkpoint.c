/* SPDX-License-Identifier: Apache-2.0 */
/* sbx-checkpoint, the program. */
#include "tools/donation.h"
#include "tools/verbs.h"

int main(int argc, char **argv)
{
    donation_open_stdio();
    return checkpoint_main(argc, argv);
}
