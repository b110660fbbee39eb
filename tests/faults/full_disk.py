#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A disk that is full while an image is written: a clear error, the program goes on, an older image
stays whole, no half of a new one is left."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import counter
from sandbox import Skip, check, main


def with_disk(case, kilobytes, test):
    """A small file system, which needs root; for others there is no small disk to be had."""
    if os.geteuid() != 0:
        raise Skip("mounting a small file system needs root")
    disk = case.path("disk")
    os.mkdir(disk)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", disk],
                             capture_output=True, text=True)
    if mounted.returncode != 0:
        raise Skip(f"mount: {mounted.stderr.strip()}")
    try:
        test(disk)
    finally:
        subprocess.run(["umount", disk], check=True)


def size_of(image):
    return sum(os.path.getsize(os.path.join(image, name)) for name in os.listdir(image))


def expect_full(answer):
    check(answer.returncode == 125, f"exit code {answer.returncode}")
    check("No space left" in answer.stderr, f"it says {answer.stderr!r}")
    check(answer.stderr.count("\n") == 1, f"not one line: {answer.stderr!r}")


def test_full(case):
    sandbox = counter.start(case)
    sandbox.checkpoint(case.path("measure"), "--leave-running")
    size = size_of(case.path("measure"))

    def test(disk):
        image = os.path.join(disk, "image")
        for part in (1, 4, 16, 64, 90): # percent of what it takes
            filler = os.path.join(disk, "filler")
            stat = os.statvfs(disk)
            with open(filler, "wb") as file:
                file.write(bytes(max(0, stat.f_bavail * stat.f_bsize - size * part // 100)))
            for options in (["--leave-running"], []):
                expect_full(sandbox.try_checkpoint(image, *options))
                counter.goes_on(sandbox)
                check(os.listdir(disk) == ["filler"], f"left: {os.listdir(disk)}")
            os.unlink(filler)
        sandbox.checkpoint(image, "--leave-running")
        counter.goes_on(sandbox)

    with_disk(case, size // 1024 * 3 + 64, test)
    sandbox.stop()


def test_old_image(case):
    """There is room for one image, not for two."""
    sandbox = counter.start(case)
    sandbox.checkpoint(case.path("measure"), "--leave-running")
    size = size_of(case.path("measure"))

    def test(disk):
        image = os.path.join(disk, "image")
        sandbox.checkpoint(image, "--leave-running")
        expect_full(sandbox.try_checkpoint(image))
        check(os.listdir(disk) == ["image"], f"left: {os.listdir(disk)}")
        counter.goes_on(sandbox)
        counter.image_is_whole(case, image)

    with_disk(case, size // 1024 * 5 // 3, test)
    sandbox.stop()


def test_checkpoint_at(case):
    """The tool that stays with the sandbox cannot keep the image: the program runs to its end."""
    program = case.program("hello")

    def test(disk):
        with open(os.path.join(disk, "filler"), "wb") as file:
            file.write(bytes(os.statvfs(disk).f_bavail * 4096))
        sandbox = case.start([program], "--checkpoint-at", "5", "--image-path",
                             os.path.join(disk, "image"))
        check(sandbox.wait() == 3 and sandbox.lines() == ["hello"],
              f"exit code {sandbox.process.returncode}, {sandbox.lines()}")
        check("No space left" in sandbox.error_text(), f"it says {sandbox.error_text()!r}")
        check(os.listdir(disk) == ["filler"], f"left: {os.listdir(disk)}")

    with_disk(case, 64, test)


def test_file_size_limit(case):
    """A limit on the size of files does the same, also without root."""
    sandbox = counter.start(case)
    answer = subprocess.run(
        ["sh", "-c", 'ulimit -f 1; exec "$0" "$@"', case.tools.path("sbx-checkpoint"),
         "--image-path", case.path("image"), sandbox.name],
        env=case.tools.environment, capture_output=True, text=True)
    if answer.returncode == 0: # the sandbox writes, and it is not limited
        check(sandbox.wait() == 0, "it did not stop")
        counter.image_is_whole(case, case.path("image"))
        return
    check(answer.returncode == 125 and answer.stderr.startswith("sbx-checkpoint: "),
          f"{answer.returncode}: {answer.stderr!r}")
    counter.goes_on(sandbox)
    sandbox.stop()


if __name__ == "__main__":
    main(sys.modules[__name__])
