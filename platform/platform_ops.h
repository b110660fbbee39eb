/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "platform/platform.h"

/*
 * What a back end provides: each function does what the one of that name in platform.h promises.
 * Its structs begin with these, filled in by platform.c.
 */
struct platform_ops {
    const char *name;
    /* Makes it and tries it out: an address space, a context, a trap. */
    int (*create)(struct memfile *memfile, struct platform **ret);
    void (*free)(struct platform *platform);
    int (*add_file)(struct platform *platform, int fd, int *ret);
    void (*remove_file)(struct platform *platform, int file);

    int (*aspace_create)(struct platform *platform, struct aspace **ret);
    int (*aspace_fork)(struct aspace *parent, const struct aspace_op *before, size_t count,
                       struct aspace **ret);
    void (*aspace_free)(struct aspace *aspace);
    int (*aspace_apply)(struct aspace *aspace, const struct aspace_op *ops, size_t count,
                        size_t *done);
    int64_t (*aspace_cpu_time)(struct aspace *aspace);
    void (*aspace_kill)(struct aspace *aspace);

    int (*context_create)(struct aspace *aspace, struct context **ret);
    int (*context_attach)(struct context *context);
    void (*context_detach)(struct context *context);
    void (*context_free)(struct context *context);
    void (*context_enter)(struct context *context, struct guest_regs *regs, struct trap *ret);
    void (*context_interrupt)(struct context *context);
    int (*context_get_xstate)(struct context *context, void *to);
    int (*context_set_xstate)(struct context *context, const void *from); /* checked already */
};

struct platform {
    const struct platform_ops *ops;
};

struct aspace {
    const struct platform_ops *ops;
};

struct context {
    const struct platform_ops *ops;
};

extern const struct platform_ops ptrace_ops;
