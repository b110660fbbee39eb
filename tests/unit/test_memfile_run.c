/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs of the memfile: where they lie, who owns them, and that what nobody owns takes no memory and
 * reads as zeros when it is given out again.
 */
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/host.h"
#include "platform/memfile.h"
#include "tests/unit/host_descriptors.h"

#define MB(x) ((uint64_t)(x) << 20)

static struct memfile *memfile;
static unsigned descriptors;

static int set_up(void **state)
{
    (void)state;
    descriptors = host_descriptor_count();
    return memfile_create(MB(256), 0, &memfile);
}

static int tear_down(void **state)
{
    (void)state;
    if (memfile_owned_size(memfile) != 0 || memfile_memory_size(memfile) != 0)
        return -1;
    memfile_free(memfile);
    memfile = NULL;
    return host_descriptor_count() == descriptors ? 0 : -1;
}

static uint64_t alloc(uint64_t size, uint64_t address)
{
    uint64_t offset = UINT64_MAX;

    assert_int_equal(memfile_alloc(memfile, size, address, &offset), 0);
    return offset;
}

static void store(uint64_t offset, int value, uint64_t size)
{
    assert_int_equal(memfile_prepare_write(memfile, offset, size), 0);
    memset(memfile_at(memfile, offset), value, size);
}

static bool is_zero(uint64_t offset, uint64_t size)
{
    const char *at = memfile_at(memfile, offset);

    return at[0] == 0 && memcmp(at, at + 1, size - 1) == 0;
}

static bool has_real_folios(void)
{
    uint64_t offset = alloc(MB(2), 0);
    bool has;

    memfile_advise(memfile, offset, MB(2));
    store(offset, 1, 1);
    has = memfile_memory_size(memfile) == MB(2);
    memfile_put(memfile, offset, MB(2));
    return has;
}

static void a_run_lies_where_its_address_wants_it(void **state)
{
    uint64_t a = alloc(MB(4), 0x7f0000130000), b = alloc(1, 0x7f0000131000);
    uint64_t c = alloc(MB(2), 0x555555554000);

    (void)state;
    assert_int_equal(a % MEM_FOLIO, 0x130000);
    assert_int_equal(b % MEM_CHUNK, 0x1000);
    assert_int_equal(c % MEM_FOLIO, 0x555555554000 % MEM_FOLIO);
    assert_int_equal(memfile_owned_size(memfile), MB(4) + MEM_CHUNK + MB(2) + MEM_CHUNK);
    assert_int_equal(memfile_chunk_state(memfile, c), CHUNK_PRESENT);
    memfile_put(memfile, a, MB(4));
    memfile_put(memfile, b, 1);
    memfile_put(memfile, c, MB(2));
    assert_int_equal(memfile_chunk_state(memfile, c), CHUNK_EMPTY);
}

static void owners_are_counted_by_the_chunk(void **state)
{
    uint64_t at = alloc(MB(1), 0);

    (void)state;
    memfile_get(memfile, at + MEM_CHUNK - 1, 2); /* touches two */
    assert_int_equal(memfile_owners(memfile, at, MB(1)), 2);
    assert_int_equal(memfile_owners(memfile, at + 2 * MEM_CHUNK, MEM_CHUNK), 1);
    store(at, 7, MB(1));
    memfile_put(memfile, at, MB(1));
    assert_int_equal(memfile_owned_size(memfile), 2 * MEM_CHUNK);
    assert_int_equal(memfile_memory_size(memfile), 2 * MEM_CHUNK);
    assert_int_equal(memfile_owners(memfile, at, MB(1)), 1);
    assert_int_equal(*memfile_at(memfile, at), 7);
    memfile_put(memfile, at, 2 * MEM_CHUNK);
}

static void a_full_file_is_an_error_and_heals(void **state)
{
    uint64_t all = alloc(MB(256), 0), offset;

    (void)state;
    assert_int_equal(memfile_alloc(memfile, 1, 0, &offset), -ENOMEM);
    memfile_put(memfile, all + MB(10), MEM_CHUNK);
    assert_int_equal(memfile_alloc(memfile, MEM_CHUNK + 1, 0, &offset), -ENOMEM);
    assert_int_equal(alloc(MEM_CHUNK, 0), all + MB(10));
    memfile_put(memfile, all, MB(256));
    assert_int_equal(memfile_alloc(memfile, MB(257), 0, &offset), -ENOMEM);
    memfile_put(memfile, alloc(MB(256), 0), MB(256));
}

static void claims_are_checked(void **state)
{
    (void)state;
    assert_int_equal(memfile_claim(memfile, MB(256), 1), -EINVAL);
    assert_int_equal(memfile_claim(memfile, MB(255), MB(1) + 1), -EINVAL);
    assert_int_equal(memfile_claim(memfile, 0, 0), -EINVAL);
    assert_int_equal(memfile_claim(memfile, UINT64_MAX, 2), -EINVAL);
    assert_int_equal(memfile_owned_size(memfile), 0);
    assert_int_equal(memfile_claim(memfile, MB(1), MB(1)), 0);
    assert_int_equal(memfile_claim(memfile, MB(1) + MEM_CHUNK, MEM_CHUNK), 0);
    assert_int_equal(memfile_owners(memfile, MB(1), MB(1)), 2);
    assert_int_equal(memfile_owned_size(memfile), MB(1));
    assert_int_equal(alloc(MB(1), 0), 0);
    memfile_put(memfile, 0, MB(2));
    memfile_put(memfile, MB(1) + MEM_CHUNK, MEM_CHUNK);
}

static void a_folio_goes_as_a_whole(void **state)
{
    uint64_t at;

    (void)state;
    if (!has_real_folios()) {
        print_message("no huge folios on this host\n");
        skip();
    }
    at = alloc(MB(6), 0);
    memfile_advise(memfile, 0, MB(256)); /* ends with what is owned */
    memfile_put(memfile, at, MB(6));
    at = alloc(MB(6) + MEM_CHUNK, 0);
    memfile_advise(memfile, at + 1, MB(6)); /* two whole folios */
    store(at, 1, MB(2) + 1);
    assert_int_equal(memfile_memory_size(memfile), MB(4));
    store(at, 1, MB(6));
    assert_int_equal(memfile_memory_size(memfile), MB(6));

    memfile_put(memfile, at + MB(2), MB(1) - MEM_CHUNK); /* less than half: it is kept */
    assert_int_equal(memfile_memory_size(memfile), MB(6));
    assert_int_not_equal(alloc(MEM_CHUNK, 0), at + MB(2)); /* and not given out */
    memfile_put(memfile, at + MB(6) + MEM_CHUNK, MEM_CHUNK);
    memfile_put(memfile, at + MB(3) - MEM_CHUNK, MEM_CHUNK); /* half of it */
    assert_int_equal(memfile_memory_size(memfile), MB(5));
    assert_int_equal(alloc(MB(1), 0), at + MB(2));
    assert_true(is_zero(at + MB(2), MB(1)));
    memfile_put(memfile, at, MB(6) + MEM_CHUNK);
}

static void advice_ends_with_the_run(void **state)
{
    uint64_t at;

    (void)state;
    if (!has_real_folios()) {
        print_message("no huge folios on this host\n");
        skip();
    }
    at = alloc(MB(8), 0);
    memfile_advise(memfile, at, MB(8));
    memfile_put(memfile, at, MB(8));
    at = alloc(MEM_CHUNK, 0);
    store(at, 1, 1);
    assert_int_equal(memfile_memory_size(memfile), MEM_PAGE);
    memfile_put(memfile, at, MEM_CHUNK);
}

/* --- against a plain array of counts --- */

enum { MODEL_CHUNKS = 512, MODEL_STEPS = 20000 };
static unsigned char model[MODEL_CHUNKS];

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void model_alloc(uint64_t *seed)
{
    uint64_t count = 1 + next_random(seed) % (next_random(seed) % 8 == 0 ? 100 : 8), offset;
    uint64_t address = next_random(seed) % 1000 * MEM_CHUNK;

    if (memfile_alloc(memfile, count * MEM_CHUNK, address, &offset) < 0)
        return;
    if (count * MEM_CHUNK >= MEM_FOLIO)
        assert_int_equal(offset % MEM_FOLIO, address % MEM_FOLIO);
    assert_true(offset + count * MEM_CHUNK <= MODEL_CHUNKS * MEM_CHUNK);
    if (next_random(seed) % 2 == 0)
        memfile_advise(memfile, offset, count * MEM_CHUNK);
    for (uint64_t i = offset / MEM_CHUNK; i < offset / MEM_CHUNK + count; i++) {
        assert_int_equal(model[i], 0);
        model[i] = 1;
        assert_true(is_zero(i * MEM_CHUNK, MEM_CHUNK));
        store(i * MEM_CHUNK, 0xee, MEM_CHUNK);
    }
}

/* A range of chunks that are all owned. */
static bool model_range(uint64_t *seed, uint64_t *first, uint64_t *count)
{
    *first = next_random(seed) % MODEL_CHUNKS;
    *count = 0;
    while (*first + *count < MODEL_CHUNKS && model[*first + *count] > 0 && *count < 60)
        ++*count;
    return *count > 0;
}

static void model_count(uint64_t *seed, bool is_get)
{
    uint64_t first, count;

    if (!model_range(seed, &first, &count))
        return;
    for (uint64_t i = first; i < first + count; i++)
        if (model[i] == UCHAR_MAX)
            return;
    for (uint64_t i = first; i < first + count; i++)
        model[i] = (unsigned char)(model[i] + (is_get ? 1 : -1));
    if (is_get)
        memfile_get(memfile, first * MEM_CHUNK, count * MEM_CHUNK);
    else
        memfile_put(memfile, first * MEM_CHUNK, count * MEM_CHUNK);
}

static void model_compare(void)
{
    uint64_t owned = 0;

    for (uint64_t i = 0; i < MODEL_CHUNKS; i++) {
        assert_int_equal(memfile_owners(memfile, i * MEM_CHUNK, MEM_CHUNK), model[i]);
        owned += model[i] > 0;
    }
    assert_int_equal(memfile_owned_size(memfile), owned * MEM_CHUNK);
    /* Folios that are mostly in use keep what is freed of them. */
    assert_in_range(memfile_memory_size(memfile), owned * MEM_CHUNK, owned * MEM_CHUNK * 2);
}

static void counts_agree_with_a_plain_array(void **state)
{
    uint64_t seed = 88172645463325252;

    (void)state;
    memfile_free(memfile);
    assert_int_equal(memfile_create(MODEL_CHUNKS * MEM_CHUNK, 0, &memfile), 0);
    memset(model, 0, sizeof(model));
    for (int i = 0; i < MODEL_STEPS; i++) {
        uint64_t what = next_random(&seed) % 8;

        if (what < 2)
            model_alloc(&seed);
        else
            model_count(&seed, what < 4);
        if (i % 200 == 0)
            model_compare();
    }
    model_compare();
    for (uint64_t i = 0; i < MODEL_CHUNKS; i++)
        for (; model[i] > 0; model[i]--)
            memfile_put(memfile, i * MEM_CHUNK, MEM_CHUNK);
    memfile_put(memfile, alloc(MODEL_CHUNKS * MEM_CHUNK, 0), MODEL_CHUNKS * MEM_CHUNK);
}

/* --- where there may be no mount, and where calls fail --- */

static void a_limit_is_an_error_not_a_crash(void **state)
{
    struct memfile *limited;
    uint64_t at, err = 0, size;

    (void)state;
    assert_int_equal(memfile_create(MB(256), MB(8), &limited), 0);
    if (!memfile_has_folios(limited)) {
        memfile_free(limited);
        print_message("no mount: the limit is on address space\n");
        skip();
    }
    assert_int_equal(memfile_alloc(limited, MB(64), 0, &at), 0);
    for (size = 0; size < MB(64); size += MEM_CHUNK) {
        err = (uint64_t)memfile_prepare_write(limited, at + size, MEM_CHUNK);
        if (err != 0)
            break;
        memset(memfile_at(limited, at + size), 1, MEM_CHUNK);
    }
    assert_int_equal((int)err, -ENOMEM);
    assert_in_range(size, MB(7), MB(8));
    assert_true(memfile_memory_size(limited) <= MB(8));
    memfile_put(limited, at, MB(32));
    assert_int_equal(memfile_prepare_write(limited, at + MB(40), MB(4)), 0);
    memset(memfile_at(limited, at + MB(40)), 1, MB(4));
    memfile_put(limited, at + MB(32), MB(32));
    assert_int_equal(memfile_memory_size(limited), 0);
    memfile_free(limited);
}

static int use_memfile(bool with_folios)
{
    struct memfile *other;
    uint64_t at;

    if (memfile_create(MB(64), MB(4), &other) < 0 || memfile_has_folios(other) != with_folios)
        return 10;
    if (memfile_alloc(other, MB(4), 0, &at) < 0 || memfile_prepare_write(other, at, MB(1)) < 0)
        return 11;
    memset(memfile_at(other, at), 1, MB(1));
    if (memfile_memory_size(other) != MB(1))
        return 12;
    /* A memfd has no limit of its own: address space is counted. */
    if (memfile_alloc(other, MB(4), 0, &at) != (with_folios ? 0 : -ENOMEM))
        return 13;
    memfile_free(other);
    return 0;
}

static void write_line(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    if (!file || fputs(text, file) < 0 || fclose(file) != 0)
        _exit(78);
}

static int without_privileges(bool with_namespace)
{
    unsigned uid = 65534, gid;
    char map[32];

    if (geteuid() != 0)
        uid = geteuid();
    else if (setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
        return 79;
    if (with_namespace) {
        /* A process that has changed its user may not write its own maps otherwise. */
        (void)prctl(PR_SET_DUMPABLE, 1);
        gid = getegid();
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
            return 77;
        write_line("/proc/self/setgroups", "deny");
        (void)snprintf(map, sizeof(map), "0 %u 1", uid);
        write_line("/proc/self/uid_map", map);
        (void)snprintf(map, sizeof(map), "0 %u 1", gid);
        write_line("/proc/self/gid_map", map);
    }
    return use_memfile(with_namespace);
}

static int in_child(bool with_namespace)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0)
        _exit(without_privileges(with_namespace));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void it_works_without_privileges(void **state)
{
    int status;

    (void)state;
    status = in_child(false);
    if (status == 0)
        status = in_child(true);
    if (status == 77) {
        print_message("no user namespaces on this host\n");
        skip();
    }
    assert_int_equal(status, 0);
}

static void failing_calls_leave_nothing_behind(void **state)
{
    unsigned before = host_descriptor_count();
    unsigned long failed = 0;
    struct memfile *other;
    int err;

    (void)state;
    for (unsigned long i = 1; i < 40; i++) {
        host_call_fail_at(i, -ENOMEM);
        err = memfile_create(MB(64), 0, &other);
        host_call_fail_at(0, 0);
        failed += err < 0;
        if (err == 0)
            memfile_free(other);
        assert_int_equal(host_descriptor_count(), before);
    }
    assert_true(failed >= 5);
    for (unsigned long i = 1; i <= 2; i++) {
        host_alloc_fail_at(i);
        assert_int_equal(memfile_create(MB(64), 0, &other), -ENOMEM);
        host_alloc_fail_at(0);
        assert_int_equal(host_descriptor_count(), before);
    }
}

static void what_cannot_be_punched_is_not_given_out(void **state)
{
    uint64_t at = alloc(MEM_CHUNK, 0), next;

    (void)state;
    store(at, 1, MEM_CHUNK);
    host_call_fail_at(1, -ENOMEM);
    memfile_put(memfile, at, MEM_CHUNK);
    host_call_fail_at(0, 0);
    assert_int_equal(memfile_owned_size(memfile), 0);
    next = alloc(MEM_CHUNK, 0);
    assert_true(is_zero(next, MEM_CHUNK));
    memfile_put(memfile, next, MEM_CHUNK);
    memfile_free(memfile);
    assert_int_equal(memfile_create(MB(64), 0, &memfile), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_run_lies_where_its_address_wants_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(owners_are_counted_by_the_chunk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_file_is_an_error_and_heals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(claims_are_checked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_folio_goes_as_a_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(advice_ends_with_the_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(counts_agree_with_a_plain_array, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_limit_is_an_error_not_a_crash, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_works_without_privileges, set_up, tear_down),
        cmocka_unit_test_setup_teardown(failing_calls_leave_nothing_behind, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_punched_is_not_given_out, set_up, tear_down),
    };

    if (host_guard_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
