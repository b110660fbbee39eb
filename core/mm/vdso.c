/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's side of the vDSO: its run in the memfile, which all address spaces map, and its data
 * page. Guests read the time from the time stamp counter; its rate is measured against the host's
 * clocks from the kernel's start on, over 2 ms at least; until then (and where the counter is not
 * constant) the vDSO asks us. Soon, then once a second, the data page is made true again: a small
 * error is worked off over the next second, so that a guest's clock never goes back; a large one (a
 * freeze, a move, a host that set its clock) is taken at once.
 */
#include <cpuid.h>
#include <errno.h>
#include <string.h>

#include "core/base/host.h"
#include "core/mm/space.h"
#include "core/mm/vdso/vdso_data.h"

#define RATE_SPAN_MIN (2 * NSEC_PER_MSEC)
#define UPDATE_MIN (10 * NSEC_PER_MSEC)
#define UPDATE_MAX NSEC_PER_SEC
#define RATE_SPAN_MAX (10 * NSEC_PER_SEC)
#define SLEW_MAX NSEC_PER_MSEC /* larger errors are steps */

enum { SAMPLES = 5 };

extern const char vdso_image_start[], vdso_image_end[];

/* The counter and both clocks at one moment. */
struct sample {
    uint64_t tsc;
    nsec_t monotonic, realtime; /* the host's */
};

static bool is_tsc_constant(void)
{
    unsigned a, b, c, d;

    return __get_cpuid(0x80000007, &a, &b, &c, &d) && d & 1 << 8;
}

static uint64_t read_tsc(void)
{
    uint32_t low, high;

    __asm__ volatile("lfence\n\trdtsc\n\tlfence" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

/* The one of some that took least time. */
static struct sample take_sample(void)
{
    uint64_t best = UINT64_MAX;
    struct sample result = {0};

    for (int i = 0; i < SAMPLES; i++) {
        struct sample sample;
        uint64_t before = read_tsc(), after;

        sample.monotonic = host_clock_now();
        after = read_tsc();
        sample.realtime = host_clock_realtime();
        sample.tsc = before + (after - before) / 2;
        if (after - before >= best)
            continue;
        best = after - before;
        result = sample;
    }
    return result;
}

static nsec_t scaled(uint64_t ticks, uint64_t scale)
{
    return (nsec_t)((unsigned __int128)ticks * scale >> 32);
}

static void begin_span(struct vdso_clock *clock, const struct sample *now)
{
    clock->span_start = now->monotonic;
    clock->span_tsc = now->tsc;
}

/* Measures the rate since the span began; 0: not known yet. */
static uint64_t measure_rate(struct vdso_clock *clock, const struct sample *now)
{
    nsec_t span = now->monotonic - clock->span_start;
    uint64_t ticks = now->tsc - clock->span_tsc;

    if (clock->span_start == 0 || now->tsc <= clock->span_tsc) {
        begin_span(clock, now);
        return clock->rate;
    }
    if (span < RATE_SPAN_MIN)
        return clock->rate;
    clock->rate = (uint64_t)(((unsigned __int128)span << 32) / ticks);
    if (span > RATE_SPAN_MAX)
        begin_span(clock, now);
    return clock->rate;
}

/* What the page will say. */
static struct vdso_data next_data(struct kernel *kernel, const struct vdso_data *old)
{
    struct sample now = take_sample();
    uint64_t rate = measure_rate(&kernel->vdso, &now);
    struct vdso_data data = {.tsc = now.tsc, .scale = rate};
    nsec_t error = 0;

    data.monotonic =
        kernel->clock.is_stopped ? kernel->clock.stopped_at : now.monotonic - kernel->clock.offset;
    data.realtime = now.realtime;
    if (rate == 0 || !kernel->vdso.is_usable || kernel->clock.is_stopped)
        return data;
    data.mode = VDSO_MODE_TSC;
    if (old->mode == VDSO_MODE_TSC && now.tsc >= old->tsc)
        error = old->monotonic + scaled(now.tsc - old->tsc, old->scale) - data.monotonic;
    if (error == 0 || error > SLEW_MAX || error < -SLEW_MAX)
        return data;
    data.monotonic += error;
    data.realtime += error;
    data.scale = (uint64_t)((int64_t)rate - (int64_t)((__int128)rate * error / NSEC_PER_SEC));
    return data;
}

static void write_data(struct vdso_data *page, const struct vdso_data *data)
{
    uint32_t sequence = __atomic_load_n(&page->sequence, __ATOMIC_RELAXED) | 1;

    (void)__atomic_exchange_n(&page->sequence, sequence,
                              __ATOMIC_ACQ_REL); /* before what follows */
    __atomic_store_n(&page->mode, data->mode, __ATOMIC_RELAXED);
    __atomic_store_n(&page->tsc, data->tsc, __ATOMIC_RELAXED);
    __atomic_store_n(&page->scale, data->scale, __ATOMIC_RELAXED);
    __atomic_store_n(&page->monotonic, data->monotonic, __ATOMIC_RELAXED);
    __atomic_store_n(&page->realtime, data->realtime, __ATOMIC_RELAXED);
    __atomic_store_n(&page->sequence, sequence + 1, __ATOMIC_RELEASE);
}

/* The page goes on from the sequence that a saved guest may be about to compare. */
static void update_page(struct kernel *kernel)
{
    struct vdso_clock *clock = &kernel->vdso;
    uint64_t offset = kernel->machine->vdso_offset + VDSO_TEXT_SIZE;
    struct vdso_data data;

    if (memfile_prepare_write(kernel->memfile, offset, MEM_PAGE) < 0)
        return;
    data = next_data(kernel, &clock->data);
    write_data((struct vdso_data *)memfile_at(kernel->memfile, offset), &data);
    clock->data = data;
}

/* The longer the rate was measured, the better it is. */
static void start_timer(struct kernel *kernel)
{
    nsec_t now = clock_now(&kernel->clock), span = host_clock_now() - kernel->vdso.span_start;

    if (!kernel->vfs.events)
        return;
    if (span > UPDATE_MAX)
        span = UPDATE_MAX;
    timer_start(kernel->vfs.events, &kernel->vdso.timer,
                now + (span > UPDATE_MIN ? span : UPDATE_MIN));
}

static void expired(struct timer *timer)
{
    struct kernel *kernel = container_of(timer, struct kernel, vdso.timer);

    mutex_lock(&kernel->vdso.lock);
    update_page(kernel);
    mutex_unlock(&kernel->vdso.lock);
    start_timer(kernel);
}

/* Only one thread runs. */
static void start(struct kernel *kernel)
{
    struct vdso_clock *clock = &kernel->vdso;

    mutex_init(&clock->lock, LOCK_MM);
    clock->is_usable = is_tsc_constant();
    clock->is_ready = true;
    clock->timer.expired = expired;
    start_timer(kernel);
}

bool vdso_now(struct kernel *kernel, nsec_t *monotonic, nsec_t *realtime)
{
    struct vdso_clock *clock = &kernel->vdso;

    if (!clock->is_ready)
        return false;
    mutex_lock(&clock->lock);
    const struct vdso_data data = clock->data;
    uint64_t tsc = read_tsc(); /* after the page it is scaled by */
    mutex_unlock(&clock->lock);
    if (data.mode != VDSO_MODE_TSC || tsc < data.tsc)
        return false;
    nsec_t since = scaled(tsc - data.tsc, data.scale);
    *monotonic = data.monotonic + since;
    *realtime = data.realtime + since;
    return true;
}

void vdso_begin(struct kernel *kernel)
{
    const struct sample now = take_sample();

    begin_span(&kernel->vdso, &now);
}

void vdso_update(struct kernel *kernel)
{
    if (!kernel->machine || !kernel->machine->has_vdso)
        return;
    if (!kernel->vdso.is_ready)
        start(kernel);
    mutex_lock(&kernel->vdso.lock);
    update_page(kernel);
    mutex_unlock(&kernel->vdso.lock);
}

int vdso_init(struct kernel *kernel)
{
    size_t size = (size_t)(vdso_image_end - vdso_image_start);
    uint64_t run;
    int err;

    assert(size <= VDSO_TEXT_SIZE);
    err = memfile_alloc(kernel->memfile, VDSO_SIZE, 0, &run);
    if (err < 0)
        return err;
    err = memfile_prepare_write(kernel->memfile, run, VDSO_SIZE);
    if (err == 0)
        err = host_copy_guarded(memfile_at(kernel->memfile, run), vdso_image_start, size);
    if (err < 0) {
        memfile_put(kernel->memfile, run, VDSO_SIZE);
        return err;
    }
    kernel->machine->vdso_offset = run;
    kernel->machine->has_vdso = true;
    kernel->machine->memfile = kernel->memfile;
    return 0;
}

static int map_part(struct mm *mm, const struct vma *like, const struct pma *what)
{
    struct pma pma = *what;
    struct vma *vma;
    int err = vma_alloc(mm, like, &vma);

    if (err < 0)
        return err;
    vma_insert(mm, vma);
    pma.start = like->start;
    pma.end = like->end;
    pma.source = PMA_RUN;
    pma_get_chunks(mm, &pma);
    return mm_add_pma(mm, vma, &pma);
}

static int map_at(struct mm *mm, guest_addr_t address, uint64_t run)
{
    guest_addr_t data = address + VDSO_TEXT_SIZE;
    const struct vma text_vma = {.start = address,
                                 .end = data,
                                 .prot = PROT_READ | PROT_EXEC,
                                 .flags = VMA_VDSO | VMA_MAY_WRITE};
    const struct vma data_vma = {
        .start = data, .end = data + MEM_PAGE, .prot = PROT_READ, .flags = VMA_VVAR};
    const struct pma text_pma = {.offset = run, .is_cow = true};
    const struct pma data_pma = {.offset = run + VDSO_TEXT_SIZE};
    int err = map_part(mm, &text_vma, &text_pma);

    if (err == 0)
        err = map_part(mm, &data_vma, &data_pma);
    if (err == 0)
        mm->vdso = address;
    return err;
}

int mm_map_vdso(struct mm *mm)
{
    struct machine *machine = mm->kernel->machine;
    guest_addr_t address;
    int err;

    if (!machine || !machine->has_vdso)
        return 0;
    mm_lock(mm);
    err = mm_find_free(mm, VDSO_TEXT_SIZE + MEM_PAGE, MEM_PAGE, 0, mm->mmap_base, &address);
    if (err == 0)
        err = map_at(mm, address, machine->vdso_offset);
    mm_unlock(mm);
    return err;
}
