#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lazy restores of 70 MB from end to end: what is not loaded yet is touched, checkpointed again,
freed, killed; the image is damaged, or has gone.

lazy.py --bin DIR --programs DIR [--platform P] [--filter TEXT]"""
import json
import os
import random
import shutil
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from sandbox import check, main

SIGBUS = 135


def start(case):
    sandbox = case.start([case.program("large_memory")])
    sandbox.expect("ready\n")
    return sandbox


def restore(case, image, *options):
    """One that has just begun to load."""
    sandbox = case.restore(image, *options)
    sandbox.expect_started()
    return sandbox


def finish(sandbox):
    sandbox.process.stdin.close()
    check(sandbox.wait() == 0, f"failed: {sandbox.error_text()}")
    check(sandbox.lines()[-1] == "all is there", f"{sandbox.lines()}")


def test_touched_at_once(case):
    for option in ("--lazy", "--eager"):
        start(case).checkpoint(case.path("image"))
        sandbox = restore(case, case.path("image"), option)
        sandbox.say("g")
        sandbox.expect("round 0\n")
        finish(sandbox)


def test_chain(case):
    """Checkpoints while loading is under way: each image has all, read or not."""
    seeded, image = random.Random(1), case.path("image")
    sandbox, copied = start(case), []
    for i in range(8):
        answer = sandbox.try_checkpoint(image, "--stats")
        check(answer.returncode == 0, answer.stderr)
        copied.append(json.loads(answer.stdout)["chunks_copied"])
        check(sandbox.wait() == 0, sandbox.error_text())
        sandbox = restore(case, image)
        time.sleep(seeded.choice((0, 0, 0.05)))
        if seeded.random() < 0.5:
            sandbox.say("g")
            sandbox.expect("round ")
    finish(sandbox)
    check(copied[0] == 0 and max(copied) > 0, f"copied from image to image: {copied}")
    return f"chunks copied as they were: {copied}"


def test_left_running(case):
    """A checkpoint meets a loader, and both go on."""
    image, second = case.path("image"), case.path("second")
    start(case).checkpoint(image)
    sandbox = restore(case, image)
    sandbox.say("gg")
    sandbox.checkpoint(second, "--leave-running")
    sandbox.say("g")
    sandbox.expect("round 2\n")
    finish(sandbox)
    again = restore(case, second)
    finish(again)


def test_image_gone(case):
    """The descriptors keep the files; another image may take the place."""
    image = case.path("image")
    start(case).checkpoint(image)
    os.rename(image, case.path("kept"))
    for how in ("removed", "replaced"):
        shutil.copytree(case.path("kept"), image)
        sandbox = restore(case, image)
        shutil.rmtree(image)
        if how == "replaced":
            start(case).checkpoint(image)
        finish(sandbox)


def test_killed_while_loading(case):
    seeded, image = random.Random(2), case.path("image")
    start(case).checkpoint(image)
    for _ in range(6):
        sandbox = restore(case, image)
        sandbox.say("g")
        time.sleep(seeded.uniform(0, 0.06))
        os.kill(sandbox.kernel_pid(), signal.SIGKILL)
        check(sandbox.wait() == 125, "the tool did not notice")
        for _ in range(20): # its lock may outlive it by a moment
            case.clean_names()
            left = case.tools.leaks()
            if not left:
                break
        check(not left, f"left behind: {left}")
    finish(case.restore(image))


def test_damaged(case):
    """What is damaged is never seen: the guest that touches it dies by SIGBUS, and the log names the
    chunk; or it has no need of it."""
    seeded, image, damaged = random.Random(3), case.path("image"), case.path("damaged")
    start(case).checkpoint(image)
    deaths = 0
    for _ in range(8):
        shutil.rmtree(damaged, ignore_errors=True)
        shutil.copytree(image, damaged)
        with open(os.path.join(damaged, "pages.img"), "r+b") as file:
            for _ in range(3):
                file.seek(seeded.randrange(os.path.getsize(file.name)))
                file.write(b"damage")
        sandbox = case.restore(damaged)
        sandbox.process.stdin.close()
        code = sandbox.wait()
        if code == 0:
            check(sandbox.lines()[-1] == "all is there", f"{sandbox.lines()}")
            continue
        deaths += 1
        # 1: the child was the one; its parent says so.
        check(code in (SIGBUS, 1), f"exit code {code}: {sandbox.error_text()}")
        check(code == SIGBUS or "waitpid" in sandbox.error_text(), sandbox.error_text())
        check("pages.img: chunk" in sandbox.error_text(), f"it says {sandbox.error_text()!r}")
        check("all is there" not in sandbox.lines(), "it has seen all")
    check(deaths > 0, "no damage was met")
    return f"{deaths} of 8 met it"


def test_damaged_checkpoint(case):
    """Nor is it passed on: the next checkpoint fails, and the sandbox goes on."""
    image = case.path("image")
    start(case).checkpoint(image)
    size = os.path.getsize(os.path.join(image, "pages.img"))
    with open(os.path.join(image, "pages.img"), "r+b") as file:
        file.seek(size // 2)
        file.write(b"damage" * 10)
    sandbox = restore(case, image)
    answer = sandbox.try_checkpoint(case.path("next"))
    check(answer.returncode == 125, "the damage was not noticed")
    check(not os.path.exists(case.path("next")), "there is an image nevertheless")
    check("pages.img: chunk" in sandbox.error_text(), f"it says {sandbox.error_text()!r}")
    check(case.tool("sbx", "state", sandbox.name).returncode == 0, "it has ended")
    sandbox.stop()


if __name__ == "__main__":
    main(sys.modules[__name__])
