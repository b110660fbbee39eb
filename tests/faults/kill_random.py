#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of any process of a sandbox, at a random moment of a run, a checkpoint or a restore.

usage: kill_random.py --bin DIR [--count N] [--seed S] [--victim NAME]

Victims: the tool that stays with the sandbox, the process that stands for it, the sandbox process,
a stub, the tool that checkpoints. Afterwards nothing may be left: we are the subreaper of all that
is started here, so what has survived is our child; no mount, no file in the state directory once
somebody has listed it, no unfinished image once the next one is made. Who was not killed has to
notice and end, with a message."""
import argparse
import ctypes
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PR_SET_CHILD_SUBREAPER = 36
NAME = "victim"
DEADLINE = 30.0
# Forks, pipes, writes to memory and sleeps: it never ends by itself.
GUEST = ["/bin/sh", "-c", "x=0; while :; do x=$((x+1)); echo $x | cat > /dev/null; "
         "(sleep 0.01 & wait); done"]


class Failure(Exception):
    pass


def stat_of(pid):
    """Name and parent of a process, or None: it has gone."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            text = file.read()
    except OSError:
        return None
    name, rest = text[text.index("(") + 1:].rsplit(")", 1)
    state, parent = rest.split()[:2]
    return None if state in "ZX" else (name, int(parent))


def descendants(ancestor):
    """Living processes below ancestor: {pid: name}."""
    all_of_them = {int(pid): stat_of(pid) for pid in os.listdir("/proc") if pid.isdigit()}
    found, level = {}, {ancestor}
    while level:
        level = {pid for pid, stat in all_of_them.items() if stat and stat[1] in level}
        found.update({pid: all_of_them[pid][0] for pid in level})
    return found


def mounts():
    """What a sandbox mounts is called so; other tests mount at the same time."""
    with open("/proc/self/mountinfo") as file:
        return {line.split()[4] for line in file if line.split(" - ")[1].split()[1] == "sbx"}


class Round:
    """One sandbox, and what is done to it."""

    def __init__(self, bin_dir, top, random_source, victim):
        self.bin, self.top, self.random, self.victim = bin_dir, top, random_source, victim
        self.environment = dict(os.environ, SBX_ROOT=os.path.join(top, "state"))
        self.image = os.path.join(top, "images", "image")
        self.tool = self.checkpoint = None
        self.is_detached = False

    def start(self, name, *arguments):
        """A tool; what it and its sandbox say goes to a file."""
        errors = tempfile.TemporaryFile(mode="w+", dir=self.top)
        process = subprocess.Popen([os.path.join(self.bin, name), *arguments], cwd="/",
                                   env=self.environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=errors)
        process.errors = errors
        return process

    def wait(self, process, what):
        """Its exit code and what was said; it has to end by itself."""
        try:
            process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Failure(f"{what} does not end") from None
        process.errors.seek(0)
        return process.returncode, process.errors.read().strip()

    def run(self, name, *arguments):
        return self.wait(self.start(name, *arguments), f"{name} {arguments[0]}")

    # --- what is going on when the blow falls ---

    def begin(self):
        """Starts or restores the sandbox, perhaps with a checkpoint on its way."""
        self.is_detached = self.random.random() < 0.3
        options = ["--detach"] if self.is_detached else []
        if os.path.exists(self.image) and self.random.random() < 0.3:
            self.tool = self.start("sbx-restore", "--image-path", self.image, "--name", NAME,
                                   *options)
        else:
            self.tool = self.start("sbx", "run", "--name", NAME, *options, "--", *GUEST)
        if self.victim == "checkpoint" or self.random.random() < 0.5:
            time.sleep(self.random.uniform(0.02, 0.2))
            keep = ["--leave-running"] if self.random.random() < 0.7 else []
            self.checkpoint = self.start("sbx-checkpoint", "--image-path", self.image, *keep, NAME)

    def find_victim(self):
        """A pid, or None: there is no such process at this moment."""
        if self.victim == "tool":
            return self.tool.pid
        if self.victim == "checkpoint":
            return self.checkpoint.pid
        below = descendants(os.getpid())
        kernels = [pid for pid, name in below.items() if name == "sbx-kernel"]
        outer = [pid for pid in kernels
                 if (stat_of(pid) or ("", 0))[1] in (self.tool.pid, os.getpid())]
        if self.victim == "stand-in":
            return next(iter(outer), None)
        if self.victim == "kernel":
            return next((pid for pid in kernels if pid not in outer), None)
        stubs = [pid for pid, name in below.items() if name.startswith("memfd:stub")]
        return self.random.choice(stubs) if stubs else None

    def strike(self):
        """Kills it; False: it was not there any more."""
        time.sleep(self.random.uniform(0.0, 0.15))
        pid = self.find_victim()
        limit = time.monotonic() + 0.5
        while pid is None and time.monotonic() < limit: # not yet
            time.sleep(0.001)
            pid = self.find_victim()
        try:
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return pid is not None

    # --- what must follow ---

    def end(self, process, what):
        """It has to say why, if it was not killed or asked to end."""
        code, text = self.wait(process, what)
        if code == -signal.SIGKILL:
            return
        if code < 0 or re.search("Sanitizer|runtime error|Assertion|left at the end", text):
            raise Failure(f"{what} ends with {code}: {text}")
        if code == 125 and not text:
            raise Failure(f"{what} fails without a message")

    def finish(self):
        """What was not hit goes on and can be ended in order; a tool ends with its sandbox, and a
        sandbox with its tool unless it is detached."""
        if self.checkpoint is not None:
            self.end(self.checkpoint, "sbx-checkpoint")
        if self.is_detached:
            self.end(self.tool, "the tool")
        if self.is_detached or self.victim in ("stub", "checkpoint"):
            self.run("sbx", "kill", NAME, "KILL") # it may have ended
        self.end(self.tool, "the tool")

    def wait_for_processes(self):
        limit = time.monotonic() + 10.0
        while time.monotonic() < limit:
            try:
                if os.waitpid(-1, os.WNOHANG) == (0, 0):
                    time.sleep(0.01)
            except ChildProcessError:
                return
        left = descendants(os.getpid())
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        raise Failure(f"processes are left: {left}")

    def check_files(self):
        code, text = self.run("sbx", "list")
        if code != 0:
            raise Failure(f"sbx list: {text}")
        left = os.listdir(self.environment["SBX_ROOT"])
        if left:
            raise Failure(f"in the state directory: {left}")
        if any(".tmp-" in name for name in os.listdir(os.path.dirname(self.image))):
            self.make_image()
        left = [name for name in os.listdir(os.path.dirname(self.image)) if name != "image"]
        if left:
            raise Failure(f"unfinished images: {left}")

    def make_image(self):
        """A checkpoint that nobody disturbs."""
        code, text = self.run("sbx", "run", "--name", NAME, "--checkpoint-at", "20",
                              "--image-path", self.image, "--", *GUEST)
        if code != 0 or "checkpointed to" not in text:
            raise Failure(f"making an image: {code}: {text}")


def play(round_):
    """Plays a round: was anybody killed?"""
    before = mounts()
    round_.begin()
    struck = round_.strike()
    if not struck:
        round_.tool.kill()
        round_.run("sbx", "kill", NAME, "KILL")
    round_.finish()
    round_.wait_for_processes()
    round_.check_files()
    if mounts() != before:
        raise Failure(f"mounts are left: {mounts() - before}")
    return struck


def main():
    victims = ["tool", "stand-in", "kernel", "stub", "checkpoint"]
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", required=True, help="directory of the tools")
    parser.add_argument("--count", type=int, default=20, help="rounds for each victim")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--victim", choices=victims, help="this one only")
    options = parser.parse_args()
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0:
        sys.exit("no subreaper")
    top = tempfile.mkdtemp(prefix="sbx-kill-")
    for name in ("state", "images"):
        os.mkdir(os.path.join(top, name), 0o700)
    failures = 0
    for victim in [options.victim] if options.victim else victims:
        source = random.Random(f"{options.seed} {victim}")
        struck = 0
        for nr in range(options.count):
            try:
                struck += play(Round(os.path.abspath(options.bin), top, source, victim))
            except Failure as why:
                failures += 1
                print(f"FAILED  {victim} {nr}: {why}", flush=True)
        print(f"{victim}: {options.count} rounds, {struck} killed", flush=True)
        if struck < options.count / 2:
            failures += 1
            print(f"FAILED  {victim}: too few were there to be killed")
    shutil.rmtree(top)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
