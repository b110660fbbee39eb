/* SPDX-License-Identifier: Apache-2.0 */
/*
 * App threads. The mm thread clones one with every signal blocked; its first act is to put on the
 * stricter filter, then it waits on its word in the THREADS pages, which guests cannot write. A
 * thread never ends before its stub: one without a tracer is back in that wait, for the next
 * context.
 */
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/host.h"
#include "platform/stub/stub.h"

static struct stub_thread *find_free(struct stub *stub)
{
    struct stub_thread *thread;

    LIST_FOREACH(thread, &stub->threads, link) {
        if (!thread->is_taken)
            return thread;
    }
    return NULL;
}

static int clone_thread(struct stub *stub, struct stub_thread **ret)
{
    unsigned done;

    if (stub->thread_count == STUB_THREAD_COUNT)
        return -EAGAIN;
    struct stub_thread *thread = host_alloc(1, sizeof(*thread));
    if (!thread)
        return -ENOMEM;
    thread->nr = stub->thread_count;
    atomic_store(&stub->thread_pages[thread->nr].go, 0);
    struct stub_call call = {
        .nr = SYS_clone, .arguments = {STUB_THREAD_FLAGS}, .cookie = thread->nr + 1};
    int err = stub_run(stub, &call, 1, &done, &thread->tid);
    if (err < 0) {
        host_free(thread);
        return err;
    }
    stub->thread_count++;
    LIST_INSERT_HEAD(&stub->threads, thread, link);
    *ret = thread;
    return 0;
}

int stub_take_thread(struct stub *stub, struct stub_thread **ret)
{
    int err = 0;

    mutex_lock(&stub->lock);
    struct stub_thread *thread = find_free(stub);
    if (!thread)
        err = clone_thread(stub, &thread);
    if (err == 0) {
        thread->is_taken = true;
        *ret = thread;
    }
    mutex_unlock(&stub->lock);
    return err;
}

void stub_give_thread(struct stub *stub, struct stub_thread *thread)
{
    mutex_lock(&stub->lock);
    thread->is_taken = false;
    mutex_unlock(&stub->lock);
}

void stub_thread_call(struct stub *stub, const struct stub_thread *thread)
{
    atomic_uint *go = &stub->thread_pages[thread->nr].go;

    atomic_store(go, 1);
    (void)syscall(SYS_futex, go, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void stub_thread_park(struct stub *stub, const struct stub_thread *thread)
{
    atomic_store(&stub->thread_pages[thread->nr].go, 0);
}
