#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The walks of docs/architecture.md, each from end to end.

walks.py --bin DIR --programs DIR [--platform P] [--filter TEXT]"""
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from sandbox import check, main


def restored_twice(case, sandbox, image, pause=0.2, option="--lazy"):
    """Checkpoints; what is restored from the image is checkpointed and restored once more."""
    sandbox.checkpoint(image)
    again = case.restore(image, option)
    again.expect_started()
    time.sleep(pause)
    again.checkpoint(image)
    return case.restore(image, option)


def test_read_blocked(case):
    """1: a read of a pipe blocks, is checkpointed, restored, completes. A write of 1 MB with a part
    done is ended by a signal with that part."""
    sandbox = case.start([case.program("read_blocked")])
    sandbox.expect("ready\n")
    sandbox = restored_twice(case, sandbox, case.path("image"))
    sandbox.say("g")
    check(sandbox.wait() == 0, f"failed: {sandbox.error_text()}")
    want = ["the reader has read", f"the writer wrote {(300 << 10) + (64 << 10)}"]
    check(sandbox.lines() == want, f"{sandbox.lines()} instead of {want}")


def test_fork_write(case):
    """2: a fork, then the child writes pages of the image, not loaded yet or loaded; when it has
    ended, the parent does."""
    for pause, option in ((0, "--lazy"), (0.2, "--lazy"), (0, "--eager")):
        sandbox = case.start([case.program("fork_write")])
        sandbox.expect("ready\n")
        sandbox = restored_twice(case, sandbox, case.path("image"), pause, option)
        sandbox.say("g")
        sandbox.expect("ready again\n")
        sandbox = restored_twice(case, sandbox, case.path("image"), pause, option)
        sandbox.say("g")
        check(sandbox.wait() == 0, f"failed: {sandbox.error_text()}")
        check(sandbox.lines() == ["the parent's writes are there"], f"{sandbox.lines()}")


def test_exec_running(case):
    """3: checkpoints with --leave-running meet execs. The program goes on, and so does each image."""
    seeded = random.Random(3)
    sandbox = case.start([case.program("exec_loop"), "0", "1000"])
    sandbox.expect("exec 0\n")
    images = []
    while sandbox.process.poll() is None and len(images) < 12:
        image = case.path(f"image-{len(images)}")
        answer = sandbox.try_checkpoint(image, "--leave-running")
        if answer.returncode != 0:
            check(sandbox.wait() == 5, f"sbx-checkpoint: {answer.stderr}")
            break
        images.append(image)
        time.sleep(seeded.uniform(0, 0.05))
    check(sandbox.wait() == 5, f"the program itself: {sandbox.error_text()}")
    check(sandbox.lines() == [f"exec {i}" for i in range(0, 1001, 20)], f"{sandbox.lines()}")
    check(len(images) >= 3, f"only {len(images)} checkpoints while it ran")
    for image in images[::4]:
        restored = case.restore(image)
        check(restored.wait() == 5, f"{image}: {restored.error_text()}")
        rest = [f"exec {i}" for i in range(0, 1001, 20)]
        check(restored.lines() == rest[len(rest) - len(restored.lines()):], f"{restored.lines()}")
    return f"{len(images)} checkpoints"


def test_shared_map(case):
    """4: two processes map one file shared; checkpoints with --leave-running while both write."""
    sandbox = case.start([case.program("shared_map")])
    sandbox.expect("turn 0\n")
    for i in range(5):
        sandbox.checkpoint(case.path(f"image-{i}"), "--leave-running")
        time.sleep(0.1)
    sandbox.process.stdin.close()
    check(sandbox.wait() == 0, f"failed: {sandbox.error_text()}")
    check(sandbox.lines()[-1] == "over", f"{sandbox.lines()}")
    for i in range(0, 5, 2):
        restored = case.restore(case.path(f"image-{i}"))
        restored.expect("turn ")
        restored.process.stdin.close()
        check(restored.wait() == 0, f"image {i}: {restored.error_text()}")


def make_host_file(case, size):
    directory = case.path("bound")
    os.mkdir(directory)
    with open(os.path.join(directory, "file"), "wb") as file:
        file.write(b"content" + bytes(size - 7))
    return directory


def test_deleted_file(case):
    """5: a file is open on a host file that is deleted there: its content is in the image."""
    directory = make_host_file(case, 100000)
    sandbox = case.start([case.program("deleted_file"), "/mnt/file"], "--bind", f"{directory}:/mnt")
    sandbox.expect("ready\n")
    os.unlink(os.path.join(directory, "file"))
    sandbox = restored_twice(case, sandbox, case.path("image"))
    sandbox.say("g")
    check(sandbox.wait() == 0, f"failed: {sandbox.error_text()}")
    check(sandbox.lines() == ["100000 bytes, still there"], f"{sandbox.lines()}")
    check(os.listdir(directory) == [], "the file has come back on the host")


def test_deleted_file_too_large(case):
    """5: beyond --ghost-limit the checkpoint fails with its name, and the sandbox goes on."""
    directory = make_host_file(case, 100000)
    sandbox = case.start([case.program("deleted_file"), "/mnt/file"], "--bind",
                         f"{directory}:/mnt", "--ghost-limit", "50000")
    sandbox.expect("ready\n")
    os.unlink(os.path.join(directory, "file"))
    answer = sandbox.try_checkpoint(case.path("image"))
    check(answer.returncode != 0 and "file" in answer.stderr, f"it says {answer.stderr!r}")
    check(not os.path.exists(case.path("image")), "there is an image nevertheless")
    sandbox.say("g")
    check(sandbox.wait() == 0, f"it did not go on: {sandbox.error_text()}")


if __name__ == "__main__":
    main(sys.modules[__name__])
