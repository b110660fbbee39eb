/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "core/control.h"
#include "snapshot/manifest.h"
#include "snapshot/report.h"
#include "tools/options.h"

/* SRC:DST[:ro|:rw] of a command line. */
struct bind {
    char *text; /* what the two point into; allocated */
    const char *source;
    const char *name; /* absolute, plain */
    bool is_writable;
};

/* -EINVAL: it is none. DST may be / only if with_root. */
int bind_parse(const char *text, bool with_root, struct bind *ret);
void bind_free(struct bind *bind);

/*
 * Which roots of an image are donated, and from where. Roots that are read only may be. One that is
 * written must be named by a bind of the command line, or all are allowed, or the image is the
 * caller's alone (directory and manifest belong to him and nobody else may write them) and the
 * source is his, too. A bind with the DST of a root gives it another source, and may make it
 * read-only.
 */
struct bind_policy {
    const struct text_list *binds; /* of the command line */
    bool is_all_allowed;           /* --allow-binds */
    bool is_named[CONTROL_ROOTS_MAX];
};

/* Gives roots of the manifest the sources of the command line. Errors are reported. */
void bind_apply(struct bind_policy *policy, Manifest *manifest, struct report *report);
/* Reports what the image (an open directory) may not have; root_fds are of the sources. */
void bind_check(const struct bind_policy *policy, const Manifest *manifest, int image_dir,
                const int *root_fds, struct report *report);
