# SPDX-License-Identifier: Apache-2.0
"""asyncio without sockets: tasks, timers, queues, locks, subprocesses, threads, signals."""
import asyncio
import os
import signal


async def producer(queue):
    for n in range(10):
        await asyncio.sleep(0.01)
        await queue.put(n)
    await queue.put(None)


async def consumer(queue):
    total = 0
    while (item := await queue.get()) is not None:
        total += item
    return total


async def echo():
    process = await asyncio.create_subprocess_exec("cat", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    for n in range(5):
        process.stdin.write(b"line %d\n" % n)
        await process.stdin.drain()
        assert await process.stdout.readline() == b"line %d\n" % n
    process.stdin.close()
    return await process.wait()


async def main():
    queue = asyncio.Queue(3)
    _, total = await asyncio.gather(producer(queue), consumer(queue))
    print("total", total)
    print("echo", await echo())
    try:
        await asyncio.wait_for(asyncio.sleep(60), 0.1)
    except asyncio.TimeoutError:
        print("timeout")
    print(await asyncio.to_thread(sum, range(100000)))
    got = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, got.set)
    asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), signal.SIGUSR1)
    await got.wait()
    print("signal")
    read, write = os.pipe()
    arrived = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().add_reader(read, lambda: arrived.done() or arrived.set_result(os.read(read, 10)))
    asyncio.get_running_loop().call_later(0.05, os.write, write, b"ready")
    print(await arrived)
    asyncio.get_running_loop().remove_reader(read)
    lock, order = asyncio.Lock(), []

    async def locked(n):
        async with lock:
            order.append(n)
            await asyncio.sleep(0.01)

    await asyncio.gather(*(locked(n) for n in range(5)))
    print(order)
    shell = await asyncio.create_subprocess_shell("sleep 0.1; echo done; exit 3", stdout=asyncio.subprocess.PIPE)
    print((await shell.communicate())[0], shell.returncode)


asyncio.run(main())
