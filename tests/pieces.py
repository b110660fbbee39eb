# SPDX-License-Identifier: Apache-2.0
"""Runs a program on the host, or in a sandbox: in one piece, or in many, with a checkpoint and a
restore in a fresh process between two of them. What the pieces print is collected in one place, so
that a run in pieces can be compared with a native one."""
import itertools
import json
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time

STOPPED = re.compile(r"^sbx[a-z-]*: (\S+): checkpointed to ")
PIECES_MAX = 20000


class Outcome:
    """What came of a run. problem: None, or why it cannot even be compared."""

    def __init__(self):
        self.stdout = b""
        self.stderr = ""
        self.code = None
        self.problem = None
        self.checkpoints = 0
        self.blocked = 0
        self.seconds = 0.0


class Plan:
    """Where a run is cut: at calls, by --checkpoint-at (every, tenth, at), or at instants, from
    outside. seconds: how long the program runs uncut."""

    def __init__(self, kind="none", seed=0, count=0, seconds=1.0):
        self.kind, self.count = kind, count
        self.random = random.Random(seed)
        self.instants = []
        if kind == "instants":
            self.instants = sorted(self.random.uniform(0.0, seconds) for _ in range(count))
        self.now = 0.0

    def next_option(self):
        """--checkpoint-at's value for the next piece, or None."""
        if self.kind == "every":
            return "every"
        if self.kind == "tenth":
            return str(self.random.randint(1, 19))
        if self.kind == "at":
            return str(self.count)
        return None

    def next_delay(self):
        """Seconds from the start of a piece to its checkpoint from outside, or None."""
        if not self.instants:
            return None
        delay = self.instants[0] - self.now
        self.now = self.instants.pop(0)
        return delay


class Place:
    """A directory for one run: the working directory of the program is in it, and the images."""

    def __init__(self, base=None):
        self.top = tempfile.mkdtemp(prefix="sbx-test-", dir=base)
        self.cwd = os.path.join(self.top, "cwd")
        self.image = os.path.join(self.top, "image")
        os.chmod(self.top, 0o755)
        os.mkdir(self.cwd)

    def remove(self):
        shutil.rmtree(self.top, ignore_errors=True)


def mounts():
    with open("/proc/self/mountinfo") as file:
        return {line.split()[4] for line in file}


class Tools:
    """The tools of one build, with a state directory of their own."""

    def __init__(self, bin_dir, platform, restore_option=None):
        self.restore_options = [] if restore_option is None else [restore_option]
        self.bin, self.platform = os.path.abspath(bin_dir), platform
        self.root = tempfile.mkdtemp(prefix="sbx-state-")
        self.environment = dict(os.environ, SBX_ROOT=self.root)
        self.serial = itertools.count(1)
        self.others = {pid for pid, _ in self.processes()} # not ours: there before us
        self.mounts = mounts()

    def path(self, name):
        return os.path.join(self.bin, name)

    def next_name(self, hint):
        return f"{re.sub(r'[^A-Za-z0-9]', '-', hint)[:40]}.{os.getpid()}.{next(self.serial)}"

    def state(self, name):
        """What the sandbox says of itself, for a report on a hang."""
        try:
            answer = subprocess.run([self.path("sbx"), "state", name], env=self.environment,
                                    capture_output=True, timeout=5, text=True)
            return (answer.stdout + answer.stderr).strip()
        except subprocess.TimeoutExpired:
            return "sbx state does not answer either"

    def processes(self):
        """Sandbox processes of ours, and stubs that nobody owns any more: (pid, name)."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    words = file.read().decode(errors="replace").split("\0")
                with open(f"/proc/{pid}/stat") as file:
                    parent = int(file.read().rsplit(")", 1)[1].split()[1])
                exe = os.readlink(f"/proc/{pid}/exe")
            except OSError:
                continue
            if any(f".{os.getpid()}." in word for word in words[1:2]) and "sbx-kernel" in exe:
                found.append((int(pid), " ".join(words).strip()))
            elif "memfd:stub" in exe and parent == 1:
                found.append((int(pid), "an orphaned stub"))
        return found

    def leaks(self):
        """What should not be there any more; waits a moment for the dying."""
        for _ in range(50):
            left = [f"process {pid} ({name})" for pid, name in self.processes()
                    if pid not in self.others]
            if not left:
                break
            time.sleep(0.1)
        left += [f"file {name} in the state directory" for name in sorted(os.listdir(self.root))]
        return left + [f"mount {place}" for place in mounts() - self.mounts]

    def close(self):
        shutil.rmtree(self.root, ignore_errors=True)


def child_limits():
    """Before a program: no core files, and signals as a shell would hand them down."""
    import resource
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def exit_code(returncode):
    return 128 - returncode if returncode < 0 else returncode


def kill_group(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def run_native(argv, place, timeout, stdin=None):
    outcome = Outcome()
    start = time.monotonic()
    with open(os.path.join(place.top, "stdout"), "w+b") as out, \
            open(os.path.join(place.top, "stderr"), "w+b") as err:
        process = subprocess.Popen(argv, cwd=place.cwd, stdin=stdin or subprocess.DEVNULL,
                                   stdout=out, stderr=err, preexec_fn=child_limits,
                                   start_new_session=True)
        try:
            outcome.code = exit_code(process.wait(timeout))
        except subprocess.TimeoutExpired:
            outcome.problem = f"no end after {timeout} s"
        kill_group(process)
        collect(outcome, out, err)
    outcome.seconds = time.monotonic() - start
    return outcome


def collect(outcome, out, err):
    out.seek(0)
    err.seek(0)
    outcome.stdout = out.read()
    outcome.stderr = err.read().decode(errors="replace")


class Pieces:
    """One program in a sandbox, from its start to its end."""

    def __init__(self, tools, argv, place, plan, timeout, options=()):
        self.tools, self.argv, self.place, self.plan = tools, argv, place, plan
        self.options = list(options)
        self.name = tools.next_name(os.path.basename(argv[0]))
        self.deadline = time.monotonic() + timeout
        self.timeout = timeout
        self.outcome = Outcome()

    def run(self):
        start = time.monotonic()
        out = open(os.path.join(self.place.top, "stdout"), "w+b")
        err = open(os.path.join(self.place.top, "stderr"), "w+b")
        with out, err:
            # All pieces append to the same two files.
            self.out = os.open(out.name, os.O_WRONLY | os.O_APPEND)
            self.err = os.open(err.name, os.O_WRONLY | os.O_APPEND)
            try:
                self.run_pieces()
            finally:
                os.close(self.out)
                os.close(self.err)
            collect(self.outcome, out, err)
        self.outcome.stderr = "\n".join(line for line in self.outcome.stderr.splitlines()
                                        if not is_bookkeeping(line))
        self.outcome.seconds = time.monotonic() - start
        return self.outcome

    def run_pieces(self):
        command = self.first_command()
        for _ in range(PIECES_MAX):
            code, text = self.run_piece(command)
            if self.outcome.problem is not None:
                return
            if code != 0 or not any(STOPPED.match(line) for line in text.splitlines()):
                self.outcome.code = code
                return
            self.count_checkpoint(text)
            command = self.next_command()
        self.outcome.problem = f"no end after {PIECES_MAX} pieces"

    def cut_options(self):
        option = self.plan.next_option()
        return [] if option is None else ["--checkpoint-at", option, "--stats"]

    def first_command(self):
        command = [self.tools.path("sbx"), "run", "--name", self.name]
        command += ["--platform", self.tools.platform] + self.options
        cut = self.cut_options()
        if cut:
            command += cut + ["--image-path", self.place.image]
        return command + ["--"] + self.argv

    def next_command(self):
        return [self.tools.path("sbx-restore"), "--image-path", self.place.image] + \
            self.tools.restore_options + self.cut_options()

    def run_piece(self, command):
        """Exit code and what was added to stderr."""
        before = os.fstat(self.err).st_size
        process = subprocess.Popen(command, cwd=self.place.cwd, stdin=subprocess.DEVNULL,
                                   stdout=self.out, stderr=self.err, env=self.tools.environment,
                                   preexec_fn=child_limits, start_new_session=True)
        try:
            self.checkpoint_from_outside(process)
            code = process.wait(max(0.1, self.deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.outcome.problem = f"no end after {self.timeout} s: {self.tools.state(self.name)}"
            code = None
        kill_group(process)
        with open(os.path.join(self.place.top, "stderr"), "rb") as err:
            err.seek(before)
            return (None if code is None else exit_code(code)), err.read().decode(errors="replace")

    def checkpoint_from_outside(self, process):
        delay = self.plan.next_delay()
        if delay is None:
            return
        try:
            process.wait(delay)
            return
        except subprocess.TimeoutExpired:
            pass
        answer = subprocess.run(
            [self.tools.path("sbx-checkpoint"), "--image-path", self.place.image, self.name],
            env=self.tools.environment, capture_output=True, text=True,
            timeout=max(1.0, self.deadline - time.monotonic()))
        if answer.returncode == 0:
            return
        # It may have ended in this moment; then there is nothing to be said.
        try:
            process.wait(2.0)
        except subprocess.TimeoutExpired:
            self.outcome.problem = "sbx-checkpoint: " + answer.stderr.strip()

    def count_checkpoint(self, text):
        self.outcome.checkpoints += 1
        for line in text.splitlines():
            if line.startswith("{") and stats_of(line).get("is_blocked"):
                self.outcome.blocked += 1


def stats_of(line):
    try:
        return json.loads(line)
    except ValueError:
        return {}


def is_bookkeeping(line):
    """Lines of the tools that are no error: a checkpoint was made, its figures."""
    return bool(STOPPED.match(line)) or (line.startswith('{"') and bool(stats_of(line)))


def run_sandboxed(tools, argv, place, plan, timeout, options=()):
    return Pieces(tools, argv, place, plan, timeout, options).run()


def difference(expected, found):
    """None if two outcomes are the same for a user, else what differs."""
    if found.problem is not None:
        return found.problem
    if found.code != expected.code:
        return f"exit code {found.code} instead of {expected.code}"
    if found.stdout != expected.stdout:
        return f"output differs: {first_difference(expected.stdout, found.stdout)}"
    return None


def first_difference(expected, found):
    wanted, got = expected.splitlines(), found.splitlines()
    for nr, line in enumerate(wanted):
        if nr >= len(got):
            return f"ends before line {nr + 1}, {line[:200]!r}"
        if line != got[nr]:
            return f"line {nr + 1} is {got[nr][:200]!r} instead of {line[:200]!r}"
    if len(got) > len(wanted):
        return f"line {len(wanted) + 1}, {got[len(wanted)][:200]!r}, is one too many"
    return "only in line ends"
