/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tests/unit/actor.h"

/* The first descriptors of a scene. */
enum { READER, WRITER, PIPE_SCENE_FDS };

/* A task with a pipe. */
struct scene {
    struct stage stage;
    struct files *files;
    struct task *task;
    unsigned descriptors; /* the host's, before */
};

void scene_init(struct scene *scene);
/* Nothing may be left: objects, pins, descriptors of the host. */
void scene_fini(struct scene *scene);
/* Takes the file: it has to become fd. */
void scene_add_file(struct scene *scene, struct file *file, int fd);
/* Adds READER and WRITER. */
void scene_add_pipe(struct scene *scene, uint32_t flags);
