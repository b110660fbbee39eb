/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a CPU has, for the manifest, and whether another has it, too. Guests execute CPUID
 * themselves, so whatever they could have found counts as used. The saved vector state and the
 * signal frames on guest stacks are in the standard xsave format: each component must lie where it
 * lay. AMX is absent: guests never get it.
 */
#include "snapshot/cpu.h"

#include <cpuid.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/base/container.h"
#include "core/base/host.h"

enum { LEAF_XSAVE = 0xd, LEGACY_XSAVE_SIZE = 576, FIRST_COMPONENT = 2, COMPONENT_END = 63 };
#define XCR0_AMX (UINT64_C(3) << 17)

enum register_nr { EAX, EBX, ECX, EDX };

struct feature {
    const char *name;
    uint32_t leaf, subleaf;
    enum register_nr reg;
    unsigned bit;
};

static const struct feature features[] = {
    {"fpu", 1, 0, EDX, 0},
    {"tsc", 1, 0, EDX, 4},
    {"cx8", 1, 0, EDX, 8},
    {"cmov", 1, 0, EDX, 15},
    {"clflush", 1, 0, EDX, 19},
    {"mmx", 1, 0, EDX, 23},
    {"fxsr", 1, 0, EDX, 24},
    {"sse", 1, 0, EDX, 25},
    {"sse2", 1, 0, EDX, 26},
    {"pni", 1, 0, ECX, 0},
    {"pclmulqdq", 1, 0, ECX, 1},
    {"ssse3", 1, 0, ECX, 9},
    {"fma", 1, 0, ECX, 12},
    {"cx16", 1, 0, ECX, 13},
    {"sse4_1", 1, 0, ECX, 19},
    {"sse4_2", 1, 0, ECX, 20},
    {"movbe", 1, 0, ECX, 22},
    {"popcnt", 1, 0, ECX, 23},
    {"aes", 1, 0, ECX, 25},
    {"osxsave", 1, 0, ECX, 27},
    {"avx", 1, 0, ECX, 28},
    {"f16c", 1, 0, ECX, 29},
    {"rdrand", 1, 0, ECX, 30},
    {"fsgsbase", 7, 0, EBX, 0},
    {"bmi1", 7, 0, EBX, 3},
    {"hle", 7, 0, EBX, 4},
    {"avx2", 7, 0, EBX, 5},
    {"bmi2", 7, 0, EBX, 8},
    {"erms", 7, 0, EBX, 9},
    {"rtm", 7, 0, EBX, 11},
    {"avx512f", 7, 0, EBX, 16},
    {"avx512dq", 7, 0, EBX, 17},
    {"rdseed", 7, 0, EBX, 18},
    {"adx", 7, 0, EBX, 19},
    {"avx512ifma", 7, 0, EBX, 21},
    {"clflushopt", 7, 0, EBX, 23},
    {"clwb", 7, 0, EBX, 24},
    {"avx512cd", 7, 0, EBX, 28},
    {"sha_ni", 7, 0, EBX, 29},
    {"avx512bw", 7, 0, EBX, 30},
    {"avx512vl", 7, 0, EBX, 31},
    {"avx512vbmi", 7, 0, ECX, 1},
    {"ospke", 7, 0, ECX, 4},
    {"waitpkg", 7, 0, ECX, 5},
    {"avx512_vbmi2", 7, 0, ECX, 6},
    {"gfni", 7, 0, ECX, 8},
    {"vaes", 7, 0, ECX, 9},
    {"vpclmulqdq", 7, 0, ECX, 10},
    {"avx512_vnni", 7, 0, ECX, 11},
    {"avx512_bitalg", 7, 0, ECX, 12},
    {"avx512_vpopcntdq", 7, 0, ECX, 14},
    {"rdpid", 7, 0, ECX, 22},
    {"movdiri", 7, 0, ECX, 27},
    {"movdir64b", 7, 0, ECX, 28},
    {"fsrm", 7, 0, EDX, 4},
    {"avx512_vp2intersect", 7, 0, EDX, 8},
    {"serialize", 7, 0, EDX, 14},
    {"avx512_fp16", 7, 0, EDX, 23},
    {"sha512", 7, 1, EAX, 0},
    {"sm3", 7, 1, EAX, 1},
    {"sm4", 7, 1, EAX, 2},
    {"avx_vnni", 7, 1, EAX, 4},
    {"avx512_bf16", 7, 1, EAX, 5},
    {"avx_ifma", 7, 1, EAX, 23},
    {"avx_vnni_int8", 7, 1, EDX, 4},
    {"avx_ne_convert", 7, 1, EDX, 5},
    {"xsaveopt", LEAF_XSAVE, 1, EAX, 0},
    {"xsavec", LEAF_XSAVE, 1, EAX, 1},
    {"xgetbv1", LEAF_XSAVE, 1, EAX, 2},
    {"lahf_lm", 0x80000001, 0, ECX, 0},
    {"abm", 0x80000001, 0, ECX, 5},
    {"sse4a", 0x80000001, 0, ECX, 6},
    {"3dnowprefetch", 0x80000001, 0, ECX, 8},
    {"xop", 0x80000001, 0, ECX, 11},
    {"fma4", 0x80000001, 0, ECX, 16},
    {"tbm", 0x80000001, 0, ECX, 21},
    {"syscall", 0x80000001, 0, EDX, 11},
    {"rdtscp", 0x80000001, 0, EDX, 27},
    {"clzero", 0x80000008, 0, EBX, 0},
};

/* The last leaf that was asked for: in a virtual machine each CPUID takes as long as thousands of
 * instructions, and the table has its leaves in a row. All zero: none. */
struct last_leaf {
    bool is_valid;
    uint32_t leaf, subleaf;
    unsigned value[4];
};

static bool has_feature(const struct feature *feature, struct last_leaf *last)
{
    if (!last->is_valid || last->leaf != feature->leaf || last->subleaf != feature->subleaf) {
        *last = (struct last_leaf){
            .is_valid = true, .leaf = feature->leaf, .subleaf = feature->subleaf};
        (void)__get_cpuid_count(feature->leaf, feature->subleaf, &last->value[EAX],
                                &last->value[EBX], &last->value[ECX], &last->value[EDX]);
    }
    return (last->value[feature->reg] >> feature->bit & 1) != 0;
}

/* XCR0 without what guests never get; the x87 and SSE bits where there is no xsave. */
static uint64_t read_xcr0(void)
{
    unsigned eax, ebx, ecx, edx;

    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0 || (ecx & bit_OSXSAVE) == 0)
        return 3;
    __asm__("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
    return (eax | (uint64_t)edx << 32) & ~XCR0_AMX;
}

static void read_component(uint32_t number, uint32_t *offset, uint32_t *size)
{
    unsigned eax = 0, ebx = 0, ecx, edx;

    (void)__get_cpuid_count(LEAF_XSAVE, number, &eax, &ebx, &ecx, &edx);
    *offset = ebx;
    *size = eax;
}

static int describe_components(CpuFeatures *ret)
{
    ret->components = host_alloc(COMPONENT_END, sizeof(ret->components[0]));
    ret->xstate_size = LEGACY_XSAVE_SIZE;
    if (ret->components == NULL)
        return -ENOMEM;
    for (uint32_t i = FIRST_COMPONENT; i < COMPONENT_END; i++) {
        if ((ret->xcr0 >> i & 1) == 0)
            continue;
        XstateComponent *component = host_alloc(1, sizeof(*component));
        if (component == NULL)
            return -ENOMEM;
        xstate_component__init(component);
        component->number = i;
        read_component(i, &component->offset, &component->size);
        ret->components[ret->n_components++] = component;
        if (component->offset + component->size > ret->xstate_size)
            ret->xstate_size = component->offset + component->size;
    }
    return 0;
}

int cpu_describe(CpuFeatures *ret)
{
    struct last_leaf last = {0};

    ret->xcr0 = read_xcr0();
    int err = describe_components(ret);
    if (err < 0)
        return err;
    ret->names = host_alloc(ARRAY_COUNT(features), sizeof(ret->names[0]));
    if (ret->names == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < ARRAY_COUNT(features); i++) {
        if (!has_feature(&features[i], &last))
            continue;
        ret->names[ret->n_names] = host_strdup(features[i].name);
        if (ret->names[ret->n_names] == NULL)
            return -ENOMEM;
        ret->n_names++;
    }
    return 0;
}

static const struct feature *find_feature(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(features); i++)
        if (strcmp(features[i].name, name) == 0)
            return &features[i];
    return NULL;
}

static void check_component(const XstateComponent *saved, struct report *report)
{
    uint32_t offset, size;

    read_component(saved->number, &offset, &size);
    if (offset != saved->offset || size != saved->size)
        report_bad(report,
                   "manifest.json: cpu.components: %u is %u bytes at %u there, %u at %u here",
                   saved->number, saved->size, saved->offset, size, offset);
}

void cpu_check(const CpuFeatures *saved, struct report *report)
{
    uint64_t missing = saved->xcr0 & ~read_xcr0();
    struct last_leaf last = {0};

    if (missing != 0)
        report_bad(report, "manifest.json: cpu.xcr0: this CPU lacks 0x%" PRIx64, missing);
    for (size_t i = 0; missing == 0 && i < saved->n_components; i++)
        check_component(saved->components[i], report);
    for (size_t i = 0; i < saved->n_names; i++) {
        const struct feature *feature = find_feature(saved->names[i]);
        if (feature == NULL)
            report_bad(report, "manifest.json: cpu.names: unknown feature \"%s\"", saved->names[i]);
        else if (!has_feature(feature, &last))
            report_bad(report, "manifest.json: cpu.names: this CPU lacks %s", feature->name);
    }
}
