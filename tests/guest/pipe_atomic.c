/* SPDX-License-Identifier: Apache-2.0 */
/* Writes of up to PIPE_BUF bytes do not mix. Calls: pipe write */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/wait.h>

#include "check.h"

enum { WRITERS = 3, BLOCKS = 12 };

static void write_blocks(int fd, int writer)
{
    char block[PIPE_BUF];
    for (int i = 0; i < BLOCKS; i++) {
        memset(block, 'a' + writer, sizeof(block));
        block[0] = (char)i;
        CHECK(write(fd, block, sizeof(block)) == sizeof(block));
    }
    _exit(0);
}

static void read_whole(int fd, char *block)
{
    for (size_t size = 0; size < PIPE_BUF;) {
        ssize_t got = read(fd, block + size, PIPE_BUF - size);
        CHECK(got > 0);
        size += (size_t)got;
    }
}

/* Not blocking: a small write goes in whole or not at all. */
static void test_all_or_nothing(void)
{
    static char fill[65536];
    int ends[2];
    CHECK(pipe2(ends, O_NONBLOCK) == 0 && write(ends[1], fill, 65536 - 4096) == 65536 - 4096);
    CHECK(write(ends[1], fill, 100) == 100);
    CHECK_ERRNO(write(ends[1], fill, PIPE_BUF), EAGAIN);
    CHECK(write(ends[1], fill, 3000) == 3000); /* but a smaller one fits */
    printf("all or nothing\n");
}

int main(void)
{
    int ends[2], next[WRITERS] = {0};
    CHECK(pipe(ends) == 0);
    for (int writer = 0; writer < WRITERS; writer++) {
        if (fork() == 0)
            write_blocks(ends[1], writer);
    }
    for (int i = 0; i < WRITERS * BLOCKS; i++) {
        char block[PIPE_BUF];
        read_whole(ends[0], block);
        int writer = block[1] - 'a';
        CHECK(writer >= 0 && writer < WRITERS && block[0] == next[writer]++);
        for (int at = 2; at < PIPE_BUF; at++)
            CHECK(block[at] == block[1]);
    }
    for (int i = 0; i < WRITERS; i++) {
        int status;
        CHECK(wait(&status) > 0 && status == 0);
    }
    printf("%d blocks of %d writers\n", WRITERS * BLOCKS, WRITERS);
    test_all_or_nothing();
    return 0;
}
