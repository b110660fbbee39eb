# SPDX-License-Identifier: Apache-2.0
"""One sandbox under the hands of a test: started or restored, talked to, checkpointed, killed.

A test is a function test_x(case); case has tools and a directory of its own. main() runs those of
a module, and looks for what they have left behind."""
import argparse
import os
import re
import signal
import subprocess
import sys
import threading
import time
import traceback

import pieces

DEADLINE = 60.0


class Failure(Exception):
    pass


def check(condition, text):
    if not condition:
        raise Failure(text)


class Skip(Exception):
    pass


class Sandbox:
    """A tool that stays with its sandbox. stdin is a pipe of ours; stdout is read as it comes."""

    def __init__(self, case, command, name):
        self.case, self.name = case, name
        self.output = b""
        self.process = subprocess.Popen(
            command, cwd=case.place.cwd, env=case.tools.environment, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=pieces.child_limits,
            start_new_session=True)
        self.readers = []
        self.errors = b""
        for stream, name in ((self.process.stdout, "output"), (self.process.stderr, "errors")):
            reader = threading.Thread(target=self.read, args=(stream, name), daemon=True)
            reader.start()
            self.readers.append(reader)

    def read(self, stream, name):
        while chunk := os.read(stream.fileno(), 65536):
            setattr(self, name, getattr(self, name) + chunk)

    def say(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def expect(self, text, count=1):
        """Waits until the guest has printed text (count times)."""
        end = time.monotonic() + DEADLINE
        while self.output.count(text.encode()) < count:
            if self.process.poll() is not None:
                time.sleep(0.2)
                check(self.output.count(text.encode()) >= count,
                      f"{self.name} ended ({self.process.returncode}) before {text!r}: "
                      f"{self.output[-300:]!r} {self.error_text()!r}")
                return
            check(time.monotonic() < end, f"{self.name} does not say {text!r}, but "
                  f"{self.output[-300:]!r}; {self.case.tools.state(self.name)}")
            time.sleep(0.005)

    def expect_started(self):
        """Waits until it answers, and no longer."""
        end = time.monotonic() + DEADLINE
        while self.case.tool("sbx", "state", self.name).returncode != 0:
            check(time.monotonic() < end and self.process.poll() is None,
                  f"{self.name} does not start: {self.error_text()}")
            time.sleep(0.001)

    def wait(self):
        """The exit code."""
        try:
            code = self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failure(f"{self.name} does not end: {self.output[-300:]!r}") from None
        for reader in self.readers:
            reader.join(5.0)
        return pieces.exit_code(code)

    def lines(self):
        return self.output.decode(errors="replace").splitlines()

    def error_text(self):
        return self.errors.decode(errors="replace")

    def kernel_pid(self):
        """The sandbox process."""
        with open(os.path.join(self.case.tools.root, self.name + ".lock")) as file:
            return int(file.read())

    def checkpoint(self, image, *options):
        """Makes an image; fails the test if that fails."""
        answer = self.try_checkpoint(image, *options)
        check(answer.returncode == 0,
              f"{answer.stderr.strip()}; the sandbox said {self.error_text()!r}")
        if "--leave-running" not in options:
            check(self.wait() == 0, f"after its checkpoint {self.name} ends with an error: "
                  f"{self.error_text()}")

    def try_checkpoint(self, image, *options):
        return self.case.tool("sbx-checkpoint", "--image-path", image, *options, self.name)

    def stop(self):
        """Ends it, in order: its files in the state directory go, too."""
        self.case.tool("sbx", "kill", self.name, "KILL")
        self.wait()

    def kill(self):
        pieces.kill_group(self.process)


class Case:
    """What one test works with."""

    def __init__(self, tools, programs):
        self.tools, self.programs = tools, programs
        self.place = pieces.Place()
        self.sandboxes = []

    def path(self, name):
        return os.path.join(self.place.top, name)

    def program(self, name):
        return os.path.join(os.path.abspath(self.programs), name)

    def tool(self, name, *arguments, timeout=DEADLINE):
        try:
            return subprocess.run([self.tools.path(name), *arguments], env=self.tools.environment,
                                  cwd=self.place.cwd, capture_output=True, text=True,
                                  errors="replace", timeout=timeout, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            raise Failure(f"{name} {' '.join(arguments)}: no end after {timeout} s") from None

    def start(self, argv, *options):
        name = self.tools.next_name(os.path.basename(argv[0]))
        command = [self.tools.path("sbx"), "run", "--name", name, "--platform",
                   self.tools.platform, *options, "--", *argv]
        return self.add(Sandbox(self, command, name))

    def restore(self, image, *options):
        name = self.tools.next_name("restored")
        command = [self.tools.path("sbx-restore"), "--image-path", image, "--name", name, *options]
        return self.add(Sandbox(self, command, name))

    def add(self, sandbox):
        self.sandboxes.append(sandbox)
        return sandbox

    def close(self):
        for sandbox in self.sandboxes:
            sandbox.kill()
        self.place.remove()

    def clean_names(self):
        """Whoever looks removes the names of sandboxes that were killed."""
        self.tools.leaks() # waits until they are gone
        self.tool("sbx", "list")


def inspect_json(case, *arguments):
    import json
    answer = case.tool("sbx-inspect", *arguments, "--format", "json")
    check(answer.returncode == 0, f"sbx-inspect {arguments}: {answer.stderr.strip()}")
    return json.loads(answer.stdout)


def run_test(name, test, tools, programs):
    start = time.monotonic()
    case = Case(tools, programs)
    verdict, text = "ok", ""
    try:
        text = test(case) or ""
    except Skip as why:
        verdict, text = "skipped", str(why)
    except Failure as why:
        verdict, text = "FAILED", str(why)
    except Exception:
        verdict, text = "FAILED", traceback.format_exc()
    case.close()
    left = tools.leaks() if verdict != "FAILED" else []
    if left:
        verdict, text = "FAILED", "left behind: " + ", ".join(left)
    for file in os.listdir(tools.root): # the next test starts clean
        os.unlink(os.path.join(tools.root, file))
    print(f"{verdict:8}{name:32}{time.monotonic() - start:.1f} s  {text}".rstrip(), flush=True)
    return verdict != "FAILED"


def main(module):
    parser = argparse.ArgumentParser(description=module.__doc__.split("\n")[0])
    parser.add_argument("--bin", required=True, help="directory of the tools")
    parser.add_argument("--programs", required=True, help="directory of the built programs")
    parser.add_argument("--platform", default="auto")
    parser.add_argument("--filter", default="", help="only tests whose name contains it")
    options = parser.parse_args()
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    tools = pieces.Tools(options.bin, options.platform)
    tests = {name[5:]: test for name, test in vars(module).items()
             if re.match(r"test_", name) and options.filter in name}
    passed = [run_test(name, test, tools, options.programs) for name, test in tests.items()]
    tools.close()
    print(f"{len(passed)} tests, {passed.count(False)} failed")
    sys.exit(0 if passed and all(passed) else 1)
