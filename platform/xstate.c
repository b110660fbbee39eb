/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The standard (not compacted) xsave format: its size and features as the CPU tells them, and the
 * checks that XRSTOR would make. AMX is left out: its state is large, and no guest gets the
 * permission that using it needs. CPUID may cost a trap of a hypervisor, so it is asked once.
 */
#include "platform/xstate.h"

#include <cpuid.h>
#include <errno.h>
#include <pthread.h>
#include <stdalign.h>
#include <string.h>

#include "platform/platform.h"

enum {
    LEAF_XSAVE = 0xd,
    MXCSR_DEFAULT = 0x1f80,
    MXCSR_MASK_DEFAULT = 0xffbf, /* where FXSAVE says 0 */
    X87_CONTROL_DEFAULT = 0x37f,
    PKRU_DEFAULT = 0x55555554, /* Linux: only key 0 is open */
};

static struct {
    size_t size;
    uint64_t features;
    uint32_t mxcsr_mask;
    size_t pkru; /* offset */
} format;

static uint64_t read_xcr0(void)
{
    uint32_t low, high;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static uint32_t read_mxcsr_mask(void)
{
    alignas(16) char legacy[512] = {0};
    uint32_t mask;

    __asm__ volatile("fxsave64 %0" : "=m"(legacy));
    memcpy(&mask, legacy + XSTATE_MXCSR_MASK, sizeof(mask));
    return mask ? mask : MXCSR_MASK_DEFAULT;
}

static void add_component(unsigned nr)
{
    unsigned size, offset, flags, unused;

    __cpuid_count(LEAF_XSAVE, nr, size, offset, flags, unused);
    (void)flags;
    (void)unused;
    if (offset + size > format.size)
        format.size = offset + size;
    if (XFEATURE_PKRU == UINT64_C(1) << nr)
        format.pkru = offset;
}

static void read_format(void)
{
    unsigned a, b, c = 0, d;

    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
        return;
    format.features = read_xcr0() & ~XFEATURE_AMX;
    format.mxcsr_mask = read_mxcsr_mask();
    format.size = XSTATE_EXTENDED;
    for (unsigned nr = 2; nr < 63; nr++) {
        if (format.features >> nr & 1)
            add_component(nr);
    }
}

static void know_format(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, read_format);
}

size_t xstate_size(void)
{
    know_format();
    return format.size;
}

uint64_t xstate_features(void)
{
    know_format();
    return format.features;
}

static uint64_t header_word(const char *image, unsigned nr)
{
    uint64_t word;

    memcpy(&word, image + XSTATE_HEADER + nr * sizeof(word), sizeof(word));
    return word;
}

int xstate_check(const void *image)
{
    uint32_t mxcsr;

    know_format();
    memcpy(&mxcsr, (const char *)image + XSTATE_MXCSR, sizeof(mxcsr));
    if (mxcsr & ~format.mxcsr_mask || header_word(image, 0) & ~format.features)
        return -EINVAL;
    /* XCOMP_BV: the compacted format is another; the rest is reserved. */
    for (unsigned nr = 1; nr < XSTATE_HEADER_SIZE / sizeof(uint64_t); nr++) {
        if (header_word(image, nr) != 0)
            return -EINVAL;
    }
    return 0;
}

void xstate_init(void *image)
{
    const uint16_t control = X87_CONTROL_DEFAULT;
    const uint32_t mxcsr = MXCSR_DEFAULT, pkru = PKRU_DEFAULT;
    uint64_t features = XFEATURE_X87 | XFEATURE_SSE;

    know_format();
    memset(image, 0, format.size);
    memcpy(image, &control, sizeof(control));
    memcpy((char *)image + XSTATE_MXCSR, &mxcsr, sizeof(mxcsr));
    memcpy((char *)image + XSTATE_MXCSR_MASK, &format.mxcsr_mask, sizeof(format.mxcsr_mask));
    if (format.features & XFEATURE_PKRU) {
        memcpy((char *)image + format.pkru, &pkru, sizeof(pkru));
        features |= XFEATURE_PKRU;
    }
    memcpy((char *)image + XSTATE_HEADER, &features, sizeof(features));
}
