/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random calls on a family of address spaces against a flat model: of each page its protection and
 * the word that was last stored, which shared pages have in common. Memory is anonymous or of
 * files, private or shared. Stores come from guests and from the kernel; checkpoints come between
 * and must collect what was there at their freeze.
 */
#include "tests/unit/mm_world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/host.h"

#define AT UINT64_C(0x10000000)
#define NOTHING UINT64_MAX

enum { PAGES = 128, FAMILY = 4, ROUNDS = 1500, FILE_PAGES = 60, SHARED_MAX = 100000 };

/* Files that are mapped privately are never written, those that are mapped shared are. */
enum {
    MEMORY_PRIVATE,
    HOST_PRIVATE,
    MEMORY_SHARED,
    HOST_SHARED,
    FILES,
    ANONYMOUS = FILES,
    ANONYMOUS_SHARED
};

struct page {
    bool is_mapped;
    int prot;
    unsigned shared; /* its word is that of shared_words; 0: its own */
    uint64_t word;
    uint64_t original; /* what is there after MADV_DONTNEED */
};

struct member {
    struct mm *mm;
    struct page pages[PAGES];
};

static struct member family[FAMILY];
static uint64_t seed = 99, last_word;
static uint64_t frozen[PAGES]; /* words of family[0] at the freeze, NOTHING: not mapped */
static uint64_t places[PAGES];
static bool is_collecting;
static struct file *files[FILES];
static uint64_t shared_words[SHARED_MAX];
static unsigned shared_count;

static unsigned pick(unsigned count)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed % count);
}

static guest_addr_t address_of(unsigned page)
{
    return AT + page * MEM_PAGE;
}

static struct member *any_member(void)
{
    struct member *member;

    do
        member = &family[pick(FAMILY)];
    while (!member->mm);
    return member;
}

static bool all_mapped(const struct member *member, unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++)
        if (!member->pages[i].is_mapped)
            return false;
    return true;
}

static uint64_t *word_of(struct page *page)
{
    return page->shared ? &shared_words[page->shared] : &page->word;
}

static uint64_t content_word(unsigned page)
{
    return 1000000 + page;
}

static void open_files(void)
{
    static char content[FILE_PAGES * 4096];

    for (unsigned i = 0; i < FILE_PAGES; i++) {
        const uint64_t word = content_word(i);

        memcpy(content + i * MEM_PAGE, &word, sizeof word);
    }
    files[MEMORY_PRIVATE] = mm_file(content, sizeof content, O_RDONLY);
    files[HOST_PRIVATE] = mm_host_file_new(content, sizeof content, false);
    files[MEMORY_SHARED] = mm_file(content, sizeof content, O_RDWR);
    files[HOST_SHARED] = mm_host_file_new(content, sizeof content, true);
    shared_count = 1;
    for (unsigned i = 0; i < 2 * FILE_PAGES; i++)
        shared_words[shared_count++] = content_word(i % FILE_PAGES);
}

static void map_file(struct member *member, unsigned first, unsigned count, int prot, int kind)
{
    bool is_shared = kind == MEMORY_SHARED || kind == HOST_SHARED;
    unsigned from = pick(FILE_PAGES - count + 1);

    assert_int_equal(mm_mmap(member->mm, address_of(first), count * MEM_PAGE, prot,
                             (is_shared ? SHARED : PRIVATE) | MAP_FIXED, files[kind],
                             from * MEM_PAGE),
                     address_of(first));
    for (unsigned i = 0; i < count; i++) {
        struct page *page = &member->pages[first + i];

        *page = (struct page){true, prot, 0, content_word(from + i), content_word(from + i)};
        if (is_shared)
            page->shared = 1 + (kind == HOST_SHARED ? FILE_PAGES : 0) + from + i;
    }
}

static void do_map(struct member *member, unsigned first, unsigned count, int prot)
{
    int kind = (int)pick(ANONYMOUS_SHARED + 1);
    bool is_shared = kind == ANONYMOUS_SHARED && shared_count + count < SHARED_MAX;

    if (kind < FILES) {
        map_file(member, first, count, prot, kind);
        return;
    }
    (void)mm_map(member->mm, address_of(first), count * MEM_PAGE, prot,
                 (is_shared ? SHARED : PRIVATE) | MAP_FIXED);
    for (unsigned i = first; i < first + count; i++) {
        member->pages[i] = (struct page){true, prot, 0, 0, 0};
        if (is_shared)
            shared_words[member->pages[i].shared = shared_count++] = 0;
    }
}

static void do_unmap(struct member *member, unsigned first, unsigned count)
{
    assert_int_equal(mm_munmap(member->mm, address_of(first), count * MEM_PAGE), 0);
    memset(&member->pages[first], 0, count * sizeof member->pages[0]);
}

static void do_protect(struct member *member, unsigned first, unsigned count, int prot)
{
    bool is_whole = all_mapped(member, first, count);

    assert_int_equal(mm_mprotect(member->mm, address_of(first), count * MEM_PAGE, prot),
                     is_whole ? 0 : -ENOMEM);
    for (unsigned i = first; i < first + count && member->pages[i].is_mapped; i++)
        member->pages[i].prot = prot;
}

static void do_forget(struct member *member, unsigned first, unsigned count)
{
    (void)mm_madvise(member->mm, address_of(first), count * MEM_PAGE, MADV_DONTNEED);
    for (unsigned i = first; i < first + count; i++)
        member->pages[i].word = member->pages[i].original;
}

static void do_move(struct member *member, unsigned first, unsigned count)
{
    unsigned to = pick(PAGES - count + 1);
    int64_t result;

    if (!all_mapped(member, first, count) || (to < first + count && first < to + count))
        return;
    result = mm_mremap(member->mm, address_of(first), count * MEM_PAGE, count * MEM_PAGE,
                       MREMAP_MAYMOVE | MREMAP_FIXED, address_of(to));
    for (unsigned i = first; i < first + count; i++)
        if (member->pages[i].prot != member->pages[first].prot) {
            assert_int_equal(result, -EFAULT); /* more than one vma */
            return;
        }
    if (result == -EFAULT)
        return; /* borders that the model does not know */
    assert_int_equal(result, address_of(to));
    memcpy(&member->pages[to], &member->pages[first], count * sizeof member->pages[0]);
    memset(&member->pages[first], 0, count * sizeof member->pages[0]);
}

static void do_fork(void)
{
    struct member *from = any_member(), *to = &family[pick(FAMILY - 1) + 1];

    if (to == from)
        return;
    object_put((struct object *)to->mm);
    assert_int_equal(mm_fork(from->mm, &to->mm), 0);
    memcpy(to->pages, from->pages, sizeof to->pages);
}

static void kernel_stores(struct member *member)
{
    for (int i = 0; i < 12; i++) {
        unsigned page = pick(PAGES);
        uint64_t word = ++last_word;
        bool may = member->pages[page].prot & PROT_WRITE;

        assert_int_equal(user_copy_out(member->mm, address_of(page), &word, sizeof word),
                         may ? 0 : -EFAULT);
        if (may)
            *word_of(&member->pages[page]) = word;
    }
}

static void guest_accesses(struct member *member)
{
    struct mm_guest guest;

    mm_guest_start(&guest, member->mm);
    for (int i = 0; i < 12; i++) {
        struct page *page = &member->pages[pick(PAGES)];
        guest_addr_t address = address_of((unsigned)(page - member->pages));
        uint64_t word = ++last_word, found;

        assert_int_equal(mm_guest_load(&guest, address, &found), page->prot != PROT_NONE);
        if (page->prot != PROT_NONE)
            assert_int_equal(found, *word_of(page));
        assert_int_equal(mm_guest_store(&guest, address, word), (page->prot & PROT_WRITE) != 0);
        if (page->prot & PROT_WRITE)
            *word_of(page) = word;
    }
    mm_guest_stop(&guest);
}

static void do_freeze(void)
{
    struct mm *mm;

    assert_int_equal(memfile_freeze(mm_kernel->memfile, 0), 0);
    LIST_FOREACH(mm, &mm_kernel->mms, link)
        assert_int_equal(mm_write_protect(mm), 0);
    is_collecting = true;
    for (unsigned i = 0; i < PAGES; i++) {
        struct pma *pma = pma_at(family[0].mm, address_of(i));

        frozen[i] = pma && pma_is_memory(pma) ? *word_of(&family[0].pages[i]) : NOTHING;
        places[i] = pma ? pma_offset(pma, address_of(i)) : 0;
    }
}

static int emit(void *context, uint64_t chunk, uint16_t mask, const void *data)
{
    uint64_t *words = context, word;

    for (unsigned i = 0; i < PAGES; i++) {
        unsigned page = (unsigned)(places[i] % MEM_CHUNK / MEM_PAGE);

        if (frozen[i] == NOTHING || places[i] / MEM_CHUNK != chunk)
            continue;
        memcpy(&word, (const char *)data + page * MEM_PAGE, sizeof word);
        words[i] = mask & 1 << page ? word : 0;
    }
    return 0;
}

static void do_collect(void)
{
    uint64_t words[PAGES] = {0};

    assert_int_equal(memfile_collect(mm_kernel->memfile, emit, words), 0);
    is_collecting = false;
    for (unsigned i = 0; i < PAGES; i++)
        if (frozen[i] != NOTHING)
            assert_int_equal(words[i], frozen[i]);
}

static void one_change(void)
{
    static const int prots[] = {RW, RW, PROT_READ, PROT_NONE, RW | PROT_EXEC};
    unsigned first = pick(PAGES), count = pick(PAGES - first) % 40 + 1;
    struct member *member = any_member();
    int prot = prots[pick(5)];

    switch (pick(9)) {
    case 0:
        do_map(member, first, count, prot);
        break;
    case 1:
        do_unmap(member, first, count);
        break;
    case 2:
    case 3:
        do_protect(member, first, count, prot);
        break;
    case 4:
        do_forget(member, first, count);
        break;
    case 5:
        do_move(member, first, count);
        break;
    case 6:
        do_fork();
        break;
    case 7:
        if (is_collecting)
            do_collect();
        else
            do_freeze();
        break;
    }
}

static void check_all(void)
{
    for (unsigned n = 0; n < FAMILY; n++) {
        struct member *member = &family[n];
        uint64_t word;

        if (!member->mm)
            continue;
        mm_check(member->mm);
        for (unsigned i = 0; i < PAGES; i++) {
            bool may = member->pages[i].prot != PROT_NONE;

            assert_int_equal(mm_is_mapped(member->mm, address_of(i), 1),
                             member->pages[i].is_mapped);
            assert_int_equal(user_copy_in(member->mm, &word, address_of(i), sizeof word),
                             may ? 0 : -EFAULT);
            if (may)
                assert_int_equal(word, *word_of(&member->pages[i]));
        }
    }
}

static void test_random(void **state)
{
    const char *rounds = getenv("MM_RANDOM_ROUNDS"), *start = getenv("MM_RANDOM_SEED");

    (void)state;
    seed = start ? strtoull(start, NULL, 0) : seed;
    memset(family, 0, sizeof family);
    family[0].mm = mm_new();
    last_word = 2000000;
    open_files();
    for (int i = 0; i < (rounds ? atoi(rounds) : ROUNDS); i++) {
        one_change();
        kernel_stores(any_member());
        if (i % 4 == 0)
            guest_accesses(any_member());
        if (i % 16 == 0)
            check_all();
    }
    if (is_collecting)
        do_collect();
    for (unsigned i = 0; i < FAMILY; i++)
        object_put((struct object *)family[i].mm);
    for (unsigned i = 0; i < FILES; i++)
        object_put(&files[i]->object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_random, mm_world_set_up_platform, mm_world_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
