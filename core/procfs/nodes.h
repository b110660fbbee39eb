/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "vfs/fs/pseudofs.h"

/* The parts of the tree, each in the file of its name; lists of nodes end with a nameless one. */

/* sys.c, net.c */
extern const struct pseudo_node sys_nodes[], sbx_nodes[], net_nodes[];

/* process.c */
int processes_list(const struct pseudo_place *dir, pseudo_number_fn *fn, void *context);
int process_check(struct pseudo_place *place);
int threads_list(const struct pseudo_place *dir, pseudo_number_fn *fn, void *context);
int thread_check(struct pseudo_place *place);
int fds_list(const struct pseudo_place *dir, pseudo_number_fn *fn, void *context);
int fd_check(struct pseudo_place *place);
uint32_t fd_bits(const struct pseudo_place *place);
void place_owner(const struct pseudo_place *place, uint32_t *uid, uint32_t *gid);
int place_permit(const struct pseudo_place *place, void *task);
/* stat.c, status.c */
int show_stat(const struct pseudo_place *place, struct bytes *ret);
int show_statm(const struct pseudo_place *place, struct bytes *ret);
int show_schedstat(const struct pseudo_place *place, struct bytes *ret);
int show_status(const struct pseudo_place *place, struct bytes *ret);
int show_comm(const struct pseudo_place *place, struct bytes *ret);
int store_comm(const struct pseudo_place *place, const char *text, size_t size);
/* state.c */
int show_limits(const struct pseudo_place *place, struct bytes *ret);
int show_io(const struct pseudo_place *place, struct bytes *ret);
int show_personality(const struct pseudo_place *place, struct bytes *ret);
int show_syscall(const struct pseudo_place *place, struct bytes *ret);
int show_children(const struct pseudo_place *place, struct bytes *ret);
int show_oom_score(const struct pseudo_place *place, struct bytes *ret);
int show_oom_adjustment(const struct pseudo_place *place, struct bytes *ret);
int store_oom_adjustment(const struct pseudo_place *place, const char *text, size_t size);
/* memory.c */
int show_maps(const struct pseudo_place *place, struct bytes *ret);
int show_smaps(const struct pseudo_place *place, struct bytes *ret);
int show_smaps_rollup(const struct pseudo_place *place, struct bytes *ret);
int show_cmdline(const struct pseudo_place *place, struct bytes *ret);
int show_environ(const struct pseudo_place *place, struct bytes *ret);
int show_auxv(const struct pseudo_place *place, struct bytes *ret);
int fetch_mem(const struct pseudo_place *place, uint64_t position, struct bytes *ret);
int64_t put_mem(const struct pseudo_place *place, uint64_t position, const void *from, size_t size);
int fetch_pagemap(const struct pseudo_place *place, uint64_t position, struct bytes *ret);
int store_clear_refs(const struct pseudo_place *place, const char *text, size_t size);
/* files.c */
int show_mounts(const struct pseudo_place *place, struct bytes *ret);
int show_mountinfo(const struct pseudo_place *place, struct bytes *ret);
int show_mountstats(const struct pseudo_place *place, struct bytes *ret);
int show_fdinfo(const struct pseudo_place *place, struct bytes *ret);
/* system.c, cpu.c */
int show_meminfo(const struct pseudo_place *place, struct bytes *ret);
int show_vmstat(const struct pseudo_place *place, struct bytes *ret);
int show_uptime(const struct pseudo_place *place, struct bytes *ret);
int show_loadavg(const struct pseudo_place *place, struct bytes *ret);
int show_system_stat(const struct pseudo_place *place, struct bytes *ret);
int show_version(const struct pseudo_place *place, struct bytes *ret);
int show_locks(const struct pseudo_place *place, struct bytes *ret);
int show_filesystems(const struct pseudo_place *place, struct bytes *ret);
int show_devices(const struct pseudo_place *place, struct bytes *ret);
int show_interrupts(const struct pseudo_place *place, struct bytes *ret);
int show_cpuinfo(const struct pseudo_place *place, struct bytes *ret);
/* links.c */
int read_self(const struct pseudo_place *place, void *task, struct bytes *ret);
int read_thread_self(const struct pseudo_place *place, void *task, struct bytes *ret);
int read_mounts(const struct pseudo_place *place, void *task, struct bytes *ret);
int read_net(const struct pseudo_place *place, void *task, struct bytes *ret);
int read_namespace(const struct pseudo_place *place, void *task, struct bytes *ret);
int read_exe(const struct pseudo_place *place, void *task, struct bytes *ret);
int read_cwd(const struct pseudo_place *place, void *task, struct bytes *ret);
int read_root(const struct pseudo_place *place, void *task, struct bytes *ret);
int read_fd(const struct pseudo_place *place, void *task, struct bytes *ret);
int follow_exe(const struct pseudo_place *place, void *task, struct path *ret);
int follow_cwd(const struct pseudo_place *place, void *task, struct path *ret);
int follow_root(const struct pseudo_place *place, void *task, struct path *ret);
int follow_fd(const struct pseudo_place *place, void *task, struct path *ret);
