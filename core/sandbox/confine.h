/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "core/control.h"

/*
 * The steps by which the process gives up what it does not need, in this order. Each returns 0 or
 * -errno with the step's name in reason.
 */
struct confinement {
    const char *step; /* what failed */
};

/* New user, mount, pid, network, ipc and uts namespaces where the host allows them; returns in a
 * new process, the first one of the pid namespace, and 1 in the old one, which has nothing left to
 * do. */
int confine_namespaces(struct confinement *confinement);
/* A read-only tree as the root, with clones of the donated directories and nothing else: nothing of
 * the host can be named any more. The root descriptors of start are those of the clones then. */
int confine_root(struct confinement *confinement, struct control_start *start);
/* Its two halves: clones, before the new root covers a place; then they are put into the working
 * directory. */
int roots_clone(struct control_start *start);
int roots_attach(struct control_start *start);
/* Capabilities go but those that reading and writing the donated directories needs; exec cannot
 * bring them back. */
int confine_capabilities(struct confinement *confinement);
/* The seccomp allow-list: from here on no file is opened but below donated directories, and no
 * program is executed. For all threads there are and will be. */
int confine_filter(struct confinement *confinement);
