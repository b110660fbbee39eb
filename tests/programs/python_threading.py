# SPDX-License-Identifier: Apache-2.0
"""threading: locks, conditions, queues, timers, events, barriers, thread-local data, pools."""
import concurrent.futures
import queue
import threading
import time

print("threads", threading.active_count())
work, done = queue.Queue(), []
lock = threading.Lock()


def worker():
    while (item := work.get()) is not None:
        value = sum(i * i for i in range(item))
        with lock:
            done.append((item, value))
        work.task_done()


threads = [threading.Thread(target=worker) for _ in range(4)]
for thread in threads:
    thread.start()
for n in range(60):
    work.put(n * 50)
work.join()
for _ in threads:
    work.put(None)
for thread in threads:
    thread.join()
print(len(done), sum(value for _, value in done))

barrier, arrived = threading.Barrier(3), []
local = threading.local()


def meet(n):
    local.value = n
    for turn in range(5):
        barrier.wait()
        time.sleep(0.01)
        with lock:
            arrived.append(turn)
    assert local.value == n


threads = [threading.Thread(target=meet, args=(n,)) for n in range(3)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(arrived == sorted(arrived), len(arrived))

event, timer_ran = threading.Event(), []
timer = threading.Timer(0.1, lambda: (timer_ran.append(1), event.set()))
timer.start()
print("timer", event.wait(30), timer_ran)
print("not set", threading.Event().wait(0.05))

condition, box = threading.Condition(), []


def produce():
    for n in range(20):
        with condition:
            box.append(n)
            condition.notify()
        time.sleep(0.005)


producer = threading.Thread(target=produce)
producer.start()
taken = []
while len(taken) < 20:
    with condition:
        condition.wait_for(lambda: box, timeout=30)
        taken.extend(box)
        box.clear()
producer.join()
print("taken", taken == list(range(20)))

with concurrent.futures.ThreadPoolExecutor(3) as pool:
    print(list(pool.map(lambda n: n ** 3, range(10))))
semaphore = threading.BoundedSemaphore(2)
with semaphore, semaphore:
    print("free", semaphore.acquire(timeout=0.05))
print("threads", threading.active_count())
