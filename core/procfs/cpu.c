/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/cpuinfo: what the CPU says of itself, which is also what guests find by CPUID, once for
 * each CPU that guests are told of. They are shown as the cores of one package.
 */
#include <cpuid.h>
#include <string.h>

#include "core/base/host.h"
#include "core/procfs/nodes.h"
#include "core/procfs/target.h"

enum { EAX, EBX, ECX, EDX, CPU_NAME_SIZE = 49, CPU_VENDOR_SIZE = 13 };

/* Names of the bits of a register, lowest first, "-" where Linux has none. */
struct flag_names {
    unsigned leaf;
    int reg;
    const char *names;
};

static const struct flag_names all_flags[] = {
    {1, EDX,
     "fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 pn clflush - dts "
     "acpi mmx fxsr sse sse2 ss ht tm ia64 pbe"},
    {0x80000001, EDX,
     "- - - - - - - - - - - syscall - - - - - - - mp nx - mmxext - - fxsr_opt pdpe1gb rdtscp - lm "
     "3dnowext 3dnow"},
    {1, ECX,
     "pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma cx16 xtpr pdcm - pcid "
     "dca sse4_1 sse4_2 x2apic movbe popcnt tsc_deadline_timer aes xsave - avx f16c rdrand "
     "hypervisor"},
    {0x80000001, ECX,
     "lahf_lm cmp_legacy svm extapic cr8_legacy abm sse4a misalignsse 3dnowprefetch osvw ibs xop "
     "skinit wdt - lwp fma4 tce - nodeid_msr - tbm topoext perfctr_core perfctr_nb - bpext ptsc "
     "perfctr_llc mwaitx - -"},
    {7, EBX,
     "fsgsbase tsc_adjust sgx bmi1 hle avx2 - smep bmi2 erms invpcid rtm cqm - mpx rdt_a avx512f "
     "avx512dq rdseed adx smap avx512ifma - clflushopt clwb intel_pt avx512pf avx512er avx512cd "
     "sha_ni avx512bw avx512vl"},
    {7, ECX,
     "- avx512vbmi umip pku ospke waitpkg avx512_vbmi2 - gfni vaes vpclmulqdq avx512_vnni "
     "avx512_bitalg tme avx512_vpopcntdq - la57 - - - - - rdpid - bus_lock_detect cldemote - "
     "movdiri movdir64b enqcmd - -"},
    {7, EDX,
     "- - avx512_4vnniw avx512_4fmaps fsrm - - - avx512_vp2intersect - md_clear - - - serialize - "
     "tsxldtrk - pconfig arch_lbr ibt - amx_bf16 avx512_fp16 amx_tile amx_int8 - - flush_l1d "
     "arch_capabilities - -"},
};

/* The name the CPU gives itself. */
static void cpu_name(char name[CPU_NAME_SIZE])
{
    unsigned words[12];
    bool is_known = true;

    for (unsigned i = 0; i < 3; i++)
        is_known &= __get_cpuid(0x80000002 + i, &words[4 * i], &words[4 * i + 1], &words[4 * i + 2],
                                &words[4 * i + 3]) != 0;
    memset(name, 0, CPU_NAME_SIZE);
    if (is_known)
        memcpy(name, words, sizeof(words));
    else
        (void)strcpy(name, "unknown");
}

static void cpu_vendor(char vendor[CPU_VENDOR_SIZE], unsigned *level)
{
    unsigned ebx = 0;
    unsigned ecx = 0;
    unsigned edx = 0;

    *level = 0;
    (void)__get_cpuid(0, level, &ebx, &ecx, &edx);
    memcpy(vendor, &ebx, 4);
    memcpy(vendor + 4, &edx, 4);
    memcpy(vendor + 8, &ecx, 4);
    vendor[12] = '\0';
}

static int show_flags_of(const struct flag_names *flags, struct bytes *ret)
{
    unsigned regs[4] = {0};
    const char *name = flags->names;
    int err = 0;

    if (__get_cpuid_count(flags->leaf, 0, &regs[EAX], &regs[EBX], &regs[ECX], &regs[EDX]) == 0)
        return 0;
    for (int bit = 0; err == 0 && *name != '\0'; bit++) {
        size_t size = strcspn(name, " ");
        if ((regs[flags->reg] >> bit & 1) != 0 && *name != '-')
            err = bytes_printf(ret, " %.*s", (int)size, name);
        name += size + (name[size] == ' ');
    }
    return err;
}

static int show_flags(struct bytes *ret)
{
    int err = bytes_printf(ret, "flags\t\t:");

    for (size_t i = 0; err == 0 && i < sizeof(all_flags) / sizeof(*all_flags); i++)
        err = show_flags_of(&all_flags[i], ret);
    return err < 0 ? err : bytes_append(ret, "\n", 1);
}

static int show_model(unsigned nr, struct bytes *ret)
{
    unsigned eax = 0;
    unsigned ebx = 0;
    unsigned ecx = 0;
    unsigned edx = 0;
    unsigned level;
    char vendor[CPU_VENDOR_SIZE];
    char name[CPU_NAME_SIZE];

    cpu_name(name);
    cpu_vendor(vendor, &level);
    (void)__get_cpuid(1, &eax, &ebx, &ecx, &edx);
    return bytes_printf(
        ret,
        "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n"
        "model name\t: %s\nstepping\t: %u\nmicrocode\t: 0x1\ncpu MHz\t\t: 2000.000\n"
        "cache size\t: 1024 KB\n",
        nr, vendor, (eax >> 8 & 15) + (eax >> 20 & 255), (eax >> 4 & 15) | (eax >> 12 & 0xf0), name,
        eax & 15);
}

/* *Linux:* frequency and cache are fixed numbers. */
static int show_cpu(unsigned nr, unsigned count, struct bytes *ret)
{
    unsigned eax = 0;
    unsigned ebx = 0;
    unsigned ecx = 0;
    unsigned edx = 0;
    unsigned level;
    char vendor[CPU_VENDOR_SIZE];

    cpu_vendor(vendor, &level);
    int err = show_model(nr, ret);
    if (err == 0)
        err = bytes_printf(ret,
                           "physical id\t: 0\nsiblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\n"
                           "apicid\t\t: %u\ninitial apicid\t: %u\nfpu\t\t: yes\n"
                           "fpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\n",
                           count, nr, count, nr, nr, level);
    if (err == 0)
        err = show_flags(ret);
    if (err < 0)
        return err;
    if (__get_cpuid(0x80000008, &eax, &ebx, &ecx, &edx) == 0)
        eax = 48 << 8 | 40;
    return bytes_printf(
        ret,
        "bugs\t\t:\nbogomips\t: 4000.00\nclflush size\t: 64\n"
        "cache_alignment\t: 64\naddress sizes\t: %u bits physical, %u bits virtual\n"
        "power management:\n\n",
        eax & 255, eax >> 8 & 255);
}

int show_cpuinfo(const struct pseudo_place *place, struct bytes *ret)
{
    unsigned count = place_kernel(place)->cpu_count;
    int err = 0;

    for (unsigned nr = 0; err == 0 && nr < count; nr++)
        err = show_cpu(nr, count, ret);
    return err;
}
