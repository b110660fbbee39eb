/* SPDX-License-Identifier: Apache-2.0 */
/* Reading programs by the operations of their files, so that every file system serves. */
#include "core/mm/elf_read.h"

#include <errno.h>
#include <string.h>

#include "core/base/host.h"

int elf_read_bytes(struct file *file, void *to, size_t size, uint64_t offset)
{
    size_t done = 0;

    if (!file->ops || !file->ops->read)
        return -ENOEXEC;
    while (done < size) {
        uint64_t position = offset + done;
        struct uio uio;
        int64_t n;

        uio_init(&uio, (char *)to + done, size - done < UIO_SIZE_MAX ? size - done : UIO_SIZE_MAX);
        n = file->ops->read(file, &uio, &position, NULL);
        if (n < 0)
            return (int)n;
        if (n == 0)
            return -ENOEXEC; /* shorter than its headers say */
        done += (size_t)n;
    }
    return 0;
}

int elf_read(struct file *file, uint64_t end, struct elf_program *ret)
{
    char header[ELF_HEADER_SIZE], *phdrs;
    size_t size;
    int err = elf_read_bytes(file, header, sizeof header, 0);

    if (err == 0)
        err = elf_parse_header(header, sizeof header, ret);
    if (err < 0)
        return err;
    size = ret->phdr_count * ELF_PHDR_SIZE;
    phdrs = host_alloc(1, size);
    if (!phdrs)
        return -ENOMEM;
    err = elf_read_bytes(file, phdrs, size, ret->phdr_offset);
    if (err == 0)
        err = elf_parse_phdrs(phdrs, end, ret);
    host_free(phdrs);
    return err;
}

int elf_read_interpreter(struct file *file, const struct elf_program *program, char **ret)
{
    char *name = host_alloc(1, program->interpreter_size + 1);
    int err;

    if (!name)
        return -ENOMEM;
    err = elf_read_bytes(file, name, program->interpreter_size, program->interpreter_offset);
    if (err == 0 && name[program->interpreter_size - 1] != '\0')
        err = -ENOEXEC;
    if (err < 0) {
        host_free(name);
        return err;
    }
    *ret = name;
    return 0;
}
