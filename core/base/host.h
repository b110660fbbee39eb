/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/uio.h>

#include "core/base/clock.h"

/*
 * All calls of the host that the kernel makes (R1). Each returns 0, a positive result or -errno,
 * restarts on EINTR where the call is not meant to be interrupted, and can be made to fail by
 * tests.
 */

/* --- host_memory.c --- */
/* Zeroed memory for count elements of size bytes. NULL: there is none, or the product overflows. */
void *host_alloc(size_t count, size_t size);
void host_free(void *memory);
char *host_strdup(const char *text);
/* Tests: the n-th allocation from now on fails, once; 0 turns this off. */
void host_alloc_fail_at(unsigned long n);
/* memcpy and memset with a fix-up for SIGBUS and SIGSEGV in [to] or [from]: 0 or -EFAULT. 1, 2, 4
 * and 8 bytes are moved by one instruction.
 * host_guard_init installs the signal actions, once a process (cmocka: in each test). */
int host_guard_init(void);
int host_copy_guarded(void *to, const void *from, size_t size);
int host_zero_guarded(void *to, size_t size);
/* Sets *word to wanted if it is expected, in one step; *ret is what it was. */
int host_exchange_guarded(uint32_t *word, uint32_t expected, uint32_t wanted, uint32_t *ret);

/* --- host_thread.c --- */
/* CLOCK_MONOTONIC and CLOCK_REALTIME of the host. */
nsec_t host_clock_now(void);
/* CPU time of the calling thread. */
nsec_t host_clock_thread(void);
nsec_t host_clock_realtime(void);
/* Sleeps while *word == value, until host time deadline: 0, -EAGAIN, -EINTR or -ETIMEDOUT. */
int host_futex_wait(atomic_uint *word, unsigned value, nsec_t deadline);
void host_futex_wake(atomic_uint *word, int count);
void host_sleep(nsec_t duration);
void host_yield(void);
/* CPUs that this process may use, 1 at least. */
unsigned host_cpu_count(void);
/* For a thread that works in the background: others of the machine go first. */
int host_thread_lower_priority(void);
/* Bytes of memory of the machine; to be asked before the process confines itself. */
uint64_t host_memory_size(void);
/* Where a race would be: builds with HOST_STALL lose time here now and then, others none. */
void host_stall(void);
int host_thread_start(pthread_t *ret, void *(*run)(void *), void *argument, const char *name);
void host_thread_join(pthread_t thread);
void host_thread_detach(pthread_t thread);

/* --- host_random.c --- */
/* Never fails, may block at boot. */
void host_random(void *to, size_t size);

/* --- host_file.c, host_dir.c: descriptors are close-on-exec --- */
/* openat2 with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS. name "" opens the
 * directory that dirfd (O_PATH) holds; -EOPNOTSUPP for other files: see host_file.c. */
int host_open_beneath(int dirfd, const char *name, int flags, unsigned mode);
int host_close(int fd);
int host_dup(int fd);
/* over becomes another descriptor of what fd is, at once (dup3); fd is closed. */
int host_move(int fd, int over);
ptrdiff_t host_preadv(int fd, const struct iovec *iov, int count, uint64_t offset);
ptrdiff_t host_pwritev(int fd, const struct iovec *iov, int count, uint64_t offset);
/* At the end of the file, in one step with finding it. */
ptrdiff_t host_append(int fd, const struct iovec *iov, int count);
ptrdiff_t host_readv(int fd, const struct iovec *iov, int count);
ptrdiff_t host_writev(int fd, const struct iovec *iov, int count);
/* The same without waiting (RWF_NOWAIT), whatever the mode of the description: -EAGAIN, or
 * -EOPNOTSUPP where the host cannot promise it for this file. */
ptrdiff_t host_readv_nowait(int fd, const struct iovec *iov, int count);
ptrdiff_t host_writev_nowait(int fd, const struct iovec *iov, int count);
/* Read or write all of it: -EIO at an early end of file. */
int host_pread_all(int fd, void *to, size_t size, uint64_t offset);
int host_pwrite_all(int fd, const void *from, size_t size, uint64_t offset);
int host_ftruncate(int fd, uint64_t size);
int host_fallocate(int fd, int mode, uint64_t offset, uint64_t size);
/* Returns the offset, -ENXIO past the last data. */
int64_t host_lseek(int fd, int64_t offset, int whence);
int host_fstat(int fd, struct stat *ret);
int host_fstatat(int dirfd, const char *name, struct stat *ret); /* never follows a symlink */
int host_fstatfs(int fd, struct statfs *ret);
ptrdiff_t host_readlinkat(int dirfd, const char *name, char *to, size_t size);
/* getdents64; returns the bytes. */
ptrdiff_t host_getdents(int fd, void *to, size_t size);
int host_mkdirat(int dirfd, const char *name, unsigned mode);
int host_unlinkat(int dirfd, const char *name, int flags);
int host_linkat(int from_dirfd, const char *from, int to_dirfd, const char *to);
int host_symlinkat(const char *target, int dirfd, const char *name);
int host_renameat2(int from_dirfd, const char *from, int to_dirfd, const char *to, unsigned flags);
int host_fchmod(int fd, unsigned mode);
/* The next two also for O_PATH. (uid_t)-1, UTIME_OMIT: unchanged. */
int host_fchown(int fd, uid_t uid, gid_t gid);
int host_futimens(int fd, const struct timespec times[2]);
int host_fsync(int fd);
/* Makes the host begin to write this part of the file to its disk. */
void host_sync_begin(int fd, uint64_t offset, uint64_t size);
int host_fcntl_getfl(int fd);
int host_ioctl(int fd, unsigned long request, void *argument);

/* --- host_map.c --- */
int host_mmap(void **ret, void *at, size_t size, int prot, int flags, int fd, uint64_t offset);
int host_munmap(void *at, size_t size);
int host_mprotect(void *at, size_t size, int prot);
int host_madvise(void *at, size_t size, int advice);
int host_memfd(const char *name, unsigned flags);

/* --- host_event.c --- */
int host_epoll_create(void);
int host_epoll_ctl(int epoll, int op, int fd, uint32_t events, uint64_t key);
struct epoll_event;
/* Returns the count; timeout in ms, -1: none. */
int host_epoll_wait(int epoll, struct epoll_event *ret, int count, int timeout);
/* The same until a point in host time, NSEC_NEVER: none. */
int host_epoll_wait_until(int epoll, struct epoll_event *ret, int count, nsec_t deadline);
int host_eventfd(void);
int host_eventfd_add(int fd);
/* Sets the count to 0; -EAGAIN: it is. */
int host_eventfd_take(int fd);
/* Poll of one descriptor without waiting: revents. */
int host_poll_now(int fd, short events);

/* --- host_inject.c --- */
/* Tests: the n-th host call from now on (of those above that can fail) fails with err (negative),
 * once; 0 turns this off. Guarded copies fail with -EFAULT whatever err is. */
void host_call_fail_at(unsigned long n, int err);

/* --- host_socket.c: SOCK_SEQPACKET sockets of AF_UNIX, close-on-exec --- */
int host_socket_pair(int ret[2]);
/* At name in directory dirfd; -EADDRINUSE; -ECONNREFUSED: nobody listens; -ENAMETOOLONG. */
int host_socket_listen(int dirfd, const char *name);
int host_socket_connect(int dirfd, const char *name);
int host_socket_accept(int listener);
/* How long a receive waits: milliseconds, 0: for ever. Then it gives -EAGAIN. */
int host_socket_set_timeout(int socket, unsigned ms);
/* One packet with descriptors (borrowed). -EPIPE: hung up; -EMSGSIZE. */
int host_socket_send(int socket, const void *data, size_t size, const int *fds, unsigned fd_count);
/* Waits for one; its size, 0: hung up. -EMSGSIZE: larger than size, or more descriptors than
 * *fd_count, which is set to their number on success. */
ptrdiff_t host_socket_receive(int socket, void *to, size_t size, int *fds, unsigned *fd_count);
/* Makes a memfd immutable; is it (memory, and so)? */
int host_memfd_seal(int fd);
bool host_memfd_is_sealed(int fd);

/* --- host_log.c --- */
enum host_log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };
void host_log_set(int fd, enum host_log_level level);
__attribute__((format(printf, 2, 3))) void host_log(enum host_log_level level, const char *format,
                                                    ...);
