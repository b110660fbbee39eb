/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "snapshot/image_dir.h"
#include "tools/launch.h"

/* A sandbox that this tool has started and stays with. */
struct foreground {
    const char *name;
    int state_dir;
    struct launch launch;
    int signals;                  /* of foreground_catch_signals */
    bool is_detached;             /* only until it has started */
    bool has_stats;               /* prints figures on stderr */
    struct image_dir *checkpoint; /* of --checkpoint-at; NULL: none */
    const char *image_path;       /* where it goes */
    bool has_started;             /* set here */
};

/* Blocks the signals that are to be handed on and returns a signalfd; before the launch. */
int foreground_catch_signals(void);
/* Hands on signals, prints what has to be said, commits a checkpoint; returns the tool's exit code
 * when the sandbox has ended, or has started and is detached. */
int foreground_wait(struct foreground *foreground);
