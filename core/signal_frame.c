/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signal frames on the guest's stack: struct rt_sigframe of the x86-64 ABI, with the vector state
 * in the standard xsave format above it, as the host's Linux lays it out (sigaction(2), and the
 * kernel's asm/sigcontext.h). A frame that comes back is hostile: registers are made legal by the
 * platform, vector state is checked when it is stored.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "core/signal.h"
#include "core/task.h"

/* struct sigaltstack, struct ucontext, struct rt_sigframe of the ABI. */
struct frame_stack {
    uint64_t sp;
    uint32_t flags, padding;
    uint64_t size;
};

struct frame_ucontext {
    uint64_t flags, link;
    struct frame_stack stack;
    struct sigcontext mcontext;
    uint64_t mask;
};

struct frame {
    uint64_t restorer;
    struct frame_ucontext uc;
    uint8_t info[128];
};

#define STACK_AUTODISARM (UINT32_C(1) << 31) /* SS_AUTODISARM of linux/signal.h */

enum {
    UC_XSTATE = 1,
    UC_SS = 2,
    UC_STRICT_SS = 4,
    RED_ZONE = 128,
    USER_CS = 0x33,
    USER_SS = 0x2b,
    MAGIC2_SIZE = 4,
    SW_RESERVED = 464, /* of the software bytes in the legacy area */
};

static bool is_on_altstack(const struct task *task, guest_addr_t sp)
{
    return task->altstack_size > 0 && sp > task->altstack_base &&
           sp - task->altstack_base <= task->altstack_size;
}

static void regs_encode(const struct guest_regs *regs, struct sigcontext *to)
{
    to->r8 = regs->r8;
    to->r9 = regs->r9;
    to->r10 = regs->r10;
    to->r11 = regs->r11;
    to->r12 = regs->r12;
    to->r13 = regs->r13;
    to->r14 = regs->r14;
    to->r15 = regs->r15;
    to->rdi = regs->rdi;
    to->rsi = regs->rsi;
    to->rbp = regs->rbp;
    to->rbx = regs->rbx;
    to->rdx = regs->rdx;
    to->rax = regs->rax;
    to->rcx = regs->rcx;
    to->rsp = regs->rsp;
    to->rip = regs->rip;
    to->eflags = regs->eflags;
    to->cs = USER_CS;
    to->__pad0 = USER_SS; /* ss */
}

static void regs_decode(struct guest_regs *regs, const struct sigcontext *from)
{
    regs->r8 = from->r8;
    regs->r9 = from->r9;
    regs->r10 = from->r10;
    regs->r11 = from->r11;
    regs->r12 = from->r12;
    regs->r13 = from->r13;
    regs->r14 = from->r14;
    regs->r15 = from->r15;
    regs->rdi = from->rdi;
    regs->rsi = from->rsi;
    regs->rbp = from->rbp;
    regs->rbx = from->rbx;
    regs->rdx = from->rdx;
    regs->rax = from->rax;
    regs->rcx = from->rcx;
    regs->rsp = from->rsp;
    regs->rip = from->rip;
    regs->eflags = from->eflags;
}

/* The software bytes that say how large the area is and which features it has. */
static void xstate_mark(uint8_t *area)
{
    struct _fpx_sw_bytes sw = {.magic1 = FP_XSTATE_MAGIC1,
                               .extended_size = (uint32_t)xstate_size() + MAGIC2_SIZE,
                               .xstate_bv = xstate_features(),
                               .xstate_size = (uint32_t)xstate_size()};
    memcpy(area + SW_RESERVED, &sw, sizeof(sw));
}

/* Writes the vector state below sp; *ret is where. */
static int push_xstate(struct task *task, guest_addr_t sp, guest_addr_t *ret)
{
    uint32_t magic2 = FP_XSTATE_MAGIC2;
    guest_addr_t at = (sp - xstate_size() - MAGIC2_SIZE) & ~UINT64_C(63);
    uint8_t saved[sizeof(struct _fpx_sw_bytes)];

    task_fetch_xstate(task);
    memcpy(saved, task->xstate + SW_RESERVED, sizeof(saved));
    xstate_mark(task->xstate);
    int err = user_copy_out(task->mm, at, task->xstate, xstate_size());
    memcpy(task->xstate + SW_RESERVED, saved, sizeof(saved));
    if (err == 0)
        err = user_copy_out(task->mm, at + xstate_size(), &magic2, sizeof(magic2));
    *ret = at;
    return err;
}

/* Where the frame's parts go, from the top. */
static guest_addr_t frame_top(const struct task *task, const struct signal_action *action)
{
    guest_addr_t sp = task->regs.rsp - RED_ZONE;

    if ((action->flags & SA_ONSTACK) != 0 && task->altstack_size > 0 &&
        !is_on_altstack(task, task->regs.rsp))
        sp = task->altstack_base + task->altstack_size;
    return sp;
}

static void ucontext_encode(const struct task *task, uint64_t mask, struct frame_ucontext *uc)
{
    uc->flags = UC_XSTATE | UC_SS | UC_STRICT_SS;
    uc->stack.sp = task->altstack_base;
    uc->stack.size = task->altstack_size;
    uc->stack.flags = task->altstack_size == 0               ? SS_DISABLE
                      : is_on_altstack(task, task->regs.rsp) ? SS_ONSTACK
                                                             : 0;
    uc->stack.flags |= task->altstack_flags;
    uc->mask = mask;
    regs_encode(&task->regs, &uc->mcontext);
    uc->mcontext.oldmask = mask;
}

/* The registers with which the handler starts. */
static void enter_handler(struct task *task, const struct signal_action *action, int signal,
                          guest_addr_t frame)
{
    struct guest_regs *regs = &task->regs;

    regs->rdi = (uint64_t)signal;
    regs->rsi = frame + offsetof(struct frame, info);
    regs->rdx = frame + offsetof(struct frame, uc);
    regs->rax = 0;
    regs->rsp = frame;
    regs->rip = action->handler;
    regs->eflags &= ~UINT64_C(0x10500); /* DF, RF, TF */
}

int signal_frame_push(struct task *task, const struct signal_action *action,
                      const struct signal_info *info, uint64_t mask)
{
    struct frame frame = {.restorer = action->restorer};
    guest_addr_t fpstate = 0;
    int err = push_xstate(task, frame_top(task, action), &fpstate);

    if (err < 0)
        return err;
    guest_addr_t at = ((fpstate - sizeof(frame)) & ~UINT64_C(15)) - 8;
    ucontext_encode(task, mask, &frame.uc);
    memcpy(&frame.uc.mcontext.fpstate, &fpstate, sizeof(fpstate));
    if (info->signal == SIGSEGV || info->signal == SIGBUS)
        frame.uc.mcontext.cr2 = info->address;
    signal_info_encode(info, frame.info);
    err = user_copy_out(task->mm, at, &frame, sizeof(frame));
    if (err < 0)
        return err;
    if ((task->altstack_flags & STACK_AUTODISARM) != 0) {
        task->altstack_base = task->altstack_size = 0;
        task->altstack_flags = 0;
    }
    task_reset_xstate(task); /* a handler starts with the default modes and empty registers */
    enter_handler(task, action, info->signal, at);
    return 0;
}

/* Reads the vector state at address; one without the magic is the legacy 512 bytes only. */
static int pop_xstate(struct task *task, guest_addr_t address)
{
    struct _fpx_sw_bytes sw;
    uint32_t magic2 = 0;

    if (address == 0 || xstate_size() < 576)
        return address == 0 ? 0 : -EFAULT;
    int err = user_copy_in(task->mm, &sw, address + SW_RESERVED, sizeof(sw));
    if (err < 0)
        return err;
    bool is_whole = sw.magic1 == FP_XSTATE_MAGIC1 && sw.xstate_size == xstate_size() &&
                    user_copy_in(task->mm, &magic2, address + xstate_size(), 4) == 0 &&
                    magic2 == FP_XSTATE_MAGIC2;
    err = user_copy_in(task->mm, task->xstate, address, is_whole ? xstate_size() : 512);
    if (err < 0)
        return err;
    memset(task->xstate + SW_RESERVED, 0, sizeof(sw));
    uint64_t header = 3; /* x87 and SSE, all else in its initial state */
    if (!is_whole) {
        memset(task->xstate + 512, 0, xstate_size() - 512);
        memcpy(task->xstate + 512, &header, sizeof(header));
    }
    task->has_xstate_change = true;
    return 0;
}

int signal_frame_pop(struct task *task)
{
    guest_addr_t at = task->regs.rsp - 8;
    guest_addr_t fpstate;
    struct frame_ucontext uc;
    int err = user_copy_in(task->mm, &uc, at + offsetof(struct frame, uc), sizeof(uc));

    if (err < 0)
        return err;
    memcpy(&fpstate, &uc.mcontext.fpstate, sizeof(fpstate));
    task_fetch_xstate(task);
    err = pop_xstate(task, fpstate);
    if (err < 0)
        return err;
    regs_decode(&task->regs, &uc.mcontext);
    if (!is_on_altstack(task, task->regs.rsp) && (uc.stack.flags & SS_DISABLE) == 0) {
        task->altstack_base = uc.stack.sp;
        task->altstack_size = uc.stack.size;
        task->altstack_flags = uc.stack.flags & STACK_AUTODISARM;
    }
    (void)signal_set_mask(task, uc.mask);
    return 0;
}

static void put(uint8_t *to, size_t at, const void *value, size_t size)
{
    memcpy(to + at, value, size);
}

bool signal_info_is_fault(const struct signal_info *info)
{
    switch (info->signal) {
    case SIGSEGV:
    case SIGBUS:
    case SIGILL:
    case SIGFPE:
    case SIGTRAP:
    case SIGSYS:
        return info->code > 0 && info->code != SI_KERNEL;
    default:
        return false;
    }
}

void signal_info_encode(const struct signal_info *info, uint8_t to[128])
{
    memset(to, 0, 128);
    put(to, 0, &info->signal, 4);
    put(to, 4, &info->error, 4);
    put(to, 8, &info->code, 4);
    if (signal_info_is_fault(info)) {
        put(to, 16, &info->address, 8);
        return;
    }
    put(to, 16, &info->pid, 4);
    put(to, 20, &info->uid, 4);
    if (info->signal == SIGCHLD && info->code > 0) {
        put(to, 24, &info->status, 4);
        put(to, 32, &info->utime, 8);
        put(to, 40, &info->stime, 8);
    } else {
        put(to, 24, &info->value, 8);
    }
}

void signal_info_decode(const uint8_t from[128], struct signal_info *info)
{
    *info = (struct signal_info){0};
    memcpy(&info->signal, from, 4);
    memcpy(&info->error, from + 4, 4);
    memcpy(&info->code, from + 8, 4);
    memcpy(&info->address, from + 16, 8); /* the two forms overlap */
    memcpy(&info->pid, from + 16, 4);
    memcpy(&info->uid, from + 20, 4);
    memcpy(&info->value, from + 24, 8);
}
