/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract of platform.h, handed on to the back end that was chosen. A back end says by its
 * create whether it works here: nothing is concluded from names, versions or flags of the host.
 */
#include <errno.h>
#include <string.h>

#include "core/base/container.h"
#include "core/base/host.h"
#include "platform/platform_ops.h"
#include "platform/xstate.h"

/* The best first: the order in which "auto" tries them. */
static const struct platform_ops *const back_ends[] = {&ptrace_ops};
static const char *const names[] = {"auto", "ptrace", NULL};

const char *const *platform_names(void)
{
    return names;
}

static int try_back_end(const struct platform_ops *ops, struct memfile *memfile,
                        struct platform **ret)
{
    int err = ops->create(memfile, ret);

    if (err < 0)
        host_log(LOG_INFO, "platform %s does not work here: %s", ops->name, strerror(-err));
    else
        (*ret)->ops = ops;
    return err;
}

int platform_create(const char *name, struct memfile *memfile, struct platform **ret)
{
    bool is_auto = strcmp(name, "auto") == 0;
    int err = -EINVAL;

    for (size_t i = 0; i < ARRAY_COUNT(back_ends); i++) {
        if (!is_auto && strcmp(name, back_ends[i]->name) != 0)
            continue;
        err = try_back_end(back_ends[i], memfile, ret);
        if (err == 0)
            return 0;
    }
    return err;
}

void platform_free(struct platform *platform)
{
    if (platform)
        platform->ops->free(platform);
}

const char *platform_name(const struct platform *platform)
{
    return platform->ops->name;
}

int platform_add_file(struct platform *platform, int fd, int *ret)
{
    return platform->ops->add_file(platform, fd, ret);
}

void platform_remove_file(struct platform *platform, int file)
{
    platform->ops->remove_file(platform, file);
}

int aspace_create(struct platform *platform, struct aspace **ret)
{
    int err = platform->ops->aspace_create(platform, ret);

    if (err == 0)
        (*ret)->ops = platform->ops;
    return err;
}

int aspace_fork(struct aspace *parent, const struct aspace_op *before, size_t count,
                struct aspace **ret)
{
    int err = parent->ops->aspace_fork(parent, before, count, ret);

    if (err == 0)
        (*ret)->ops = parent->ops;
    return err;
}

void aspace_free(struct aspace *aspace)
{
    if (aspace)
        aspace->ops->aspace_free(aspace);
}

int aspace_apply(struct aspace *aspace, const struct aspace_op *ops, size_t count, size_t *done)
{
    *done = 0;
    return count == 0 ? 0 : aspace->ops->aspace_apply(aspace, ops, count, done);
}

int64_t aspace_cpu_time(struct aspace *aspace)
{
    return aspace->ops->aspace_cpu_time(aspace);
}

void aspace_kill(struct aspace *aspace)
{
    aspace->ops->aspace_kill(aspace);
}

int context_create(struct aspace *aspace, struct context **ret)
{
    int err = aspace->ops->context_create(aspace, ret);

    if (err == 0)
        (*ret)->ops = aspace->ops;
    return err;
}

int context_attach(struct context *context)
{
    return context->ops->context_attach(context);
}

void context_detach(struct context *context)
{
    context->ops->context_detach(context);
}

void context_free(struct context *context)
{
    if (context)
        context->ops->context_free(context);
}

void context_enter(struct context *context, struct guest_regs *regs, struct trap *ret)
{
    context->ops->context_enter(context, regs, ret);
}

void context_interrupt(struct context *context)
{
    context->ops->context_interrupt(context);
}

int context_get_xstate(struct context *context, void *to)
{
    return context->ops->context_get_xstate(context, to);
}

int context_set_xstate(struct context *context, const void *from)
{
    int err = xstate_check(from);

    return err < 0 ? err : context->ops->context_set_xstate(context, from);
}
