# SPDX-License-Identifier: Apache-2.0
"""multiprocessing: fork and spawn, pools, queues, pipes, shared memory, locks, managers' kin."""
import multiprocessing as mp
import os
from multiprocessing import shared_memory


def square(n):
    return n * n


def add(value, times):
    for _ in range(times):
        with value.get_lock():
            value.value += 1


def echo(connection):
    while (item := connection.recv()) is not None:
        connection.send(item[::-1])


def fill(name):
    block = shared_memory.SharedMemory(name)
    block.buf[:4] = b"abcd"
    block.close()


def main():
    fork = mp.get_context("fork")
    with fork.Pool(3) as pool:
        print(pool.map(square, range(20)))
        print(sorted(pool.imap_unordered(square, range(5))), pool.apply_async(square, (12,)).get(60))
    value = fork.Value("i", 0)
    adders = [fork.Process(target=add, args=(value, 50)) for _ in range(3)]
    [adder.start() for adder in adders]
    [adder.join() for adder in adders]
    print(value.value, [adder.exitcode for adder in adders])
    here, there = fork.Pipe()
    process = fork.Process(target=echo, args=(there,))
    process.start()
    for text in ("abc", "x" * 100000):
        here.send(text)
        print(len(here.recv()))
    here.send(None)
    process.join()
    print("echo", process.exitcode)
    queue = fork.Queue()
    process = fork.Process(target=lambda: [queue.put(n) for n in range(5)])
    process.start()
    print([queue.get(timeout=60) for _ in range(5)])
    process.join()
    block = shared_memory.SharedMemory(create=True, size=4096)
    process = fork.Process(target=fill, args=(block.name,))
    process.start()
    process.join()
    print(bytes(block.buf[:4]))
    block.close()
    block.unlink()
    spawn = mp.get_context("spawn")
    process = spawn.Process(target=print, args=("spawned",))
    process.start()
    process.join()
    print(process.exitcode, os.getpid() == mp.current_process().pid)


if __name__ == "__main__":
    main()
