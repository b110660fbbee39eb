/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "snapshot/snapshot.h"

/*
 * Object types for the tests of the registry, which knows no kernel object. They have a schema of
 * their own (snapshot/objects.proto in this folder), against which the registry is built.
 */

enum { NODE_CHILDREN = 8, NODE_KEYS = 64, SLEEPER_NAME_MAX = 15 };

struct node_child {
    uint32_t key;
    struct node *node; /* counted */
    /* not saved */
};

/* References of all sorts. */
struct node {
    struct object object;
    struct node *next;                         /* counted; NULL: none */
    struct node *peer;                         /* weak; NULL: none */
    struct node_child children[NODE_CHILDREN]; /* the first child_count, by key */
    uint32_t child_count;
    int64_t deadline; /* 0: none */
    uint32_t value;   /* 666: cannot be saved, 667: is refused by load */
    /* not saved, derived */
    unsigned peer_count; /* nodes whose peer it is */
};

/* Something that waits. */
struct sleeper {
    struct object object;
    struct waiter waiter;
    struct node *node; /* counted */
    char *name;
    /* not saved */
};

struct toy_wait {
    struct wait_record base;
    struct node *node; /* counted */
    uint32_t value;
    struct wait_entry entry;
    /* not saved */
};

extern const struct snapshot_type node_type, sleeper_type;
extern const struct wait_type toy_wait_type;
extern const struct snapshot_types toy_types;

/* What sleepers wait in; made by toy_queue_init, once. */
extern struct wait_queue toy_queue;
void toy_queue_init(void);

/* Returns a reference; next is taken. */
struct node *node_create(uint32_t value, struct node *next);
void node_set_peer(struct node *node, struct node *peer);
/* Takes child. */
void node_add_child(struct node *node, uint32_t key, struct node *child);
/* Returns a reference to a sleeper that waits with that ticket; node (borrowed) may be NULL. */
struct sleeper *sleeper_create(const char *name, uint64_t ticket, struct node *node);

/* Each returns a reference to an object in which every field is set. */
struct object *fixture_node(void);
struct object *fixture_sleeper(void);

struct toy_fixture {
    const char *name;
    struct object *(*build)(void);
};
extern const struct toy_fixture toy_fixtures[];
extern const size_t toy_fixture_count;

/* Saves with derived numbers, by a clock that stands at now; fails the test on an error. */
struct kernel_image toy_save(struct object *const roots[], size_t count, int64_t now);
