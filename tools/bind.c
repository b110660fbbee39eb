/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Binds of the command line, and what a restore gives to an image that asks for directories of the
 * host. The manifest is as good as whoever can write it: a stranger's image would have any
 * directory written that the caller may write. So trust follows the owner of the image, as ssh's
 * does for the files of keys. The directory is open already: what is looked at here is what is
 * read.
 */
#include "tools/bind.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* An absolute name without . and .. and doubled slashes. */
static bool is_plain_path(const char *path, bool with_root)
{
    if (path[0] != '/' || path[1] == '\0')
        return path[0] == '/' && with_root;
    while (*path == '/') {
        size_t size = strcspn(++path, "/");
        if (size == 0 || (size == 1 && path[0] == '.') ||
            (size == 2 && strncmp(path, "..", 2) == 0))
            return false;
        path += size;
    }
    return true;
}

int bind_parse(const char *text, bool with_root, struct bind *ret)
{
    char *copy = strdup(text);
    char *name = copy == NULL ? NULL : strchr(copy, ':');
    char *mode = name == NULL ? NULL : strchr(name + 1, ':');

    *ret = (struct bind){.text = copy, .source = copy};
    if (name != NULL)
        *name++ = '\0';
    if (mode != NULL)
        *mode++ = '\0';
    if (name == NULL || copy[0] == '\0' || !is_plain_path(name, with_root) ||
        (mode != NULL && strcmp(mode, "ro") != 0 && strcmp(mode, "rw") != 0)) {
        bind_free(ret);
        return -EINVAL;
    }
    ret->name = name;
    ret->is_writable = mode == NULL || strcmp(mode, "ro") != 0;
    return 0;
}

void bind_free(struct bind *bind)
{
    free(bind->text);
    *bind = (struct bind){0};
}

/* --- what an image may have --- */

static HostRoot *find_root(const Manifest *manifest, const char *name)
{
    for (size_t i = 0; i < manifest->n_roots; i++) {
        if (strcmp(manifest->roots[i]->name, name) == 0)
            return manifest->roots[i];
    }
    return NULL;
}

/* A bind of the command line gives a root its source. */
static void apply_bind(struct bind_policy *policy, const char *text, Manifest *manifest,
                       struct report *report)
{
    struct bind bind;

    if (bind_parse(text, true, &bind) < 0) {
        report_bad(report, "--bind: \"%.200s\" is not SRC:DST[:ro] with an absolute DST", text);
        return;
    }
    HostRoot *root = find_root(manifest, bind.name);
    char *path = realpath(bind.source, NULL);
    if (root == NULL) {
        report_bad(report, "--bind: the image has nothing at %.200s", bind.name);
    } else if (path == NULL) {
        report_bad(report, "%.64s: %.150s: %s", bind.name, bind.source, strerror(errno));
    } else {
        root->is_writable = root->is_writable && bind.is_writable;
        for (size_t i = 0; i < manifest->n_roots && i < CONTROL_ROOTS_MAX; i++)
            policy->is_named[i] |= manifest->roots[i] == root;
        if (manifest_set_text(&root->path, path) < 0)
            report_bad(report, "%s", strerror(ENOMEM));
    }
    free(path);
    bind_free(&bind);
}

/* Ours, and for nobody else to write. */
static bool is_private(const struct stat *stat)
{
    return stat->st_uid == geteuid() && (stat->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static bool is_own_image(int dir)
{
    struct stat stat;

    return fstat(dir, &stat) == 0 && is_private(&stat) &&
           fstatat(dir, MANIFEST_NAME, &stat, AT_SYMLINK_NOFOLLOW) == 0 && is_private(&stat);
}

/* Why a root that is written is not donated; NULL: it may be. */
static const char *find_objection(int fd, bool is_own)
{
    struct stat source;

    if (!is_own)
        return "the image is not yours alone";
    if (fstat(fd, &source) < 0 || source.st_uid != geteuid())
        return "the source is not yours";
    return NULL;
}

void bind_apply(struct bind_policy *policy, Manifest *manifest, struct report *report)
{
    for (size_t i = 0; i < policy->binds->count; i++)
        apply_bind(policy, policy->binds->texts[i], manifest, report);
}

void bind_check(const struct bind_policy *policy, const Manifest *manifest, int image_dir,
                const int *root_fds, struct report *report)
{
    bool is_own = is_own_image(image_dir);

    for (size_t i = 0; i < manifest->n_roots && i < CONTROL_ROOTS_MAX; i++) {
        const HostRoot *root = manifest->roots[i];
        bool is_allowed = !root->is_writable || policy->is_named[i] || policy->is_all_allowed;
        if (is_allowed || root_fds[i] < 0)
            continue;
        const char *objection = find_objection(root_fds[i], is_own);
        if (objection != NULL)
            report_bad(report,
                       "%.64s: %.150s: is to be written, but %s: allow it by --bind SRC:%.64s or"
                       " --allow-binds",
                       root->name, root->path, objection, root->name);
    }
}
