/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random programs with many sleepers, frozen at random instants: test_freeze [FREEZES [SEED]]. Half
 * of the freezes end in a new kernel with new threads, which goes on from what was kept of the old
 * one: each task's program, position and wait record. Every other world has neither new threads nor
 * signals: there a wake-up that is lost is lost for ever, and the test hangs. While frozen nothing
 * may change, whatever comes from outside; in the end every token has been taken once, in the order
 * of its waiters, and every signal has been seen.
 *
 * A token is handed to one waiter (as futex wakes); producers put, consumers take, sleepers sleep.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/container.h"
#include "core/base/host.h"
#include "core/base/wait.h"

enum { TASKS = 48, QUEUES = 4, OPS = 60 };

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "test_freeze: line %d: %s\n", __LINE__, #condition);             \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

enum op_kind { OP_TAKE, OP_PUT, OP_SLEEP, OP_SHORT, OP_COMPUTE };

struct op {
    enum op_kind kind;
    unsigned queue;
    nsec_t time; /* how long; of a take: until it times out, 0: never */
};

/* What is left of a task when its thread goes. */
struct task {
    struct waiter waiter;
    struct op ops[OPS];
    unsigned position, count;
    unsigned taken[QUEUES], timeouts, signals;
    pthread_t thread;
    bool has_thread;
    atomic_bool must_leave;
    atomic_bool has_ended;
};

struct tokens {
    struct mutex lock;
    struct wait_queue queue;
    unsigned free, put;
    uint64_t last_ticket; /* of the waiter that got the last one */
};

struct counts {
    unsigned freezes, restores, records, queued, woken, parked, timeouts;
};

static struct counts counts;
static struct gate gate;
static struct clock sandbox_clock;
static struct task tasks[TASKS];
static struct tokens token_queues[QUEUES];
static atomic_uint live;
static bool is_quiet; /* this world: no signals, no new threads */
static uint64_t random_state;

static uint64_t random_below(uint64_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % limit;
}

/* --- the calls --- */

struct take_wait {
    struct wait_record base;
    struct tokens *tokens;
    struct wait_entry entry;
};

static int64_t take_step(struct waiter *waiter, struct wait_record *record)
{
    struct take_wait *wait = (struct take_wait *)record;
    struct tokens *tokens = wait->tokens;
    int64_t result = 0;

    mutex_lock(&tokens->lock);
    if (wait->entry.state == WAIT_IDLE && tokens->free > 0) {
        CHECK(TAILQ_EMPTY(&tokens->queue.entries));
        tokens->free--;
    } else if (wait->entry.state != WAIT_WOKEN) {
        wait_add(&tokens->queue, &wait->entry, waiter);
        result = WAIT_AGAIN;
    }
    mutex_unlock(&tokens->lock);
    return result;
}

static int64_t take_cancel(struct waiter *waiter, struct wait_record *record, int why)
{
    struct take_wait *wait = (struct take_wait *)record;

    (void)waiter;
    wait_leave(&wait->entry);
    return wait->entry.state == WAIT_WOKEN ? 0 : why;
}

static void take_relink(struct waiter *waiter, struct wait_record *record)
{
    struct take_wait *wait = (struct take_wait *)record;

    wait_relink(&wait->tokens->queue, &wait->entry, waiter);
}

static int64_t sleep_step(struct waiter *waiter, struct wait_record *record)
{
    (void)waiter;
    (void)record;
    return WAIT_AGAIN;
}

static int64_t sleep_cancel(struct waiter *waiter, struct wait_record *record, int why)
{
    (void)waiter;
    CHECK(why != -ETIMEDOUT || clock_now(&sandbox_clock) >= record->deadline);
    return why == -ETIMEDOUT ? 0 : -ERESTART_RESTARTBLOCK;
}

static void sleep_relink(struct waiter *waiter, struct wait_record *record)
{
    (void)waiter;
    (void)record;
}

static void release(struct wait_record *record)
{
    (void)record;
}

static const struct wait_ops take_ops = {
    "take", sizeof(struct take_wait), take_step, take_cancel, release, take_relink};
static const struct wait_ops sleep_ops = {
    "sleep", sizeof(struct wait_record), sleep_step, sleep_cancel, release, sleep_relink};

static void put(struct tokens *tokens)
{
    mutex_lock(&tokens->lock);
    struct wait_entry *entry = wait_wake_first(&tokens->queue);
    tokens->put++;
    if (entry == NULL) {
        tokens->free++;
    } else {
        CHECK(entry->ticket > tokens->last_ticket);
        tokens->last_ticket = entry->ticket;
    }
    mutex_unlock(&tokens->lock);
}

/* --- a task's thread --- */

static void compute(struct task *task, nsec_t time)
{
    nsec_t end = host_clock_now() + time;

    while (host_clock_now() < end && !atomic_exchange(&task->must_leave, false))
        host_yield();
}

/* True: it is done. False: a record is to be carried on. */
static bool begin_op(struct task *task, const struct op *op)
{
    struct wait_record *record;

    switch (op->kind) {
    case OP_PUT:
        put(&token_queues[op->queue]);
        return true;
    case OP_SHORT:
        gate_short_begin(&task->waiter.pass);
        host_sleep(op->time);
        gate_short_end(&task->waiter.pass);
        return true;
    case OP_COMPUTE:
        compute(task, op->time);
        return true;
    case OP_TAKE:
        record = wait_begin(&task->waiter, &take_ops);
        ((struct take_wait *)record)->tokens = &token_queues[op->queue];
        record->deadline = op->time == 0 ? NSEC_NEVER : clock_now(&sandbox_clock) + op->time;
        return false;
    case OP_SLEEP:
        record = wait_begin(&task->waiter, &sleep_ops);
        record->deadline = clock_now(&sandbox_clock) + op->time;
        return false;
    }
    return true;
}

/* After a call: is the operation done? */
static bool finish_op(struct task *task, const struct op *op, int64_t result)
{
    if (result == -ERESTART_RESTARTBLOCK)
        return false; /* the same record is carried on */
    wait_end(&task->waiter);
    if (result == 0 && op->kind == OP_TAKE)
        task->taken[op->queue]++;
    task->timeouts += result == -ETIMEDOUT;
    return result == 0;
}

/* True: there is more to do. */
static bool run_once(struct task *task)
{
    const struct op *op = &task->ops[task->position];

    if (atomic_exchange(&task->waiter.has_signal, false))
        task->signals++;
    if (task->position == task->count)
        return false;
    if (waiter_record(&task->waiter)->ops == NULL && begin_op(task, op)) {
        task->position++;
        return true;
    }
    int64_t result = wait_run(&task->waiter);
    if (result == WAIT_SHUTDOWN)
        return true;
    task->position += finish_op(task, op, result);
    return true;
}

static void *run_task(void *argument)
{
    struct task *task = argument;

    if (gate_enter(&task->waiter.pass) < 0)
        return NULL;
    while (run_once(task)) {
        if (task->waiter.pass.place != GATE_INSIDE || gate_check(&task->waiter.pass) < 0)
            return NULL; /* the gate has ended */
    }
    atomic_store(&task->has_ended, true);
    atomic_fetch_sub(&live, 1);
    gate_quit(&task->waiter.pass);
    return NULL;
}

static void interrupt(struct gate_pass *pass)
{
    atomic_store(&container_of(pass, struct task, waiter.pass)->must_leave, true);
}

static void start_task(struct task *task)
{
    gate_join(&gate, &task->waiter.pass);
    task->waiter.pass.interrupt = interrupt;
    task->waiter.clock = &sandbox_clock;
    int err = host_thread_start(&task->thread, run_task, task, "task");
    CHECK(err == 0);
    task->has_thread = true;
}

static void join_tasks(void)
{
    for (unsigned i = 0; i < TASKS; i++) {
        if (tasks[i].has_thread)
            host_thread_join(tasks[i].thread);
        tasks[i].has_thread = false;
    }
}

/* --- worlds --- */

/* Each consumer takes as many tokens of a queue as its producer puts. */
static void make_programs(void)
{
    memset(tasks, 0, sizeof(tasks));
    for (unsigned i = 0; i < TASKS; i++) {
        bool is_producer = i % 2 == 0;
        tasks[i].count = OPS;
        for (unsigned k = 0; k < OPS; k++) {
            struct op *op = &tasks[i].ops[k];
            if (k % 3 == 0) {
                *op = (struct op){.kind = is_producer ? OP_PUT : OP_TAKE, .queue = i / 2 % QUEUES};
                op->time = random_below(4) == 0 ? (nsec_t)random_below(500000) + 1 : 0;
            } else {
                static const enum op_kind kinds[] = {OP_SLEEP, OP_SLEEP, OP_SHORT, OP_COMPUTE};
                op->kind = kinds[random_below(ARRAY_COUNT(kinds))];
                op->time = (nsec_t)random_below(is_producer ? 400000 : 100000) + 1;
            }
        }
    }
}

static void make_tokens(void)
{
    memset(token_queues, 0, sizeof(token_queues));
    for (unsigned i = 0; i < QUEUES; i++) {
        mutex_init(&token_queues[i].lock, LOCK_PIPE);
        wait_queue_init(&token_queues[i].queue, &token_queues[i].lock);
    }
}

/* All that a freeze must keep. */
struct state {
    unsigned position[TASKS], signals[TASKS];
    unsigned char records[TASKS][WAIT_RECORD_SIZE];
    unsigned free[QUEUES], put[QUEUES];
};

static void take_state(struct state *state)
{
    memset(state, 0, sizeof(*state));
    for (unsigned i = 0; i < TASKS; i++) {
        state->position[i] = tasks[i].position;
        state->signals[i] = tasks[i].signals;
        const struct wait_record *record = waiter_record(&tasks[i].waiter);
        if (record->ops != NULL)
            memcpy(state->records[i], record, record->ops->size);
    }
    for (unsigned i = 0; i < QUEUES; i++) {
        state->free[i] = token_queues[i].free;
        state->put[i] = token_queues[i].put;
    }
}

/* The thread that brings signals from outside, through the gate as all. */
struct signaller {
    struct gate_pass pass;
    pthread_t thread;
    atomic_bool may_end;
    unsigned sent[TASKS];
};

static struct signaller signaller;

static void *run_signaller(void *argument)
{
    uint64_t turn = (uintptr_t)argument;

    while (!atomic_load(&signaller.may_end)) {
        if (gate_enter(&signaller.pass) < 0)
            return NULL;
        unsigned nr = (unsigned)(turn++ * 7 % TASKS);
        if (!is_quiet && !atomic_load(&tasks[nr].has_ended) &&
            !atomic_exchange(&tasks[nr].waiter.has_signal, true)) {
            signaller.sent[nr]++;
            waiter_kick(&tasks[nr].waiter);
        }
        gate_leave(&signaller.pass, GATE_ASLEEP);
        host_sleep(100000);
    }
    return NULL;
}

static void start_signaller(void)
{
    gate_join(&gate, &signaller.pass);
    atomic_store(&signaller.may_end, false);
    int err =
        host_thread_start(&signaller.thread, run_signaller, (void *)random_below(99), "signal");
    CHECK(err == 0);
}

/* Ends the threads of the frozen kernel and makes new ones, which are frozen as well. */
static void replace_threads(void)
{
    gate_end(&gate);
    for (unsigned i = 0; i < TASKS; i++)
        waiter_kick(&tasks[i].waiter);
    join_tasks();
    host_thread_join(signaller.thread);
    gate_fini(&gate);
    gate_init(&gate, GATE_CLOSED);
    for (unsigned i = 0; i < QUEUES; i++) {
        wait_queue_init(&token_queues[i].queue, &token_queues[i].lock);
        token_queues[i].last_ticket = 0; /* tickets go on from the last that waits */
    }
    for (unsigned i = TASKS; i-- > 0;) {
        struct waiter *waiter = &tasks[i].waiter;
        struct wait_record *record = waiter_record(waiter);
        if (record->ops != NULL)
            record->ops->relink(waiter, record);
        atomic_store(&waiter->kicked, random_below(2)); /* means nothing */
        if (!atomic_load(&tasks[i].has_ended))
            start_task(&tasks[i]);
    }
    start_signaller();
}

static void count_state(void)
{
    for (unsigned i = 0; i < TASKS; i++) {
        const struct wait_record *record = waiter_record(&tasks[i].waiter);
        counts.records += record->ops != NULL;
        counts.parked +=
            !atomic_load(&tasks[i].has_ended) && tasks[i].waiter.pass.place == GATE_PARKED;
        if (record->ops == &take_ops) {
            counts.queued += ((const struct take_wait *)record)->entry.state == WAIT_QUEUED;
            counts.woken += ((const struct take_wait *)record)->entry.state == WAIT_WOKEN;
        }
    }
}

static void freeze_once(void)
{
    static struct state first, second;

    int err = gate_close(&gate, host_clock_now() + 60 * NSEC_PER_SEC);
    CHECK(err == 0 && gate_is_frozen(&gate));
    clock_stop(&sandbox_clock);
    counts.freezes++;
    take_state(&first);
    host_sleep((nsec_t)random_below(300000));
    count_state();
    take_state(&second);
    CHECK(memcmp(&first, &second, sizeof(first)) == 0);
    if (!is_quiet && random_below(2) == 0) {
        replace_threads();
        counts.restores++;
        take_state(&second);
        for (unsigned i = 0; i < QUEUES; i++)
            CHECK(first.free[i] == second.free[i] && first.put[i] == second.put[i]);
        CHECK(memcmp(first.position, second.position, sizeof(first.position)) == 0);
    }
    clock_start(&sandbox_clock);
    gate_open(&gate);
}

static void check_end(void)
{
    unsigned taken[QUEUES] = {0};

    for (unsigned i = 0; i < TASKS; i++) {
        CHECK(tasks[i].position == OPS && waiter_record(&tasks[i].waiter)->ops == NULL);
        CHECK(tasks[i].signals + atomic_load(&tasks[i].waiter.has_signal) == signaller.sent[i]);
        counts.timeouts += tasks[i].timeouts;
        for (unsigned k = 0; k < QUEUES; k++)
            taken[k] += tasks[i].taken[k];
    }
    for (unsigned k = 0; k < QUEUES; k++) {
        CHECK(TAILQ_EMPTY(&token_queues[k].queue.entries));
        CHECK(token_queues[k].free == 0 && taken[k] == token_queues[k].put);
        mutex_fini(&token_queues[k].lock);
    }
}

static void run_world(void)
{
    gate_init(&gate, GATE_CLOSED);
    sandbox_clock = (struct clock){.is_stopped = true, .stopped_at = 5};
    make_programs();
    make_tokens();
    memset(&signaller, 0, sizeof(signaller));
    atomic_store(&live, TASKS);
    for (unsigned i = 0; i < TASKS; i++)
        start_task(&tasks[i]);
    start_signaller();
    clock_start(&sandbox_clock);
    gate_open(&gate);
    while (atomic_load(&live) > 0) {
        host_sleep((nsec_t)random_below(1500000));
        freeze_once();
    }
    atomic_store(&signaller.may_end, true);
    host_thread_join(signaller.thread);
    join_tasks();
    int err = gate_close(&gate, NSEC_NEVER);
    CHECK(err == 0);
    check_end();
    gate_fini(&gate);
}

int main(int argc, char **argv)
{
    unsigned wanted = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 100;
    unsigned worlds = 0;

    random_state = argc > 2 ? strtoul(argv[2], NULL, 10) | 1 : 7;
    while (counts.freezes < wanted) {
        is_quiet = worlds++ % 2 == 1;
        run_world();
    }
    CHECK(counts.restores > 0 && counts.queued > 0 && counts.woken > 0 && counts.parked > 0);
    CHECK(counts.timeouts > 0);
    printf("%u worlds, %u freezes, %u with new threads; frozen: %u wait records, %u queued, %u "
           "woken; %u tasks parked\n",
           worlds, counts.freezes, counts.restores, counts.records, counts.queued, counts.woken,
           counts.parked);
    return 0;
}
