/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vector state by PTRACE_GETREGSET. The host's format is ours, followed by what we leave out; to
 * set it the host wants all of its own size.
 */
#include <assert.h>
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#include "platform/ptrace/ptrace.h"
#include "platform/xstate.h"

static int get_image(struct ptrace_context *context, char *image, size_t *size)
{
    struct iovec iov = {.iov_base = image, .iov_len = XSTATE_SIZE_MAX};

    if (context->is_reaped)
        return -ESRCH;
    int err = ptrace_request(context, PTRACE_GETREGSET, NT_X86_XSTATE, &iov);
    if (err < 0)
        return err;
    *size = iov.iov_len;
    return iov.iov_len < xstate_size() ? -ENOSYS : 0;
}

int ptrace_get_xstate(struct context *context, void *to)
{
    char image[XSTATE_SIZE_MAX];
    uint64_t features;
    size_t size;

    int err = get_image(ptrace_context_of(context), image, &size);
    if (err < 0)
        return err;
    memset(image + XSTATE_SOFTWARE, 0, XSTATE_SOFTWARE_SIZE);
    memcpy(&features, image + XSTATE_HEADER, sizeof(features));
    features &= xstate_features();
    memcpy(image + XSTATE_HEADER, &features, sizeof(features));
    memcpy(to, image, xstate_size());
    return 0;
}

/* The size of the host's format, asked once; it is the same for all threads. */
static int host_size(struct ptrace_context *context, size_t *ret)
{
    static atomic_size_t known;
    char image[XSTATE_SIZE_MAX];

    *ret = atomic_load_explicit(&known, memory_order_relaxed);
    if (*ret != 0)
        return 0;
    int err = get_image(context, image, ret);
    if (err == 0)
        atomic_store_explicit(&known, *ret, memory_order_relaxed);
    return err;
}

int ptrace_set_xstate(struct context *context, const void *from)
{
    struct ptrace_context *this = ptrace_context_of(context);
    char image[XSTATE_SIZE_MAX] = {0};
    struct iovec iov = {.iov_base = image};

    if (this->is_reaped)
        return -ESRCH;
    int err = host_size(this, &iov.iov_len);
    if (err < 0)
        return err;
    memcpy(image, from, xstate_size());
    return ptrace_request(this, PTRACE_SETREGSET, NT_X86_XSTATE, &iov);
}
