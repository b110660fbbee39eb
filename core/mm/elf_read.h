/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/mm/elf.h"
#include "vfs/file.h"

/* Reads all of it to kernel memory; -ENOEXEC: the file ends before. */
int elf_read_bytes(struct file *file, void *to, size_t size, uint64_t offset);
/* The headers of a program, checked as elf_parse_phdrs says. */
int elf_read(struct file *file, uint64_t end, struct elf_program *ret);
/* The name of its interpreter: the caller frees it. */
int elf_read_interpreter(struct file *file, const struct elf_program *program, char **ret);
