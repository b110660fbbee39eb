/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct XXH3_state_s;

/* A digest in text: 32 hexadecimal digits of XXH3-128 (canonical, big-endian) and the end. */
enum { IMAGE_DIGEST_SIZE = 33 };

/* What a manifest says about one file of an image. */
struct image_file {
    uint64_t size;
    char digest[IMAGE_DIGEST_SIZE];
};

/* The digest of a file that is in memory. */
void image_digest(const void *content, size_t size, char ret[IMAGE_DIGEST_SIZE]);
/* Of what XXH3_128bits_update has been given so far. */
void image_digest_print(const struct XXH3_state_s *state, char ret[IMAGE_DIGEST_SIZE]);
