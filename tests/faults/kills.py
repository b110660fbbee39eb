#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 in the middle of a checkpoint: of the sandbox, of the tool that asked for it, of the tool
that stays with the sandbox. An older image stays whole, and nothing is left behind."""
import os
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import counter
from sandbox import Failure, check, main

ROUNDS = 12


def leftovers(case, image):
    """Unfinished images beside the place of one."""
    return [name for name in os.listdir(os.path.dirname(image))
            if name.startswith(os.path.basename(image) + ".tmp")]


def start_checkpoint(case, sandbox, image, *options):
    return subprocess.Popen([case.tools.path("sbx-checkpoint"), "--image-path", image, *options,
                             sandbox.name], env=case.tools.environment, stderr=subprocess.PIPE,
                            text=True)


def end(process):
    try:
        return process.wait(20), process.stderr.read().strip()
    except subprocess.TimeoutExpired:
        process.kill()
        raise Failure("sbx-checkpoint hangs") from None


def duration(case, sandbox, image):
    """How long a checkpoint takes here, to kill within."""
    start = time.monotonic()
    sandbox.checkpoint(image, "--leave-running")
    return time.monotonic() - start


def test_kill_sandbox(case):
    seeded, image, failed = random.Random(1), case.path("image"), 0
    for _ in range(ROUNDS):
        sandbox = counter.start(case)
        span = duration(case, sandbox, image)
        pid = sandbox.kernel_pid()
        tool = start_checkpoint(case, sandbox, image, "--leave-running")
        time.sleep(seeded.uniform(0, span * 1.2))
        os.kill(pid, signal.SIGKILL)
        code, text = end(tool)
        if code != 0:
            failed += 1
            check(code == 125 and text.startswith("sbx-checkpoint: ") and "\n" not in text,
                  f"sbx-checkpoint ends with {code}: {text!r}")
        check(sandbox.wait() == 125, "sbx run did not notice")
        check("killed by signal 9" in sandbox.error_text(), f"it says {sandbox.error_text()!r}")
        case.clean_names()
        left = case.tools.leaks()
        check(not left, f"left behind: {left}")
        check(not leftovers(case, image), "an unfinished image is left")
        counter.image_is_whole(case, image)
    check(failed > 0, "no checkpoint was hit: the test must be changed")
    return f"{failed} of {ROUNDS} checkpoints failed, as they should"


def test_kill_checkpoint_tool(case):
    seeded, image = random.Random(2), case.path("image")
    sandbox = counter.start(case)
    span = duration(case, sandbox, image)
    hit = 0
    for _ in range(ROUNDS):
        tool = start_checkpoint(case, sandbox, image, "--leave-running")
        time.sleep(seeded.uniform(0, span))
        tool.kill()
        hit += end(tool)[0] != 0
        counter.goes_on(sandbox)
    check(hit > 0, "no tool was hit: the test must be changed")
    counter.image_is_whole(case, image)
    sandbox.checkpoint(image, "--leave-running") # and it can still be done
    counter.goes_on(sandbox)
    check(not leftovers(case, image), f"unfinished images are left: {leftovers(case, image)}")
    counter.image_is_whole(case, image)
    sandbox.stop()
    return f"{hit} of {ROUNDS} tools were hit"


def test_kill_stopping_checkpoint_tool(case):
    """Without --leave-running: either it goes on, or the image does, never none of them."""
    seeded, image = random.Random(3), case.path("image")
    outcomes = {"goes on": 0, "is an image": 0}
    span = None
    for _ in range(ROUNDS):
        sandbox = counter.start(case)
        if span is None:
            span = duration(case, sandbox, image)
        before = counter.ticks(sandbox)[-1]
        tool = start_checkpoint(case, sandbox, image)
        time.sleep(seeded.uniform(0, span * 3))
        tool.kill()
        end(tool)
        try:
            sandbox.process.wait(1.0)
        except subprocess.TimeoutExpired:
            counter.goes_on(sandbox)
            sandbox.stop()
            outcomes["goes on"] += 1
            continue
        check(sandbox.wait() == 0, f"it ended: {sandbox.error_text()}")
        check(counter.image_is_whole(case, image) > before - 1, "the image is an older one")
        outcomes["is an image"] += 1
    check(outcomes["goes on"] > 0, "no tool was hit: the test must be changed")
    return str(outcomes)


def test_kill_run_tool(case):
    """The tool that stays with the sandbox dies: the sandbox ends with it."""
    seeded, image = random.Random(4), case.path("image")
    for _ in range(4):
        sandbox = counter.start(case)
        span = duration(case, sandbox, image)
        tool = start_checkpoint(case, sandbox, image, "--leave-running")
        time.sleep(seeded.uniform(0, span))
        os.kill(sandbox.process.pid, signal.SIGKILL)
        end(tool)
        case.clean_names()
        left = case.tools.leaks()
        check(not left, f"left behind: {left}")
        counter.image_is_whole(case, image)


if __name__ == "__main__":
    main(sys.modules[__name__])
