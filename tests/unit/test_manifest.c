/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest.json: what is written is read back whole; whatever else stands in the file is an error
 * that names the field, and nothing is left of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "core/base/container.h"
#include "core/base/host.h"
#include "snapshot/cpu.h"
#include "snapshot/json_message.h"
#include "snapshot/manifest.h"
#include "tests/unit/host_descriptors.h"

static Manifest *sample;
static char *text; /* of it */
static struct report report;

/* Every field differs from its default. */
static void fill_sample(void)
{
    struct image_file file = {.size = INT64_MAX, .digest = "00112233445566778899aabbccddeeff"};

    assert_int_equal(manifest_set_text(&sample->name, "demo"), 0);
    assert_int_equal(manifest_set_text(&sample->parent, "000102030405060708090a0b0c0d0e0f"), 0);
    assert_int_equal(manifest_set_text(&sample->options->platform, "auto"), 0);
    assert_int_equal(manifest_set_generation(sample, (const uint8_t *)"0123456789abcdef"), 0);
    sample->clocks->monotonic_ns = INT64_MAX;
    sample->clocks->realtime_ns = INT64_MIN + 1;
    sample->epoch = UINT64_MAX - 1;
    *sample->counts = (ImageCounts){.base = sample->counts->base,
                                    .objects = UINT64_MAX - 1,
                                    .roots = 3,
                                    .processes = 4,
                                    .tasks = 5,
                                    .blocked_tasks = 6,
                                    .chunks = (UINT64_C(1) << 53) + 1};
    sample->options->memory_limit = 7;
    sample->options->strict_files = true;
    sample->options->ghost_limit = 8;
    assert_int_equal(manifest_add_root(sample, "/", "/a \"b\"\\\n", true), 0);
    assert_int_equal(manifest_add_root(sample, "/mnt", "/t\xc3\xa4st", false), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(manifest_add_stdio(sample, "fifo", 9, 10, "pipe:[3]"), 0);
    assert_int_equal(manifest_add_file(sample, "kernel.img", &file), 0);
}

static int setup(void **state)
{
    struct bytes printed = {0};
    (void)state;

    report = (struct report){0};
    assert_int_equal(manifest_create(&sample), 0);
    fill_sample();
    assert_int_equal(manifest_print(sample, &printed), 0);
    assert_int_equal(bytes_append(&printed, "", 1), 0);
    text = strdup((const char *)printed.data);
    bytes_fini(&printed);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    manifest_free(sample);
    free(text);
    return 0;
}

static int parse(const char *json)
{
    Manifest *manifest;

    report = (struct report){0};
    int err = manifest_parse(json, strlen(json), &report, &manifest);
    if (err == 0)
        manifest_free(manifest);
    else
        assert_true(err == -ENOMEM || report.bad_count > 0);
    return err;
}

/* The sample with the first occurrence of from replaced; the caller frees. */
static char *replaced(const char *from, const char *to)
{
    const char *at = strstr(text, from);
    char *json = malloc(strlen(text) + strlen(to) + 1);

    assert_non_null(at);
    (void)sprintf(json, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return json;
}

static void assert_refused(const char *from, const char *to, const char *line)
{
    char *json = replaced(from, to);

    assert_int_equal(parse(json), -EINVAL);
    assert_string_equal(report.lines[0], line);
    free(json);
}

/* --- round trip --- */

static void test_round_trip(void **state)
{
    size_t size = manifest__get_packed_size(sample);
    uint8_t *before = malloc(size), *after = malloc(size);
    Manifest *manifest;
    (void)state;

    assert_int_equal(manifest_parse(text, strlen(text), &report, &manifest), 0);
    assert_int_equal(manifest__get_packed_size(manifest), size);
    (void)manifest__pack(sample, before);
    (void)manifest__pack(manifest, after);
    assert_memory_equal(before, after, size);
    manifest_free(manifest);
    free(before);
    free(after);
}

static void test_what_is_in_it(void **state)
{
    static const char *const parts[] = {"\"format\": 1,",
                                        "\"program\": \"sbx ",
                                        "\"architecture\": \"x86_64\"",
                                        "\"epoch\": 18446744073709551614",
                                        "\"generation\": \"30313233343536373839616263646566\"",
                                        "\"realtime_ns\": -9223372036854775807",
                                        "\"path\": \"/a \\\"b\\\"\\\\\\n\""};
    (void)state;

    for (size_t i = 0; i < ARRAY_COUNT(parts); i++)
        assert_non_null(strstr(text, parts[i]));
}

static void test_find_file(void **state)
{
    struct image_file file;
    (void)state;

    assert_true(manifest_get_file(sample, "kernel.img", &file));
    assert_int_equal(file.size, INT64_MAX);
    assert_string_equal(file.digest, "00112233445566778899aabbccddeeff");
    assert_false(manifest_get_file(sample, "pages.img", &file));
    assert_null(manifest_find_file(sample, "pages.img"));
}

/* --- refused --- */

static void test_formats(void **state)
{
    (void)state;
    assert_refused("\"format\": 1", "\"format\": 9, \"new\": {}",
                   "manifest.json: format 9 is newer than 1");
    assert_refused("\"format\": 1", "\"format\": 18446744073709551615",
                   "manifest.json: format 18446744073709551615 is newer than 1");
    assert_refused("\"format\": 1", "\"format\": 0", "manifest.json: format: 0 is none");
    assert_refused("\"format\": 1", "\"format\": \"1\"", "manifest.json: format: missing");
    assert_refused("\"format\"", "\"form\"", "manifest.json: format: missing");
    assert_int_equal(parse("[]"), -EINVAL);
    assert_int_equal(parse(""), -EINVAL);
    assert_int_equal(parse("{}"), -EINVAL);
}

static void test_fields(void **state)
{
    (void)state;
    assert_refused("\"tasks\": 5,", "", "manifest.json: counts.tasks: missing");
    assert_refused("\"tasks\": 5", "\"tasks\": 5, \"jobs\": 6",
                   "manifest.json: counts.jobs: unknown field");
    assert_refused("\"tasks\": 5", "\"tasks\": -5", "manifest.json: counts.tasks: out of range");
    assert_refused("\"tasks\": 5", "\"tasks\": 5.5",
                   "manifest.json: counts.tasks: not a whole number");
    assert_refused("\"tasks\": 5", "\"tasks\": \"5\"",
                   "manifest.json: counts.tasks: not a whole number");
    assert_refused("\"tasks\": 5", "\"tasks\": null",
                   "manifest.json: counts.tasks: not a whole number");
    assert_refused("\"strict_files\": true", "\"strict_files\": 1",
                   "manifest.json: options.strict_files: not true or false");
    assert_refused("\"monotonic_ns\": 9223372036854775807", "\"monotonic_ns\": 9223372036854775808",
                   "manifest.json: clocks.monotonic_ns: out of range");
    assert_refused("\"monotonic_ns\": 9223372036854775807", "\"monotonic_ns\": -1",
                   "manifest.json: clocks.monotonic_ns: negative");
    assert_refused("\"name\": \"demo\"", "\"name\": \"de\\u0000mo\"",
                   "manifest.json: name: has a zero byte");
    assert_refused("\"xcr0\": \"0x", "\"xcr0\": \"0xg",
                   "manifest.json: cpu.xcr0: not a hexadecimal"
                   " number");
    assert_refused("\"generation\": \"30", "\"generation\": \"0",
                   "manifest.json: generation: an odd number of hexadecimal digits");
    assert_refused("\"generation\": \"30", "\"generation\": \"XY",
                   "manifest.json: generation: not hexadecimal digits");
    assert_refused("\"generation\": \"30", "\"generation\": \"",
                   "manifest.json: generation: not 16 bytes");
    assert_refused("\"path\": \"/t", "\"path\": 5, \"x\": \"/t",
                   "manifest.json: roots[1].x: unknown field");
}

static void test_values(void **state)
{
    (void)state;
    assert_refused("x86_64", "aarch64", "manifest.json: architecture \"aarch64\", this is x86_64");
    assert_refused("\"name\": \"demo\"", "\"name\": \"\"",
                   "manifest.json: name: empty or too long");
    assert_refused("\"parent\": \"0001", "\"parent\": \"01",
                   "manifest.json: parent: not a generation");
    assert_refused("\"roots\": 3", "\"roots\": 0",
                   "manifest.json: counts.roots: more than there are objects, or none");
    assert_refused("\"platform\": \"auto\"", "\"platform\": \"\"",
                   "manifest.json: options.platform: empty");
    assert_refused("\"name\": \"/\"", "\"name\": \"/x\"",
                   "manifest.json: roots: the first one is not /");
    assert_refused("\"name\": \"/mnt\"", "\"name\": \"/\"",
                   "manifest.json: roots: a name that stands there twice");
    assert_refused("\"path\": \"/t", "\"path\": \"t",
                   "manifest.json: roots: a name or path that is not absolute");
    assert_refused("kernel.img", "../kernel.img", "manifest.json: files: a name that cannot be");
    assert_refused("kernel.img", "a/b", "manifest.json: files: a name that cannot be");
    assert_refused("kernel.img", "manifest.json", "manifest.json: files: a name that cannot be");
    assert_refused("00112233445566778899aabbccddeeff", "0011",
                   "manifest.json: files: a digest that is none");
    assert_refused("\"size\": 9223372036854775807", "\"size\": 9223372036854775808",
                   "manifest.json: files: a size that cannot be");
}

static void test_counts_of_entries(void **state)
{
    struct image_file file = {.digest = "00112233445566778899aabbccddeeff"};
    (void)state;

    assert_int_equal(manifest_add_stdio(sample, "file", 1, 2, ""), 0);
    assert_int_equal(manifest_check(sample, &report), -EINVAL);
    assert_string_equal(report.lines[0], "manifest.json: stdio: neither none nor three");
    assert_int_equal(manifest_add_file(sample, "kernel.img", &file), 0);
    report = (struct report){0};
    assert_int_equal(manifest_check(sample, &report), -EINVAL);
    assert_string_equal(report.lines[1], "manifest.json: files: a name that stands there twice");
}

/* Numbers that no 64 bits hold must not come out as others. */
static void test_huge_numbers(void **state)
{
    (void)state;
    assert_refused("\"epoch\": 18446744073709551614", "\"epoch\": 18446744073709551616",
                   "manifest.json: epoch: out of range");
    assert_refused("\"realtime_ns\": -9223372036854775807", "\"realtime_ns\": -9223372036854775809",
                   "manifest.json: clocks.realtime_ns: out of range");
    assert_refused("\"monotonic_ns\": 9223372036854775807",
                   "\"monotonic_ns\": 99999999999999999999999",
                   "manifest.json: clocks.monotonic_ns: out of range");
}

static void test_bombs(void **state)
{
    char *deep = malloc(200001);
    struct bytes many = {0};
    (void)state;

    memset(deep, '[', 200000);
    deep[200000] = '\0';
    assert_int_equal(parse(deep), -EINVAL);
    free(deep);
    for (int i = 0; i < 300; i++)
        assert_int_equal(bytes_printf(&many, "\"x\","), 0);
    assert_int_equal(bytes_append(&many, "", 1), 0);
    char *json = malloc(strlen(text) + many.size + 20);
    (void)sprintf(json, "\"names\": [%s", (const char *)many.data);
    char *whole = replaced("\"names\": [", json);
    assert_int_equal(parse(whole), -EINVAL);
    assert_string_equal(report.lines[0], "manifest.json: cpu.names: too many elements");
    free(whole);
    free(json);
    bytes_fini(&many);
}

static void test_messages_are_checked_too(void **state)
{
    Manifest empty = MANIFEST__INIT;
    (void)state;

    assert_int_equal(manifest_check(&empty, &report), -EINVAL);
    empty.format = 1;
    empty.architecture = (char *)"x86_64";
    assert_int_equal(manifest_check(&empty, &report), -EINVAL);
    assert_string_equal(report.lines[1], "manifest.json: cpu: missing");
}

/* --- mutations --- */

static void test_truncated(void **state)
{
    size_t size = strrchr(text, '}') - text;
    (void)state;

    for (size_t i = 0; i <= size; i++) {
        text[i == size ? size : size - i] = '\0';
        assert_int_equal(parse(text), -EINVAL);
    }
}

static void test_flipped(void **state)
{
    unsigned refused = 0;
    size_t bits = 8 * strlen(text);
    (void)state;

    for (size_t i = 0; i < bits; i++) {
        text[i / 8] ^= (char)(1 << i % 8);
        refused += parse(text) < 0;
        text[i / 8] ^= (char)(1 << i % 8);
    }
    assert_true(refused > bits / 2);
    assert_int_equal(parse(text), 0);
}

/* Leaves out each member of an object in turn: the error names it. */
static void omit_members(struct json_object *whole, struct json_object *json, unsigned *count)
{
    const char *names[32];
    size_t name_count = 0;

    json_object_object_foreach(json, key, unused)
    {
        (void)unused;
        names[name_count++] = strdup(key);
    }
    for (size_t i = 0; i < name_count; i++) {
        struct json_object *value = json_object_get(json_object_object_get(json, names[i]));
        if (json_object_is_type(value, json_type_object))
            omit_members(whole, value, count);
        json_object_object_del(json, names[i]);
        assert_int_equal(parse(json_object_to_json_string(whole)), -EINVAL);
        assert_non_null(strstr(report.lines[0], names[i]));
        assert_non_null(strstr(report.lines[0], "missing"));
        json_object_object_add(json, names[i], value);
        free((char *)names[i]);
        (*count)++;
    }
}

static void test_members_missing(void **state)
{
    struct json_object *json = json_tokener_parse(text);
    unsigned count = 0;
    (void)state;

    omit_members(json, json, &count);
    assert_int_equal(parse(json_object_to_json_string(json)), 0);
    json_object_put(json);
    assert_int_equal(count, 14 + 4 + 2 + 6 + 4);
}

/* --- memory and files --- */

static void test_no_memory(void **state)
{
    Manifest *manifest;
    unsigned failures = 0;
    int err = -ENOMEM;
    (void)state;

    for (unsigned long n = 1; err == -ENOMEM; n++) {
        host_alloc_fail_at(n);
        err = manifest_parse(text, strlen(text), &report, &manifest);
        host_alloc_fail_at(0);
        failures += err == -ENOMEM;
    }
    assert_int_equal(err, 0);
    assert_true(failures > 50);
    manifest_free(manifest);
    err = -ENOMEM;
    for (unsigned long n = 1; err == -ENOMEM; n++) {
        host_alloc_fail_at(n);
        err = manifest_create(&manifest);
        host_alloc_fail_at(0);
    }
    assert_int_equal(err, 0);
    manifest_free(manifest);
}

static void test_files(void **state)
{
    unsigned fds = host_descriptor_count();
    char path[] = "/tmp/test_manifest.XXXXXX";
    Manifest *manifest;
    (void)state;

    assert_non_null(mkdtemp(path));
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(manifest_read(dir, &report, &manifest), -ENOENT);
    assert_string_equal(report.lines[0], "manifest.json: No such file or directory");
    assert_int_equal(manifest_write(dir, sample), 0);
    assert_int_equal(manifest_write(dir, sample), -EEXIST);
    assert_int_equal(manifest_read(dir, &report, &manifest), 0);
    manifest_free(manifest);
    int fd = openat(dir, MANIFEST_NAME, O_WRONLY | O_CLOEXEC);
    assert_int_equal(ftruncate(fd, MANIFEST_SIZE_MAX + 1), 0);
    (void)close(fd);
    assert_int_equal(manifest_read(dir, &report, &manifest), -EINVAL);
    assert_int_equal(renameat(dir, MANIFEST_NAME, dir, "other"), 0);
    assert_int_equal(symlinkat("other", dir, MANIFEST_NAME), 0);
    assert_int_equal(manifest_read(dir, &report, &manifest), -ELOOP);
    assert_int_equal(unlinkat(dir, MANIFEST_NAME, 0), 0);
    assert_int_equal(mkfifoat(dir, MANIFEST_NAME, 0600), 0);
    assert_int_equal(manifest_read(dir, &report, &manifest), -EINVAL);
    assert_int_equal(unlinkat(dir, MANIFEST_NAME, 0), 0);
    assert_int_equal(unlinkat(dir, "other", 0), 0);
    (void)close(dir);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(host_descriptor_count(), fds);
}

/* --- the CPU --- */

static void test_cpu_fits_itself(void **state)
{
    (void)state;
    cpu_check(sample->cpu, &report);
    assert_int_equal(report.bad_count, 0);
    assert_true(sample->cpu->n_names > 10);
    assert_true(sample->cpu->xstate_size >= 576);
    assert_int_equal(sample->cpu->xcr0 & 3, 3);
}

static void test_cpu_of_another(void **state)
{
    CpuFeatures *cpu = sample->cpu;
    (void)state;

    cpu->xcr0 |= UINT64_C(1) << 62;
    cpu_check(cpu, &report);
    assert_int_equal(report.bad_count, 1);
    assert_string_equal(report.lines[0],
                        "manifest.json: cpu.xcr0: this CPU lacks 0x4000000000000000");
    cpu->xcr0 &= ~(UINT64_C(1) << 62);
    assert_int_equal(manifest_set_text(&cpu->names[0], "warp"), 0);
    cpu_check(cpu, &report);
    assert_int_equal(report.bad_count, 2);
    assert_string_equal(report.lines[1], "manifest.json: cpu.names: unknown feature \"warp\"");
}

/* No CPU has both the AMD and the Intel ones. */
static void test_cpu_lacks_a_feature(void **state)
{
    CpuFeatures *cpu = sample->cpu;
    (void)state;

    assert_int_equal(manifest_set_text(&cpu->names[0], "tbm"), 0);
    assert_int_equal(manifest_set_text(&cpu->names[1], "avx512_fp16"), 0);
    cpu_check(cpu, &report);
    assert_true(report.bad_count > 0);
    assert_non_null(strstr(report.lines[0], "this CPU lacks"));
}

static void test_cpu_with_another_layout(void **state)
{
    CpuFeatures *cpu = sample->cpu;
    (void)state;

    if (cpu->n_components == 0) {
        print_message("skipped: this CPU has x87 and SSE state only\n");
        skip();
    }
    cpu->components[0]->offset += 64;
    cpu_check(cpu, &report);
    assert_int_equal(report.bad_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_in_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_find_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_formats, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fields, setup, teardown),
        cmocka_unit_test_setup_teardown(test_values, setup, teardown),
        cmocka_unit_test_setup_teardown(test_counts_of_entries, setup, teardown),
        cmocka_unit_test_setup_teardown(test_huge_numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bombs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_messages_are_checked_too, setup, teardown),
        cmocka_unit_test_setup_teardown(test_truncated, setup, teardown),
        cmocka_unit_test_setup_teardown(test_flipped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_members_missing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cpu_fits_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cpu_of_another, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cpu_lacks_a_feature, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cpu_with_another_layout, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
