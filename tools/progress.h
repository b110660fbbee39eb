/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/control.h"

/* How a checkpoint tells how far it is, on stderr. */
enum progress_mode {
    PROGRESS_AUTO,  /* one line that changes, on a terminal; else nothing */
    PROGRESS_PLAIN, /* lines for people */
    PROGRESS_JSON,  /* an object a line: docs/man/sbx-checkpoint.1 */
    PROGRESS_NONE,
};

struct progress {
    enum progress_mode mode;
    bool is_terminal;
    const char *name;   /* of the sandbox; borrowed */
    int dir;            /* of the image that is written; borrowed */
    int64_t start;      /* ns */
    int64_t last_shown; /* ns */
};

/* --progress auto|plain|json|none */
int progress_parse(const char *text, void *to /* enum progress_mode */);

void progress_start(struct progress *progress, enum progress_mode mode, const char *name, int dir);
/* Shows progress until something can be received on the socket. */
void progress_wait(struct progress *progress, int socket);
/* The last word; stats NULL: it failed, which others say. */
void progress_end(struct progress *progress, const CheckpointStats *stats);
