/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/control.h"
#include "snapshot/image_dir.h"

/* The tool's part of a checkpoint, after the sandbox's Written: puts the image in place and tells
 * the sandbox, waiting for its Done. On failure the sandbox is told to go on, and the report says
 * why. path is for messages. */
int commit_image(int socket, struct image_dir *image, const char *path, const WrittenReply *written,
                 struct report *report);
