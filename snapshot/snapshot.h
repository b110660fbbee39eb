/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/object.h"
#include "core/base/wait.h"
#include "snapshot/kernel_image.h"
#include "snapshot/objects.pb-c.h"
#include "snapshot/report.h"

struct saver;
struct loader;

/* One kind of saved object. Made by DEFINE_OBJECT_TYPE, found through struct snapshot_types. */
struct snapshot_type {
    struct object_type object;
    Object__BodyCase arm;
    const ProtobufCMessageDescriptor *message;
    int (*save)(const struct object *object, struct saver *saver, void *message);
    int (*load)(struct object *object, struct loader *loader, const void *message);
    void (*relink)(struct object *object, struct loader *loader);
    uint64_t (*derived)(const struct object *object);
};

/* One kind of saved wait record. Made by DEFINE_WAIT_TYPE. */
struct wait_type {
    struct wait_ops ops;
    WaitRecord__BodyCase arm;
    const ProtobufCMessageDescriptor *message;
    int (*save)(const struct wait_record *record, struct saver *saver, void *message);
    int (*load)(struct wait_record *record, struct loader *loader, const void *message);
};

/* All types, in the order of relinking, and all wait types. */
struct snapshot_types {
    const struct snapshot_type *const *list;
    size_t count;
    const struct snapshot_type *(*of)(Object__BodyCase arm); /* NULL: no such type */
    const struct wait_type *(*wait_of)(WaitRecord__BodyCase arm);
};

/*
 * Defines kind_type for struct kind, saved as Message in the arm TAG (lower case: member). What
 * follows sets further members of struct object_type. The struct has a member object at its start
 * (inodes: an anonymous union of object and inode). The file has to define six static functions:
 *   init     makes a zeroed object an empty one
 *   fini     drops what the object holds; legal on a half-loaded object, and twice
 *   save     fills the message; takes no lock, changes nothing; -errno only if it cannot go on
 *   load     checks and takes every field; reports what is wrong and goes on; -ENOMEM
 *   relink   rebuilds what is derived; every object is loaded and every reference is good by now;
 *            reports what only the other object could tell
 *   derived  a number made of the derived state, the same before a save and after the restore
 */
#define DEFINE_OBJECT_TYPE(TAG, kind, Message, member, ...)                                        \
    static_assert(offsetof(struct kind, object) == 0, #kind ": the object is not first");          \
    static_assert(__builtin_types_compatible_p(Message *, typeof(((Object *)0)->member)),          \
                  #Message " is not the message of this arm");                                     \
    static void kind##_init(struct kind *);                                                        \
    static void kind##_fini(struct kind *);                                                        \
    static int kind##_save(const struct kind *, struct saver *, Message *);                        \
    static int kind##_load(struct kind *, struct loader *, const Message *);                       \
    static void kind##_relink(struct kind *, struct loader *);                                     \
    static uint64_t kind##_derived(const struct kind *);                                           \
    static void kind##_init_object(struct object *object)                                          \
    {                                                                                              \
        kind##_init((struct kind *)object);                                                        \
    }                                                                                              \
    static void kind##_fini_object(struct object *object)                                          \
    {                                                                                              \
        kind##_fini((struct kind *)object);                                                        \
    }                                                                                              \
    static int kind##_save_object(const struct object *object, struct saver *saver, void *message) \
    {                                                                                              \
        return kind##_save((const struct kind *)object, saver, message);                           \
    }                                                                                              \
    static int kind##_load_object(struct object *object, struct loader *loader,                    \
                                  const void *message)                                             \
    {                                                                                              \
        return kind##_load((struct kind *)object, loader, message);                                \
    }                                                                                              \
    static void kind##_relink_object(struct object *object, struct loader *loader)                 \
    {                                                                                              \
        kind##_relink((struct kind *)object, loader);                                              \
    }                                                                                              \
    static uint64_t kind##_derived_object(const struct object *object)                             \
    {                                                                                              \
        return kind##_derived((const struct kind *)object);                                        \
    }                                                                                              \
    const struct snapshot_type kind##_type = {                                                     \
        .object = {.name = #kind,                                                                  \
                   .size = sizeof(struct kind),                                                    \
                   .init = kind##_init_object,                                                     \
                   .fini = kind##_fini_object,                                                     \
                   __VA_ARGS__},                                                                   \
        .arm = OBJECT__BODY_##TAG,                                                                 \
        .message = &member##__descriptor,                                                          \
        .save = kind##_save_object,                                                                \
        .load = kind##_load_object,                                                                \
        .relink = kind##_relink_object,                                                            \
        .derived = kind##_derived_object,                                                          \
    }

/*
 * Defines kind_wait_type for struct kind_wait (its first member: struct wait_record base), saved as
 * Message in the arm TAG of message WaitRecord (lower case: member). The file has to define six
 * static functions: kind_step, kind_cancel, kind_release, kind_relink (see struct wait_ops),
 * kind_wait_save and kind_wait_load. The base (deadline, mask) is saved by the task.
 */
#define DEFINE_WAIT_TYPE(TAG, kind, Message, member)                                               \
    static_assert(offsetof(struct kind##_wait, base) == 0, #kind ": the base is not first");       \
    static_assert(sizeof(struct kind##_wait) <= WAIT_RECORD_SIZE, #kind ": record too large");     \
    static_assert(__builtin_types_compatible_p(Message *, typeof(((WaitRecord *)0)->member)),      \
                  #Message " is not the message of this arm");                                     \
    static int64_t kind##_step(struct waiter *, struct kind##_wait *);                             \
    static int64_t kind##_cancel(struct waiter *, struct kind##_wait *, int why);                  \
    static void kind##_release(struct kind##_wait *);                                              \
    static void kind##_relink(struct waiter *, struct kind##_wait *);                              \
    static int kind##_wait_save(const struct kind##_wait *, struct saver *, Message *);            \
    static int kind##_wait_load(struct kind##_wait *, struct loader *, const Message *);           \
    static int64_t kind##_step_record(struct waiter *waiter, struct wait_record *record)           \
    {                                                                                              \
        return kind##_step(waiter, (struct kind##_wait *)record);                                  \
    }                                                                                              \
    static int64_t kind##_cancel_record(struct waiter *waiter, struct wait_record *record,         \
                                        int why)                                                   \
    {                                                                                              \
        return kind##_cancel(waiter, (struct kind##_wait *)record, why);                           \
    }                                                                                              \
    static void kind##_release_record(struct wait_record *record)                                  \
    {                                                                                              \
        kind##_release((struct kind##_wait *)record);                                              \
    }                                                                                              \
    static void kind##_relink_record(struct waiter *waiter, struct wait_record *record)            \
    {                                                                                              \
        kind##_relink(waiter, (struct kind##_wait *)record);                                       \
    }                                                                                              \
    static int kind##_save_record(const struct wait_record *record, struct saver *saver,           \
                                  void *message)                                                   \
    {                                                                                              \
        return kind##_wait_save((const struct kind##_wait *)record, saver, message);               \
    }                                                                                              \
    static int kind##_load_record(struct wait_record *record, struct loader *loader,               \
                                  const void *message)                                             \
    {                                                                                              \
        return kind##_wait_load((struct kind##_wait *)record, loader, message);                    \
    }                                                                                              \
    const struct wait_type kind##_wait_type = {                                                    \
        .ops = {.name = #kind,                                                                     \
                .size = sizeof(struct kind##_wait),                                                \
                .step = kind##_step_record,                                                        \
                .cancel = kind##_cancel_record,                                                    \
                .release = kind##_release_record,                                                  \
                .relink = kind##_relink_record},                                                   \
        .arm = WAIT_RECORD__BODY_##TAG,                                                            \
        .message = &kind##_wait__descriptor,                                                       \
        .save = kind##_save_record,                                                                \
        .load = kind##_load_record,                                                                \
    }

/* For x_save: the id of object, which is saved in its turn; 0 for NULL. Running out of memory is
 * remembered and fails the save. */
uint64_t save_ref(struct saver *saver, const struct object *object);

/* For x_save: memory that lives until this object is written. NULL: no memory. */
void *save_alloc(struct saver *saver, size_t count, size_t size);
/* For x_save: a copy of text that lives so long; "" for NULL or no memory (remembered). */
char *save_string(struct saver *saver, const char *text);

/* For x_save: one initialised message, and an array of count pointers to such. NULL: no memory. */
void *save_message(struct saver *saver, const ProtobufCMessageDescriptor *descriptor);
void *save_messages(struct saver *saver, const ProtobufCMessageDescriptor *descriptor,
                    size_t count);

/* A point in time on the stopped clock ↔ the span from now (NSEC_NEVER stays itself). */
int64_t save_time(const struct saver *saver, int64_t time);
int64_t load_time(struct loader *loader, const char *field, int64_t span);

/* A record in progress ↔ its message; save gives NULL and 0 when there is none. load leaves ops
 * NULL when the message is NULL. */
int save_wait(struct saver *saver, const struct waiter *waiter, WaitRecord **ret);
int load_wait(struct loader *loader, struct waiter *waiter, const WaitRecord *message);
/* A wait entry ↔ its message. */
int save_wait_entry(struct saver *saver, const struct wait_entry *entry, WaitEntry **ret);
void load_wait_entry(struct loader *loader, const char *field, struct wait_entry *entry,
                     const WaitEntry *message);

/* For x_save: ends the save; the reason is shown to the user. Returns the error, to be returned. */
__attribute__((format(printf, 3, 4))) int save_fail(struct saver *saver, int err,
                                                    const char *format, ...);

/* What the embedder handed to snapshot_save and snapshot_load: a struct vfs_context. */
void *saver_context(const struct saver *saver);
void *loader_context(const struct loader *loader);

/* For x_load: returns a reference to object id if it is of that type (NULL: of any); else reports
 * the field and returns NULL. load_weak returns a borrowed pointer. The _opt forms give NULL for id
 * 0 without a report. load_ref_family: of any type of that family. */
void *load_ref(struct loader *loader, const char *field, uint64_t id,
               const struct snapshot_type *type);
void *load_ref_opt(struct loader *loader, const char *field, uint64_t id,
                   const struct snapshot_type *type);
void *load_ref_family(struct loader *loader, const char *field, uint64_t id,
                      enum object_family family);
void *load_weak(struct loader *loader, const char *field, uint64_t id,
                const struct snapshot_type *type);
void *load_weak_opt(struct loader *loader, const char *field, uint64_t id,
                    const struct snapshot_type *type);
/* For x_load: a copy of a string of 1 to max bytes, owned by the caller; else reports. */
char *load_string(struct loader *loader, const char *field, const char *text, size_t max);

/* For x_load and x_relink: reports what is wrong with a field. The load goes on and fails at its
 * end. */
__attribute__((format(printf, 3, 4))) void load_bad(struct loader *loader, const char *field,
                                                    const char *format, ...);

/* The same for what is odd but no reason to fail. */
__attribute__((format(printf, 3, 4))) void load_note(struct loader *loader, const char *field,
                                                     const char *format, ...);

struct snapshot_save_options {
    int64_t now;
    bool with_derived;
    void *context;
    const struct snapshot_types *types;
    struct report *report; /* what save_fail said */
};

/* Saves all that is reachable from the roots (borrowed), which get the ids 1 to count. The state
 * is frozen and the clock stands at now. The image is the caller's to finish, also on failure. */
int snapshot_save(struct object *const roots[], size_t root_count,
                  const struct snapshot_save_options *options, struct kernel_image *image);

/* Makes the objects of an image and returns references to its roots. On failure nothing is left,
 * and report says why, unless it was -ENOMEM. */
int snapshot_load(const struct snapshot_types *types, const struct kernel_image *image, int64_t now,
                  void *context, struct report *report, struct object *roots[]);
