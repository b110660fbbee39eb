#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Many sandboxes, several at a time, each started and ended in another way: nothing of them may be
left on the host. Looked for: processes and their namespaces, mounts, files.

usage: many.py --bin DIR [--count N] [-j JOBS]"""
import argparse
import concurrent.futures
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import pieces

SCRATCH = ["/dev/shm", "/var/tmp", "/run"]
DEADLINE = 60.0


def host():
    """The mounts and files of the host, as far as sandboxes could make some."""
    things = {f"mount {place}" for place in pieces.mounts()}
    for directory in SCRATCH:
        if os.path.isdir(directory):
            things |= {f"file {directory}/{name}" for name in os.listdir(directory)}
    return things


def namespaces(pids):
    """Namespaces of processes of ours that are still there."""
    found = set()
    for pid in pids:
        for kind in ("user", "mnt", "pid", "net", "ipc", "uts"):
            try:
                found.add(os.readlink(f"/proc/{pid}/ns/{kind}"))
            except OSError:
                pass
    return found


class Failure(Exception):
    pass


class Starter:
    def __init__(self, tools, top):
        self.tools, self.top = tools, top

    def tool(self, name, *arguments):
        # A sandbox that is detached keeps its streams: files, which nobody waits for.
        with tempfile.TemporaryFile(mode="w+", dir=self.top) as errors:
            answer = subprocess.run([self.tools.path(name), *arguments], env=self.tools.environment,
                                    cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                    stderr=errors, timeout=DEADLINE)
            errors.seek(0)
            answer.stderr = errors.read()
            return answer

    def start(self, name, *argv):
        return subprocess.Popen([self.tools.path("sbx"), "run", "--name", name, "--", *argv], cwd="/",
                                env=self.tools.environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def expect(self, answer, code, what):
        if answer.returncode != code:
            raise Failure(f"{what}: {answer.returncode} instead of {code}: {answer.stderr}")

    def run_to_its_end(self, name):
        self.expect(self.tool("sbx", "run", "--name", name, "--", "/bin/sh", "-c",
                              "echo x > /tmp/inside; (cat /tmp/inside; exit 3)"), 3, "a run")

    def fail_to_start(self, name):
        self.expect(self.tool("sbx", "run", "--name", name, "--", "/nonexistent"), 127, "no program")

    def with_ready(self, name, then):
        """A sandbox that has said that it runs; then(process) ends it."""
        process = self.start(name, "/bin/sh", "-c", "sleep 100 & echo ready; wait")
        try:
            if process.stdout.readline() != b"ready\n":
                raise Failure(f"{name} does not run: {process.stderr.read()!r}")
            then(process)
            process.communicate(timeout=DEADLINE)
        finally:
            process.kill()
            process.communicate()
        return process.returncode

    def kill_inside(self, name):
        code = self.with_ready(name, lambda _: self.expect(self.tool("sbx", "kill", name, "KILL"), 0, "kill"))
        if code != 137:
            raise Failure(f"killed: {code} instead of 137")

    def kill_the_tool(self, name):
        self.with_ready(name, lambda process: process.kill())

    def checkpoint_and_restore(self, name):
        image = os.path.join(self.top, name)
        code = self.with_ready(name, lambda _: self.expect(
            self.tool("sbx-checkpoint", "--image-path", image, name), 0, "a checkpoint"))
        if code != 0:
            raise Failure(f"after its checkpoint: {code}")
        self.expect(self.tool("sbx-restore", "--image-path", image, "--detach"), 0, "a restore")
        self.expect(self.tool("sbx", "kill", name, "KILL"), 0, "kill")
        shutil.rmtree(image)

    def one(self, nr):
        ways = [self.run_to_its_end, self.kill_inside, self.checkpoint_and_restore, self.fail_to_start,
                self.kill_the_tool]
        way = ways[nr % len(ways)]
        try:
            way(self.tools.next_name("many"))
        except (Failure, subprocess.TimeoutExpired) as why:
            return f"{nr}, {way.__name__}: {why}"
        return None


def find_left(tools, before):
    """What is there that was not, once the dying are dead."""
    tools.leaks()
    subprocess.run([tools.path("sbx"), "list"], env=tools.environment, capture_output=True, check=False)
    return tools.leaks() + sorted(thing for thing in host() - before if "sbx" in thing)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", required=True, help="directory of the tools")
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("-j", "--jobs", type=int, default=2 * (os.cpu_count() or 1))
    options = parser.parse_args()
    before = host()
    own = namespaces([os.getpid()])
    tools = pieces.Tools(options.bin, "auto")
    top = tempfile.mkdtemp(prefix="many-")
    starter = Starter(tools, top)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        failures = [failure for failure in pool.map(starter.one, range(options.count)) if failure]
    failures += [f"left behind: {thing}" for thing in find_left(tools, before)]
    failures += [f"left behind: image {name}" for name in os.listdir(top)]
    pids = [pid for pid, _ in tools.processes()]
    failures += [f"left behind: namespace {name}" for name in namespaces(pids) - own]
    tools.close()
    shutil.rmtree(top)
    for failure in failures:
        print(f"FAILED  {failure}")
    print(f"{options.count} sandboxes, {len(failures)} failures")
    sys.exit(1 if failures else 0)


main()
