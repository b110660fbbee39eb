/* SPDX-License-Identifier: Apache-2.0 */
/* sbx: one program for all verbs. checkpoint, restore and inspect are programs of their own, too.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "core/base/container.h"
#include "tools/donation.h"
#include "tools/error.h"
#include "tools/verbs.h"

static const struct verb {
    const char *name;
    const char *about;
    int (*run)(int argc, char **argv);
} verbs[] = {
    {"run", "run a program in a new sandbox", run_main},
    {"list", "list the sandboxes", list_main},
    {"state", "print the state of a sandbox", state_main},
    {"kill", "send a signal to a sandbox", kill_main},
    {"pause", "stop a sandbox for a while", pause_main},
    {"resume", "let a paused sandbox go on", resume_main},
    {"checkpoint", "save a sandbox as an image", checkpoint_main},
    {"restore", "restore a sandbox from an image", restore_main},
    {"inspect", "look into an image", inspect_main},
};

static void print_help(void)
{
    (void)printf(
        "usage: sbx VERB …\nRuns programs in sandboxes that can be saved and restored.\n\n");
    for (size_t i = 0; i < ARRAY_COUNT(verbs); i++)
        (void)printf("  %-12s %s\n", verbs[i].name, verbs[i].about);
    (void)printf("\nEach has --help.\n");
}

int main(int argc, char **argv)
{
    (void)signal(SIGXFSZ, SIG_IGN); /* a write beyond the limit says EFBIG */
    donation_open_stdio();
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        print_help();
        return 0;
    }
    for (size_t i = 0; argc >= 2 && i < ARRAY_COUNT(verbs); i++)
        if (strcmp(argv[1], verbs[i].name) == 0)
            return verbs[i].run(argc - 1, argv + 1);
    if (argc < 2)
        error_print("a verb is missing (see sbx --help)");
    else
        error_print("\"%s\" is no verb (see sbx --help)", argv[1]);
    return EXIT_CODE_USAGE;
}
