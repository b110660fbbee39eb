/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec's new address space: program, interpreter, vDSO, stack, heap. It is made beside the old one,
 * so a failure changes nothing. Small writable parts of files are copied at once, as programs write
 * to them first thing. Linux: nothing is placed at random.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/base/host.h"
#include "core/mm/elf_read.h"
#include "core/mm/exec_stack.h"
#include "core/mm/space.h"

#define PROGRAM_BASE UINT64_C(0x555555554000)
/* Linux: without a limit, maps are placed bottom-up. */
#define LARGEST_STACK (UINT64_C(64) << 30)
#define COPY_AT_EXEC_MAX (UINT64_C(256) << 10)

/* A file to be loaded, and where it went. */
struct image {
    struct file *file;
    struct elf_program *elf;
    uint64_t bias; /* added to the addresses of its headers */
};

/* The file's part of a segment, in whole pages. */
static struct vma file_part(const struct image *image, const struct elf_segment *segment)
{
    guest_addr_t start = image->bias + segment->address;

    return (struct vma){.start = PAGE_DOWN(start),
                        .end = PAGE_UP(start + segment->file_size),
                        .prot = segment->prot,
                        .flags = VMA_MAY_WRITE,
                        .offset = PAGE_DOWN(segment->offset),
                        .file = image->file};
}

/* A run with the segment's bytes; zeros behind them. */
static int read_to_run(struct mm *mm, const struct image *image, const struct elf_segment *segment,
                       const struct vma *part, uint64_t *ret)
{
    struct memfile *memfile = mm->kernel->memfile;
    size_t size = segment->offset + segment->file_size - part->offset;
    uint64_t run;
    int err = mm_take_run(mm, part->start, part->end, &run);

    if (err < 0)
        return err;
    err = memfile_prepare_write(memfile, run, part->end - part->start);
    if (err == 0)
        err = elf_read_bytes(image->file, memfile_at(memfile, run), size, part->offset);
    if (err < 0)
        mm_drop_run(mm, part->start, part->end, run);
    else
        *ret = run;
    return err;
}

static int map_copied(struct mm *mm, const struct image *image, const struct elf_segment *segment)
{
    struct vma like = file_part(image, segment), *vma;
    struct pma pma = {.start = like.start, .end = like.end, .source = PMA_RUN, .is_owned = true};
    int err;

    like.mapping = file_mapping(image->file);
    if (!like.mapping)
        return -ENOEXEC;
    if (like.start < MM_ADDRESS_MIN || like.end > GUEST_ADDRESS_END)
        return -ENOEXEC;
    err = read_to_run(mm, image, segment, &like, &pma.offset);
    if (err < 0)
        return err;
    mm_lock(mm);
    err = mm_is_free(mm, like.start, like.end) ? vma_alloc(mm, &like, &vma) : -EEXIST;
    if (err < 0) {
        mm_drop_run(mm, like.start, like.end, pma.offset);
    } else {
        vma_insert(mm, vma);
        err = mm_add_pma(mm, vma, &pma);
    }
    mm_unlock(mm);
    return err;
}

static int map_shared(struct mm *mm, const struct image *image, const struct elf_segment *segment)
{
    struct vma part = file_part(image, segment);
    int64_t result = mm_mmap(mm, part.start, part.end - part.start, part.prot,
                             MAP_PRIVATE | MAP_FIXED_NOREPLACE, part.file, part.offset);

    return result < 0 ? (int)result : 0;
}

/* What memory has beyond the file: the rest of its last page, then new pages. */
static int map_rest(struct mm *mm, const struct image *image, const struct elf_segment *segment)
{
    guest_addr_t start = image->bias + segment->address + segment->file_size;
    guest_addr_t end = PAGE_UP(image->bias + segment->address + segment->memory_size);
    guest_addr_t rest = segment->file_size > 0 ? PAGE_UP(start) : PAGE_DOWN(start);
    int64_t result;

    if (segment->memory_size == segment->file_size)
        return 0;
    if (rest > start && segment->prot & PROT_WRITE && user_zero(mm, start, rest - start) < 0)
        return -ENOEXEC;
    if (rest >= end)
        return 0;
    result = mm_mmap(mm, rest, end - rest, segment->prot,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, NULL, 0);
    return result < 0 ? (int)result : 0;
}

static int map_segment(struct mm *mm, const struct image *image, const struct elf_segment *segment)
{
    int err = 0;

    if (segment->file_size > 0)
        err = segment->prot & PROT_WRITE && segment->file_size <= COPY_AT_EXEC_MAX
                  ? map_copied(mm, image, segment)
                  : map_shared(mm, image, segment);
    return err < 0 ? err : map_rest(mm, image, segment);
}

/* Chooses the place of what may be anywhere. */
static int choose_bias(struct mm *mm, struct image *image, bool is_interpreter)
{
    const struct elf_program *elf = image->elf;
    guest_addr_t place = PROGRAM_BASE & ~(elf->align - 1);
    int err = 0;

    image->bias = 0;
    if (elf->is_fixed)
        return elf->low < MM_ADDRESS_MIN ? -ENOEXEC : 0;
    if (is_interpreter) {
        mm_lock(mm);
        err = mm_find_free(mm, elf->high - elf->low, elf->align, 0, mm->mmap_base, &place);
        mm_unlock(mm);
    }
    image->bias = place - elf->low;
    return err;
}

static int load_image(struct mm *mm, struct image *image, bool is_interpreter)
{
    int err = choose_bias(mm, image, is_interpreter);

    for (size_t i = 0; err == 0 && i < image->elf->segment_count; i++)
        err = map_segment(mm, image, &image->elf->segments[i]);
    return err == -EEXIST ? -ENOEXEC : err;
}

static int open_interpreter(const struct exec_request *request, const struct elf_program *elf,
                            struct file **ret)
{
    char *name;
    int err = elf_read_interpreter(request->file, elf, &name);

    if (err < 0)
        return err;
    err = vfs_open_program(request->view, name, 0, ret);
    host_free(name);
    return err;
}

/* Loads the interpreter, if there is one: *entry becomes where the program starts. */
static int load_interpreter(struct mm *mm, const struct exec_request *request,
                            struct exec_stack *stack, guest_addr_t *entry)
{
    struct elf_program *elf;
    struct image image = {0};
    int err;

    if (stack->elf->interpreter_size == 0)
        return 0;
    elf = host_alloc(1, sizeof *elf);
    if (!elf)
        return -ENOMEM;
    image.elf = elf;
    err = open_interpreter(request, stack->elf, &image.file);
    if (err == 0) {
        err = elf_read(image.file, MM_MMAP_BASE, elf);
        if (err == 0)
            err = load_image(mm, &image, true);
        if (err == -ENOEXEC)
            err = -ELIBBAD;
    }
    if (err == 0) {
        stack->interpreter_base = elf->is_fixed ? 0 : image.bias + elf->low;
        *entry = image.bias + elf->entry;
    }
    object_put((struct object *)image.file);
    host_free(elf);
    return err;
}

static int load_all(struct mm *mm, const struct exec_request *request, struct elf_program *elf,
                    struct guest_regs *regs)
{
    struct image image = {.file = request->file, .elf = elf};
    struct exec_stack stack = {.mm = mm, .request = request, .elf = elf};
    guest_addr_t entry, sp;
    int err = load_image(mm, &image, false);

    if (err < 0)
        return err;
    stack.bias = image.bias;
    mm->entry = entry = image.bias + elf->entry;
    mm->brk_start = mm->brk = PAGE_UP(image.bias + elf->high);
    mm->exe = object_get(&request->file->object);
    err = mm_map_vdso(mm);
    if (err == 0)
        err = load_interpreter(mm, request, &stack, &entry);
    if (err == 0)
        err = exec_stack_build(&stack, &sp);
    if (err < 0)
        return err;
    *regs = (struct guest_regs){.rip = entry, .rsp = sp, .eflags = 0x202};
    return entry < GUEST_ADDRESS_END ? 0 : -ENOEXEC;
}

/* Maps are placed below what the stack may take. */
static void set_limits(struct mm *mm, const struct mm_limits *limits)
{
    uint64_t stack = min_u64(limits->stack, LARGEST_STACK);

    mm_set_limits(mm, limits);
    mm->mmap_base =
        min_u64(MM_MMAP_BASE, CHUNK_DOWN(MM_STACK_TOP - stack) - MM_STACK_GAP - MEM_FOLIO);
}

int mm_exec(struct kernel *kernel, const struct exec_request *request, struct mm **ret,
            struct guest_regs *regs)
{
    struct elf_program *elf = host_alloc(1, sizeof *elf);
    struct mm *mm = NULL;
    int err;

    if (!elf)
        return -ENOMEM;
    err = elf_read(request->file, MM_MMAP_BASE, elf);
    if (err == 0)
        err = mm_create(kernel, &mm);
    if (err == 0 && request->limits)
        set_limits(mm, request->limits);
    if (err == 0)
        err = load_all(mm, request, elf, regs);
    host_free(elf);
    if (err < 0) {
        object_put((struct object *)mm);
        return err;
    }
    *ret = mm;
    return 0;
}
