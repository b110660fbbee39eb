/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests of the files of an image, in text. They tell damage, not malice.
 */
#include "snapshot/image_file.h"

#include <stdio.h>

#include <xxhash.h>

static void print(XXH128_hash_t hash, char ret[IMAGE_DIGEST_SIZE])
{
    XXH128_canonical_t canonical;

    XXH128_canonicalFromHash(&canonical, hash);
    for (size_t i = 0; i < sizeof(canonical.digest); i++)
        (void)snprintf(ret + 2 * i, 3, "%02x", canonical.digest[i]);
}

void image_digest(const void *content, size_t size, char ret[IMAGE_DIGEST_SIZE])
{
    print(XXH3_128bits(content, size), ret);
}

void image_digest_print(const struct XXH3_state_s *state, char ret[IMAGE_DIGEST_SIZE])
{
    print(XXH3_128bits_digest(state), ret);
}
