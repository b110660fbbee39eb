/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "core/control.h"
#include "snapshot/report.h"

/*
 * The directory where sandboxes are found by name: NAME.sock, the control socket, and NAME.lock,
 * which is locked as long as the sandbox lives and holds the pid of its process.
 */

/* Opens it, made if need be: root (NULL: $SBX_ROOT, /run/sbx for root, $XDG_RUNTIME_DIR/sbx,
 * /tmp/sbx-UID). It must be ours and closed to others. Every error is reported. */
int state_dir_open(const char *root, struct report *report, int *ret);

/* Takes a name: an open, locked descriptor of NAME.lock. What a dead sandbox left is removed.
 * -EEXIST: in use. */
int state_dir_reserve(int dir, const char *name, int *ret_lock);
/* Writes the pid of the sandbox process. */
int state_dir_set_pid(int lock, pid_t pid);
/* Removes what a dead sandbox of that name left; nothing if it lives. */
void state_dir_remove_dead(int dir, const char *name);

/* Writes NAME.sock or the like. */
enum { STATE_FILE_SIZE = CONTROL_NAME_MAX + 8 };
void state_dir_socket_name(const char *name, char ret[STATE_FILE_SIZE]);

struct state_entry {
    char name[CONTROL_NAME_MAX + 1];
    pid_t pid; /* 0: not known yet */
};

/* The living ones, by name; the array is the caller's to free(). Leftovers of dead ones go. */
int state_dir_list(int dir, struct state_entry **ret, size_t *ret_count);
/* -ENOENT: there is no such sandbox. */
int state_dir_find(int dir, const char *name, struct state_entry *ret);
