/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/mm/vma.h"

/* Where the bytes are. Saved as they are. */
enum pma_source {
    PMA_RUN = 1,  /* a run of the memfile: the mm's own, or shared by fork */
    PMA_FILE = 2, /* a run of the mapping of the vma's file */
    PMA_HOST = 3, /* the host file below that mapping */
};

/*
 * What is there: a range in one vma and its place. Each owns (memfile_get) every chunk of the
 * memfile that it touches, so two halves of one chunk count twice.
 */
struct pma {
    guest_addr_t start, end;
    uint64_t offset; /* of start: in the memfile, or in the host file */
    enum pma_source source;
    bool is_cow; /* the first write makes a copy, or takes over what nobody else has */
    /* not saved, derived */
    bool is_owned; /* its chunks count it */
    /* not saved */
    int prot;        /* what the stub has of it, at most; none while some of it is absent */
    bool is_partial; /* in parts the stub may have less: writes of an older epoch */
    bool is_hot;     /* a copy: written soon after a fork, so the next one copies it at once */
    RB_ENTRY(pma) node;
};

RB_PROTOTYPE(pma_tree, pma, node, pma_compare)

/* All functions need mm->lock. Pointers are borrowed and good until the next split or merge. */

static inline bool pma_is_memory(const struct pma *pma)
{
    return pma->source != PMA_HOST;
}

/* The place of address, which is in it. */
static inline uint64_t pma_offset(const struct pma *pma, guest_addr_t address)
{
    return pma->offset + (address - pma->start);
}

/* The part of pma in the aligned size bytes around address. */
static inline void pma_grain(const struct pma *pma, guest_addr_t address, uint64_t size,
                             guest_addr_t *start, guest_addr_t *end)
{
    guest_addr_t first = address & ~(size - 1);

    *start = pma->start > first ? pma->start : first;
    *end = pma->end < first + size ? pma->end : first + size;
}

/* The first that ends above address; the one that contains it; NULL. */
struct pma *pma_find(const struct mm *mm, guest_addr_t address);
struct pma *pma_at(const struct mm *mm, guest_addr_t address);

/* Inserts a copy of like, which owns its chunks already; nothing is there yet. -ENOMEM. */
int pma_add(struct mm *mm, const struct pma *like, struct pma **ret);
/* Ownership of the chunks of a range of memory of mm's kernel. */
void pma_get_chunks(struct mm *mm, struct pma *pma);
void pma_put_chunks(struct mm *mm, struct pma *pma);

/* Makes at (and start, end) the border of two pmas, if it is inside of one. -ENOMEM. */
int pma_split(struct mm *mm, guest_addr_t at);
int pma_split_range(struct mm *mm, guest_addr_t start, guest_addr_t end);
/* Joins what can be one in and around [start, end), within vmas. */
void pma_merge(struct mm *mm, guest_addr_t start, guest_addr_t end);
/* Drops those in [start, end), whose borders are split already, and puts their chunks: the stub has
 * them no longer. */
void pma_remove_range(struct mm *mm, guest_addr_t start, guest_addr_t end);

/* True: all owners of the chunks of [start, end), a part of pma, are this mm's, by other parts of
 * the same addresses. */
bool pma_is_sole(struct mm *mm, const struct pma *pma, guest_addr_t start, guest_addr_t end);
