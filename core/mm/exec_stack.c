/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stack that a program starts with, from the top down as Linux has it: 8 bytes of zeros, the
 * file name, the environment's strings, the arguments' strings, the platform's name, 16 random
 * bytes, the auxiliary vector, the two arrays of pointers, the count. It is made in one piece, then
 * copied.
 */
#include "core/mm/exec_stack.h"

#include <cpuid.h>
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "core/base/host.h"
#include "core/mm/space.h"

#define STRINGS_MIN (UINT64_C(128) << 10)
#define STRINGS_MAX (UINT64_C(6) << 20)
#define STRING_MAX (UINT64_C(128) << 10)
#define STACK_SLACK (UINT64_C(128) << 10) /* mapped below what is filled */

enum { AUXV_COUNT = 22, CLOCK_TICKS = 100, SIGNAL_FRAME_SIZE = 944, RANDOM_SIZE = 16 };

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

static const char platform_name_string[] = "x86_64";

/* The stack as it is being made: bytes [top - size, top). */
struct stack_image {
    char *bytes;
    size_t size;
    guest_addr_t top;
    guest_addr_t at; /* the lowest byte in use */
};

static void *bytes_at(const struct stack_image *image, guest_addr_t address)
{
    return image->bytes + (address - (image->top - image->size));
}

static guest_addr_t push(struct stack_image *image, const void *data, size_t size)
{
    image->at -= size;
    memcpy(bytes_at(image, image->at), data, size);
    return image->at;
}

/* Their count; adds their bytes to *size, which max limits. */
static int measure(char *const *strings, uint64_t max, size_t *count, size_t *size)
{
    for (*count = 0; strings[*count]; ++*count) {
        size_t length = strlen(strings[*count]) + 1;

        if (length > STRING_MAX)
            return -E2BIG;
        *size += length;
        if (*size + *count * sizeof(uint64_t) > max)
            return -E2BIG;
    }
    return 0;
}

/* From the last to the first; the pointers go to an array in the image. */
static void push_strings(struct stack_image *image, char *const *strings, size_t count,
                         uint64_t *pointers)
{
    while (count-- > 0)
        pointers[count] = push(image, strings[count], strlen(strings[count]) + 1);
}

/* Asked once: under a hypervisor CPUID takes tens of microseconds. */
static uint64_t hardware_capabilities(void)
{
    static atomic_uint known;
    unsigned a, b, c, d = atomic_load(&known);

    if (d == 0 && __get_cpuid(1, &a, &b, &c, &d))
        atomic_store(&known, d);
    return d;
}

static size_t fill_auxv(const struct exec_stack *stack, uint64_t *auxv, guest_addr_t random,
                        guest_addr_t platform, guest_addr_t filename)
{
    const struct cred *cred = stack->request->cred;
    const struct elf_program *elf = stack->elf;
    const uint64_t entries[][2] = {
        {AT_SYSINFO_EHDR, stack->mm->vdso},
        {AT_MINSIGSTKSZ, xstate_size() + SIGNAL_FRAME_SIZE},
        {AT_HWCAP, hardware_capabilities()},
        {AT_PAGESZ, MEM_PAGE},
        {AT_CLKTCK, CLOCK_TICKS},
        {AT_PHDR, elf->phdr_address ? stack->bias + elf->phdr_address : 0},
        {AT_PHENT, ELF_PHDR_SIZE},
        {AT_PHNUM, elf->phdr_count},
        {AT_BASE, stack->interpreter_base},
        {AT_FLAGS, 0},
        {AT_ENTRY, stack->mm->entry},
        {AT_UID, cred->uid},
        {AT_EUID, cred->euid},
        {AT_GID, cred->gid},
        {AT_EGID, cred->egid},
        {AT_SECURE, cred->uid != cred->euid || cred->gid != cred->egid},
        {AT_RANDOM, random},
        {AT_HWCAP2, 0}, /* not FSGSBASE: a filter could not follow it */
        {AT_EXECFN, filename},
        {AT_PLATFORM, platform},
        {AT_NULL, 0},
    };
    size_t count = 0;

    static_assert(ARRAY_COUNT(entries) <= AUXV_COUNT, "auxv");
    for (size_t i = 0; i < ARRAY_COUNT(entries); i++) {
        if (entries[i][0] == AT_SYSINFO_EHDR && entries[i][1] == 0)
            continue;
        auxv[2 * count] = entries[i][0];
        auxv[2 * count++ + 1] = entries[i][1];
    }
    return count;
}

static int keep_auxv(struct mm *mm, const uint64_t *auxv, size_t count)
{
    size_t size = 2 * count * sizeof(uint64_t);

    mm->auxv = host_alloc(1, size);
    if (!mm->auxv)
        return -ENOMEM;
    memcpy(mm->auxv, auxv, size);
    mm->auxv_size = size;
    return 0;
}

/* Strings first: then all pointers are known. words has room for the count and both arrays. */
static int fill(struct exec_stack *stack, struct stack_image *image, uint64_t *words, size_t argc,
                size_t envc)
{
    const struct exec_request *request = stack->request;
    uint64_t auxv[2 * AUXV_COUNT], zero = 0;
    struct mm *mm = stack->mm;
    guest_addr_t filename, platform, random;
    size_t auxv_count, words_size = (argc + envc + 3) * sizeof(uint64_t);

    push(image, &zero, sizeof zero);
    mm->env_end = filename = push(image, request->filename, strlen(request->filename) + 1);
    push_strings(image, request->envp, envc, words + argc + 2);
    mm->env_start = mm->arg_end = image->at;
    push_strings(image, request->argv, argc, words + 1);
    mm->arg_start = image->at;
    platform = push(image, platform_name_string, sizeof platform_name_string);
    random = push(image, request->random, RANDOM_SIZE);
    auxv_count = fill_auxv(stack, auxv, random, platform, filename);
    words[0] = argc;
    image->at &= ~UINT64_C(15);
    image->at -= (words_size + 2 * auxv_count * sizeof(uint64_t)) % 16;
    push(image, auxv, 2 * auxv_count * sizeof(uint64_t));
    push(image, words, words_size);
    return keep_auxv(mm, auxv, auxv_count);
}

/* Maps the stack, deep enough for what is in image. */
static int map_stack(const struct exec_stack *stack, const struct stack_image *image)
{
    struct mm *mm = stack->mm;
    struct vma vma = {.start = CHUNK_DOWN(image->at - STACK_SLACK),
                      .end = mm->stack_top,
                      .prot = PROT_READ | PROT_WRITE,
                      .flags = VMA_GROWSDOWN | VMA_STACK | VMA_SMALL | VMA_MAY_WRITE};
    int err;

    if (stack->elf->has_executable_stack)
        vma.prot |= PROT_EXEC;
    mm_lock(mm);
    err = mm_insert(mm, &vma);
    mm_unlock(mm);
    return err;
}

static int build(struct exec_stack *stack, struct stack_image *image, size_t argc, size_t envc,
                 guest_addr_t *sp)
{
    uint64_t *words = host_alloc(argc + envc + 3, sizeof *words);
    int err;

    if (!words)
        return -ENOMEM;
    err = fill(stack, image, words, argc, envc);
    host_free(words);
    if (err == 0)
        err = map_stack(stack, image);
    if (err == 0 &&
        user_copy_out(stack->mm, image->at, bytes_at(image, image->at), image->top - image->at) < 0)
        err = -ENOMEM;
    *sp = image->at;
    return err;
}

int exec_stack_build(struct exec_stack *stack, guest_addr_t *sp)
{
    struct stack_image image = {.top = stack->mm->stack_top, .at = stack->mm->stack_top};
    size_t argc, envc, strings = strlen(stack->request->filename) + 1;
    uint64_t max = max_u64(min_u64(stack->mm->limits.stack / 4, STRINGS_MAX), STRINGS_MIN);
    int err = measure(stack->request->argv, max, &argc, &strings);

    if (err == 0)
        err = measure(stack->request->envp, max, &envc, &strings);
    if (err < 0)
        return err;
    image.size = PAGE_UP(strings + (argc + envc + 3 + 2 * AUXV_COUNT) * sizeof(uint64_t) + 128);
    image.bytes = host_alloc(1, image.size);
    if (!image.bytes)
        return -ENOMEM;
    err = build(stack, &image, argc, envc, sp);
    host_free(image.bytes);
    return err;
}
