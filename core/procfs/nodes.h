/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "vfs/fs/pseudofs.h"

/* The parts of the tree, each in the file of its name; lists end with a nameless node. */

/* process.c: the directory of a process, and the list of all */
extern const struct pseudo_node process_node;
int processes_list(const struct pseudo_place *dir, pseudo_number_fn *fn, void *context);
/* sys.c */
extern const struct pseudo_node sys_nodes[], sbx_nodes[];

/* status.c */
int show_stat(const struct pseudo_place *place, struct bytes *ret);
int show_status(const struct pseudo_place *place, struct bytes *ret);
int show_statm(const struct pseudo_place *place, struct bytes *ret);
int show_comm(const struct pseudo_place *place, struct bytes *ret);
/* memory.c */
int show_maps(const struct pseudo_place *place, struct bytes *ret);
int show_cmdline(const struct pseudo_place *place, struct bytes *ret);
int show_environ(const struct pseudo_place *place, struct bytes *ret);
int show_auxv(const struct pseudo_place *place, struct bytes *ret);
/* system.c */
int show_meminfo(const struct pseudo_place *place, struct bytes *ret);
int show_cpuinfo(const struct pseudo_place *place, struct bytes *ret);
int show_uptime(const struct pseudo_place *place, struct bytes *ret);
int show_loadavg(const struct pseudo_place *place, struct bytes *ret);
int show_system_stat(const struct pseudo_place *place, struct bytes *ret);
int show_version(const struct pseudo_place *place, struct bytes *ret);
int show_filesystems(const struct pseudo_place *place, struct bytes *ret);
int show_mounts(const struct pseudo_place *place, struct bytes *ret);
/* links.c */
int read_self(const struct pseudo_place *place, void *task, struct bytes *ret);
int read_thread_self(const struct pseudo_place *place, void *task, struct bytes *ret);
int read_mounts(const struct pseudo_place *place, void *task, struct bytes *ret);
int read_exe(const struct pseudo_place *place, void *task, struct bytes *ret);
int read_cwd(const struct pseudo_place *place, void *task, struct bytes *ret);
int read_root(const struct pseudo_place *place, void *task, struct bytes *ret);
int read_fd(const struct pseudo_place *place, void *task, struct bytes *ret);
int follow_exe(const struct pseudo_place *place, void *task, struct path *ret);
int follow_cwd(const struct pseudo_place *place, void *task, struct path *ret);
int follow_root(const struct pseudo_place *place, void *task, struct path *ret);
int follow_fd(const struct pseudo_place *place, void *task, struct path *ret);
