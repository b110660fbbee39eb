/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "snapshot/image_file.h"
#include "snapshot/manifest.pb-c.h"
#include "snapshot/report.h"

#define MANIFEST_NAME "manifest.json"
enum { MANIFEST_FORMAT = 1, MANIFEST_SIZE_MAX = 1 << 20, MANIFEST_GENERATION_SIZE = 16 };

/* A manifest of this program, on this machine: format, program, architecture and CPU are filled,
 * all nested messages are there. What is set in it must come from host_alloc or the functions
 * below. */
int manifest_create(Manifest **ret);
/* Accepts NULL. */
void manifest_free(Manifest *manifest);
/* -ENOMEM. They copy what they are given. */
int manifest_set_text(char **member, const char *text);
int manifest_set_generation(Manifest *manifest, const uint8_t generation[MANIFEST_GENERATION_SIZE]);
int manifest_add_root(Manifest *manifest, const char *name, const char *path, bool is_writable);
int manifest_add_stdio(Manifest *manifest, const char *kind, uint64_t device, uint64_t inode,
                       const char *path);
int manifest_add_file(Manifest *manifest, const char *name, const struct image_file *file);

/* The entry of a file, or NULL: a borrowed pointer. */
const ImageFile *manifest_find_file(const Manifest *manifest, const char *name);
/* The same as the image readers want it; false: there is none. */
bool manifest_get_file(const Manifest *manifest, const char *name, struct image_file *ret);

/* Text of a manifest, which may be hostile. -EINVAL: the report says what is wrong; -ENOMEM. */
int manifest_parse(const char *text, size_t size, struct report *report, Manifest **ret);
/* Is it whole and does it make sense? Also for one that came by a message. -EINVAL and the report.
 */
int manifest_check(const Manifest *manifest, struct report *report);
/* As manifest_parse, from a file, or from that of a directory; other errors are the host's,
 * reported too. */
int manifest_read_file(int fd, struct report *report, Manifest **ret);
int manifest_read(int dirfd, struct report *report, Manifest **ret);

int manifest_print(const Manifest *manifest, struct bytes *ret);
/* Makes the file, which must not be there yet, and syncs it. */
int manifest_write(int dirfd, const Manifest *manifest);
