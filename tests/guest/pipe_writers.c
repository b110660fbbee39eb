/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that write to one pipe and one socket at a time: records of PIPE_BUF bytes come whole, in
 * the order of their writer. Calls: write */
#include <limits.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include "check.h"

enum { WRITERS = 3, RECORDS = 20 };

static int target;

static void *writer(void *nr)
{
    char record[PIPE_BUF];
    memset(record, (int)(long)nr, sizeof(record));
    for (int i = 0; i < RECORDS; i++) {
        record[0] = record[PIPE_BUF - 1] = (char)i;
        CHECK(write(target, record, sizeof(record)) == PIPE_BUF);
    }
    return NULL;
}

static void check_record(const char *record, int next[WRITERS])
{
    int nr = record[1];
    CHECK(nr >= 0 && nr < WRITERS && record[0] == next[nr]++);
    for (int i = 1; i < PIPE_BUF - 1; i++)
        CHECK(record[i] == nr);
    CHECK(record[PIPE_BUF - 1] == record[0]);
}

static void check(int from, int to, const char *name)
{
    pthread_t threads[WRITERS];
    int next[WRITERS] = {0};
    char record[PIPE_BUF];
    target = to;
    for (long i = 0; i < WRITERS; i++)
        CHECK(pthread_create(&threads[i], NULL, writer, (void *)i) == 0);
    for (int i = 0; i < WRITERS * RECORDS; i++) {
        size_t done = 0;
        while (done < PIPE_BUF) {
            ssize_t got = read(from, record + done, PIPE_BUF - done);
            CHECK(got > 0);
            done += (size_t)got;
        }
        check_record(record, next);
    }
    for (int i = 0; i < WRITERS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0 && next[i] == RECORDS);
    printf("%s\n", name);
}

int main(void)
{
    int ends[2];
    CHECK(pipe(ends) == 0);
    check(ends[0], ends[1], "pipe");
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
    check(ends[0], ends[1], "socket");
    return 0;
}
