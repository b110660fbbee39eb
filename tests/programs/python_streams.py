# SPDX-License-Identifier: Apache-2.0
# Sockets in pairs, FIFOs, sendfile and pipes: asyncio, multiprocessing, subprocess.
import asyncio
import multiprocessing
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time


async def read_all(sock, size):
    loop, got = asyncio.get_running_loop(), 0
    while got < size:
        got += len(await loop.sock_recv(sock, 65536))
        await asyncio.sleep(0.02)
    return got


async def streams():
    left, right = socket.socketpair()
    left.setblocking(False)
    right.setblocking(False)
    task = asyncio.create_task(read_all(right, 600000))
    await asyncio.get_running_loop().sock_sendall(left, b"z" * 600000)
    print("stream", await task)
    process = await asyncio.create_subprocess_exec("tr", "a-z", "A-Z", stdin=-1, stdout=-1)
    print((await process.communicate(b"hello"))[0])
    print(await asyncio.to_thread(lambda: 42))


def work(connection):
    time.sleep(0.1)
    connection.send(connection.recv() * 2)
    connection.close()


def processes():
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=work, args=(there,))
    process.start()
    here.send(21)
    print("pipe", here.recv())
    process.join()
    with multiprocessing.Pool(2) as pool:
        print("pool", pool.map(abs, [-1, -2, 3]))


def files(folder):
    source, fifo = os.path.join(folder, "source"), os.path.join(folder, "fifo")
    with open(source, "wb") as file:
        file.write(b"q" * 1000000)
    shutil.copyfile(source, source + "2")
    print(os.path.getsize(source + "2"))
    os.mkfifo(fifo)

    def write():
        time.sleep(0.2)
        with open(fifo, "w") as file:
            file.write("through a FIFO")

    threading.Thread(target=write).start()
    with open(fifo) as file:
        print(file.read())


def datagrams():
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    left.send(b"one")
    left.send(b"two")
    print(right.recvfrom(10), right.recv(2))
    left.settimeout(0.1)
    try:
        left.recv(1)
    except TimeoutError:
        print("timeout")
    done = subprocess.run(["bash", "-c", "cat <(sleep 0.1; echo sub) /dev/fd/0"],
                          input=b"in\n", stdout=subprocess.PIPE)
    print(done.stdout)


def main():
    asyncio.run(streams())
    processes()
    with tempfile.TemporaryDirectory() as folder:
        files(folder)
    datagrams()


if __name__ == "__main__":
    main()
