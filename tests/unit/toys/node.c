/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node refers to others, strongly, weakly and by key. It may be part of a cycle, which whoever
 * made it ends by node_fini.
 */
#include "tests/unit/toys/toys.h"

#include <errno.h>
#include <inttypes.h>

DEFINE_OBJECT_TYPE(NODE, node, Node, node, .family = OBJECT_INODE);

static void node_init(struct node *node)
{
    (void)node;
}

static void node_fini(struct node *node)
{
    object_put((struct object *)node->next);
    node->next = NULL;
    while (node->child_count > 0)
        object_put((struct object *)node->children[--node->child_count].node);
}

static int node_save_children(const struct node *node, struct saver *saver, Node *m)
{
    m->children = save_messages(saver, &node_child__descriptor, node->child_count);
    if (m->children == NULL)
        return -ENOMEM;
    m->n_children = node->child_count;
    for (size_t i = 0; i < m->n_children; i++) {
        const struct node_child *child = &node->children[i];
        m->children[i]->key = child->key;
        m->children[i]->node = save_ref(saver, &child->node->object);
    }
    return 0;
}

static int node_save(const struct node *node, struct saver *saver, Node *m)
{
    if (node->value == 666)
        return save_fail(saver, -EBUSY, "node %" PRIu32 " is busy", node->value);
    m->next = save_ref(saver, (const struct object *)node->next);
    m->peer = save_ref(saver, (const struct object *)node->peer);
    m->deadline = node->deadline == 0 ? 0 : save_time(saver, node->deadline);
    m->value = node->value;
    return node_save_children(node, saver, m);
}

static void node_load_children(struct node *node, struct loader *loader, const Node *m)
{
    uint32_t next_key = 0;

    if (m->n_children > NODE_CHILDREN) {
        load_bad(loader, "children", "are %zu", m->n_children);
        return;
    }
    for (size_t i = 0; i < m->n_children; i++) {
        struct node_child *child = &node->children[node->child_count];
        child->key = m->children[i]->key;
        child->node = load_ref(loader, "children.node", m->children[i]->node, &node_type);
        node->child_count += child->node != NULL;
        if (child->key < next_key || child->key >= NODE_KEYS)
            load_bad(loader, "children.key", "%" PRIu32, child->key);
        next_key = child->key + 1;
    }
}

static int node_load(struct node *node, struct loader *loader, const Node *m)
{
    node->next = load_ref_opt(loader, "next", m->next, &node_type);
    node->peer = load_weak_opt(loader, "peer", m->peer, &node_type);
    node->deadline = m->deadline == 0 ? 0 : load_time(loader, "deadline", m->deadline);
    node->value = m->value;
    if (node->value == 667)
        load_bad(loader, "value", "is %" PRIu32, node->value);
    node_load_children(node, loader, m);
    return 0;
}

static void node_relink(struct node *node, struct loader *loader)
{
    (void)loader;
    if (node->peer != NULL)
        node->peer->peer_count++;
}

static uint64_t node_derived(const struct node *node)
{
    return node->peer_count;
}

struct node *node_create(uint32_t value, struct node *next)
{
    struct node *node = object_alloc(&node_type.object);

    assert(node != NULL);
    node->value = value;
    node->next = next;
    return node;
}

void node_set_peer(struct node *node, struct node *peer)
{
    node->peer = peer;
    peer->peer_count++;
}

void node_add_child(struct node *node, uint32_t key, struct node *child)
{
    assert(node->child_count < NODE_CHILDREN);
    node->children[node->child_count++] = (struct node_child){.key = key, .node = child};
}

struct object *fixture_node(void)
{
    struct node *node = node_create(5, node_create(6, NULL));

    node_add_child(node, 1, node_create(7, NULL));
    node_add_child(node, 4, node_create(8, NULL));
    node_set_peer(node, node->next);
    node_set_peer(node->next, node);
    node->deadline = 5000;
    return &node->object;
}
