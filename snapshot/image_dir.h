/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "snapshot/manifest.h"
#include "snapshot/report.h"

#define KERNEL_IMG_NAME "kernel.img"

/*
 * The directory that an image is. It is written beside its place, as NAME.tmp-PID, and moved there
 * whole: whoever looks sees the old image or the new one.
 */
struct image_dir {
    int parent;      /* the directory it will be in */
    char *name;      /* its name there */
    char *temporary; /* the name while it is written */
    int fd;          /* of the temporary directory, open for reading and locked */
};

/* Makes an empty temporary directory beside path; removes what dead writers left there. -EINVAL:
 * the report says why path cannot become an image (a file, a directory with something else in it).
 * All other errors are reported, too. */
int image_dir_create(const char *path, struct report *report, struct image_dir *ret);
/* Checks that the files are what the manifest says, writes it, syncs everything and takes the place
 * of an older image, which is removed. On failure the older image is where it was and the temporary
 * directory still there. */
int image_dir_commit(struct image_dir *dir, const Manifest *manifest, struct report *report);
/* Removes the temporary directory if it is still there, and closes. Legal on a zeroed one after
 * image_dir_init, and after a commit. */
void image_dir_fini(struct image_dir *dir);
void image_dir_init(struct image_dir *dir);

/* Opens the image at path and reads its manifest; the sizes of its files are those of the manifest.
 * Every error is reported. */
int image_dir_open(const char *path, struct report *report, int *ret_fd, Manifest **ret);
/* Compares size and digest of one file that is open. -EINVAL: reported, as all errors are. */
int image_file_verify(int fd, const ImageFile *file, struct report *report);
/* Compares the digests of all files. -EINVAL and a line for each that differs. */
int image_dir_verify(int fd, const Manifest *manifest, struct report *report);
