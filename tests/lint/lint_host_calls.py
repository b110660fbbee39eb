#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that kernel code reaches the host only through core/base (R1).

usage: lint_host_calls.py

In core (but core/base, and core/sandbox, which is the program around the kernel), vfs and netstack
no function of the list is called: memory, threads, files, time and output are host_*, mutex_* and
bytes_*. A macro that hides a call is not seen.
"""
import re
import sys

import source

FOLDERS = ["core", "vfs", "netstack"]
OUTSIDE = ("core/base/", "core/sandbox/")
CALLS = """
malloc calloc realloc free strdup strndup asprintf vasprintf
printf fprintf vprintf vfprintf dprintf puts perror fopen fclose fread fwrite
open openat creat close read write pread pwrite readv writev preadv pwritev lseek ioctl fcntl dup
dup2 pipe pipe2 stat fstat lstat fstatat ftruncate fallocate fsync mkdirat unlinkat renameat linkat
opendir readdir getdents64 poll ppoll select epoll_wait epoll_ctl eventfd
mmap munmap mprotect madvise mremap memfd_create
fork vfork clone execve waitpid kill syscall socket socketpair bind listen accept connect sendmsg
recvmsg usleep sleep nanosleep clock_gettime gettimeofday time getrandom sigaction signal
""".split()
CALL = re.compile(rf"(?<![\w.>])(?<!\bint )(?<!\bvoid )({'|'.join(CALLS)}|pthread_(?!t\b)\w+)\s*\(")


def main():
    errors, count = [], 0
    for path in source.files(FOLDERS, {".c", ".h"}):
        name = str(source.name(path))
        if name.startswith(OUTSIDE):
            continue
        count += 1
        text = source.strip(path.read_text())
        for match in CALL.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            errors.append(f"{name}: line {line}: {match[1]}")
    for error in errors:
        print(error, file=sys.stderr)
    print(f"lint_host_calls: {count} files, {len(errors)} errors")
    return 1 if errors or not count else 0


if __name__ == "__main__":
    sys.exit(main())
