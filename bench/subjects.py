# SPDX-License-Identifier: Apache-2.0
"""What is measured: the host itself, sbx, and gVisor. Each runs a program to its end; those that
can checkpoint make a cycle: start, a checkpoint that leaves it running, one that stops it, and a
restore."""
import itertools
import json
import os
import re
import shutil
import subprocess
import time

TIMEOUT = 300


class Failed(Exception):
    pass


def now_ms():
    return time.monotonic() * 1000


def capture(command, **options):
    answer = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, **options)
    if answer.returncode != 0:
        raise Failed(f"{os.path.basename(command[0])} ends with {answer.returncode}: "
                     f"{answer.stderr.strip()[-300:]}")
    return answer.stdout


def size_mb(directory):
    return sum(os.path.getsize(os.path.join(directory, name))
               for name in os.listdir(directory)) / 1e6


class Stream:
    """A process whose output is waited for."""

    def __init__(self, command, **options):
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, **options)
        self.output = b""

    def expect(self, text):
        while text.encode() not in self.output:
            chunk = os.read(self.process.stdout.fileno(), 65536)
            if not chunk:
                raise Failed(f"it ended before it said {text!r}: {self.process.stderr.read()!r}")
            self.output += chunk

    def end(self):
        self.process.stdout.close()
        self.process.stderr.close()
        self.process.wait(TIMEOUT)


class Host:
    name = "host"

    def __init__(self, top):
        self.top = top

    def version(self):
        return os.uname().release

    def command(self, argv):
        return argv

    def close(self):
        pass

    def figure(self, argv):
        """What the program prints: a number."""
        return float(capture(self.command(argv), cwd=self.top))

    def run_to_end(self, argv):
        start = now_ms()
        capture(self.command(argv), cwd=self.top)
        return now_ms() - start


class Sbx(Host):
    name = "sbx"

    def __init__(self, top, bin_dir, platform):
        super().__init__(top)
        self.bin, self.platform = os.path.abspath(bin_dir), platform
        os.environ["SBX_ROOT"] = os.path.join(top, "state")
        self.serial = itertools.count(1)

    def tool(self, name):
        return os.path.join(self.bin, name)

    def version(self):
        return f"platform {self.platform}"

    def command(self, argv, *options):
        return [self.tool("sbx"), "run", "--platform", self.platform, *options, "--", *argv]

    def checkpoint(self, name, image, *options):
        """Milliseconds, and the figures of --stats."""
        start = now_ms()
        text = capture([self.tool("sbx-checkpoint"), "--image-path", image, "--stats", *options,
                        name])
        return now_ms() - start, json.loads(text.splitlines()[-1])

    def cycle(self, argv, ready, *options):
        name, image = f"bench-{next(self.serial)}", os.path.join(self.top, "image")
        shutil.rmtree(image, ignore_errors=True)
        first = Stream(self.command(argv, "--name", name), cwd=self.top)
        first.expect(ready)
        running, stats = self.checkpoint(name, image, "--leave-running", *options)
        parts = {"checkpoint, goes on": running, "pause of it": stats["pause_ns"] / 1e6}
        parts["checkpoint, stops"], _ = self.checkpoint(name, image, *options)
        first.end()
        start = now_ms()
        again = Stream([self.tool("sbx-restore"), "--image-path", image], cwd=self.top)
        again.expect("tick ")
        parts["restore, to its first output"] = now_ms() - start
        parts["image size"] = size_mb(image)
        capture([self.tool("sbx"), "kill", name, "KILL"])
        again.end()
        return parts


class Gvisor(Host):
    """runsc with a bundle whose root is the host's, read-only below an overlay in memory."""

    name = "gVisor"

    def __init__(self, top, runsc):
        super().__init__(top)
        self.runsc = [runsc, "--root", os.path.join(top, "runsc"), "--network=none",
                      "--ignore-cgroups", "--overlay2=root:memory"]
        self.serial = itertools.count(1)

    def version(self):
        text = capture([self.runsc[0], "--version"])
        return re.sub(r"\s+", " ", text)[:60] + ", platform systrap"

    def command(self, argv):
        """A new bundle each time; runsc run starts, waits and removes."""
        return self.runsc + ["run", "--bundle", self.bundle(argv), f"bench-{next(self.serial)}"]

    def bundle(self, argv):
        bundle = os.path.join(self.top, "bundle")
        os.makedirs(bundle, exist_ok=True)
        spec = {"ociVersion": "1.0.0", "root": {"path": "/", "readonly": False},
                "process": {"args": argv, "cwd": "/tmp", "user": {"uid": 0, "gid": 0},
                            "env": ["PATH=/usr/bin:/bin"],
                            "capabilities": {}},
                "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
                           {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"}],
                "linux": {"namespaces": [{"type": kind} for kind in
                                         ("pid", "mount", "ipc", "uts", "network")]}}
        with open(os.path.join(bundle, "config.json"), "w") as file:
            json.dump(spec, file)
        return bundle

    def close(self):
        """runsc leaves a network namespace mounted."""
        subprocess.run(["umount", os.path.join(self.top, "runsc", "null-netns")],
                       capture_output=True)

    def cycle(self, argv, ready, *options):
        """Its images are never compressed; the options are ours."""
        name, image = f"bench-{next(self.serial)}", os.path.join(self.top, "image-runsc")
        shutil.rmtree(image, ignore_errors=True)
        os.mkdir(image)
        bundle = self.bundle(argv)
        first = Stream(self.runsc + ["run", "--bundle", bundle, name])
        first.expect(ready)
        parts = {}
        start = now_ms()
        capture(self.runsc + ["checkpoint", "--image-path", image, "--leave-running", name])
        parts["checkpoint, goes on"] = now_ms() - start
        shutil.rmtree(image)
        os.mkdir(image)
        start = now_ms()
        capture(self.runsc + ["checkpoint", "--image-path", image, name])
        parts["checkpoint, stops"] = now_ms() - start
        first.end()
        subprocess.run(self.runsc + ["delete", "--force", name], capture_output=True)
        again_name = f"bench-{next(self.serial)}"
        start = now_ms()
        again = Stream(self.runsc + ["restore", "--bundle", bundle, "--image-path", image,
                                     again_name])
        again.expect("tick ")
        parts["restore, to its first output"] = now_ms() - start
        parts["image size"] = size_mb(image)
        capture(self.runsc + ["kill", again_name, "KILL"])
        again.end()
        subprocess.run(self.runsc + ["delete", "--force", again_name], capture_output=True)
        return parts
