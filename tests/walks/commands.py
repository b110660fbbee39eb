#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The commands of the README on real sandboxes: what they print and how they end.

commands.py --bin DIR --programs DIR [--platform P] [--filter TEXT]"""
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from sandbox import check, inspect_json, main

LOOP = "n=0; while :; do n=$((n+1)); echo tick $n | cat >> log; tail -n1 log; sleep 0.05; done"


def ticks(sandbox):
    return [int(line.split()[1]) for line in sandbox.lines() if line.startswith("tick ")]


def test_demo(case):
    """A dash loop is checkpointed, restored, left running, stopped and restored again."""
    image = case.path("image")
    first = case.start(["/bin/dash", "-c", LOOP])
    first.expect("tick 3\n")
    first.checkpoint(image, "--leave-running")
    first.expect("tick 6\n")
    first.checkpoint(image)
    before = ticks(first)
    check(before == list(range(1, len(before) + 1)), f"{before}")
    second = case.restore(image)
    second.expect(f"tick {before[-1] + 3}\n")
    second.checkpoint(image)
    after = ticks(second)
    check(after == list(range(before[-1] + 1, after[-1] + 1)), f"{before} and then {after}")
    third = case.restore(image)
    third.expect(f"tick {after[-1] + 2}\n")
    third.stop()
    check(not os.listdir(case.place.cwd), "the log is on the host")


def test_inspect(case):
    image = case.path("image")
    sandbox = case.start(["/bin/dash", "-c", "exec 5< /etc/passwd; sleep 60 & cat; exit 3"])
    time.sleep(0.5)
    sandbox.checkpoint(image)
    processes = inspect_json(case, "ps", image)
    text = json.dumps(processes)
    check("sleep" in text and "dash" in text and "cat" in text, f"ps: {text[:400]}")
    check(len(processes) == 3, f"ps: {len(processes)} processes")
    for what in ("maps", "fds"):
        for form in ("table", "json"):
            answer = case.tool("sbx-inspect", what, image, "1", "--format", form)
            check(answer.returncode == 0, f"{what}: {answer.stderr}")
            want = "dash" if what == "maps" else "/etc/passwd"
            check(want in answer.stdout, f"{what} {form}: {answer.stdout[:400]}")
    check(case.tool("sbx-inspect", "maps", image, "999").returncode != 0, "process 999?")
    check(case.tool("sbx", "inspect", "show", image).returncode == 0, "sbx inspect")
    restored = case.restore(image)
    restored.process.stdin.close()
    check(restored.wait() == 3, f"it ends with {restored.process.returncode}")


def test_list_state_kill(case):
    sandbox = case.start(["/bin/dash", "-c", "trap 'echo got it; exit 6' USR1; echo up; "
                          "while :; do sleep 0.1; done"])
    sandbox.expect("up\n")
    listed = json.loads(case.tool("sbx", "list", "--format", "json").stdout)
    check(sandbox.name in json.dumps(listed), f"list: {listed}")
    check(sandbox.name in case.tool("sbx", "list").stdout, "list as a table")
    state = json.loads(case.tool("sbx", "state", sandbox.name).stdout)
    check(state.get("status") == "running", f"state: {state}")
    check(case.tool("sbx", "kill", sandbox.name, "USR1").returncode == 0, "kill")
    check(sandbox.wait() == 6 and sandbox.lines() == ["up", "got it"], f"{sandbox.lines()}")
    check(case.tool("sbx", "state", sandbox.name).returncode != 0, "it still has a state")
    for tool in (["sbx", "kill"], ["sbx-checkpoint", "--image-path", case.path("image")]):
        answer = case.tool(*tool, "nobody")
        check(answer.returncode == 125 and "nobody" in answer.stderr, f"{tool}: {answer.stderr}")


def test_exit_codes(case):
    cases = [(["/bin/true"], 0), (["/bin/false"], 1), (["/bin/dash", "-c", "exit 200"], 200),
             (["/bin/dash", "-c", "kill -TERM $$"], 143), (["/etc/passwd"], 126), (["/etc"], 126),
             (["/no/such/program"], 127), (["nosuchprogram"], 127), (["true"], 0)]
    for argv, code in cases:
        sandbox = case.start(argv)
        check(sandbox.wait() == code, f"{argv}: {sandbox.process.returncode} instead of {code}: "
              f"{sandbox.error_text()}")
    check(case.tool("sbx", "run", "--nonsense").returncode == 2, "an unknown option")
    check(case.tool("sbx").returncode == 2, "no verb")
    answer = case.tool("sbx", "run", "--rootfs", "/no/such/root", "--", "/bin/true")
    check(answer.returncode == 125 and "/no/such/root" in answer.stderr, f"{answer.stderr}")


def test_name_in_use(case):
    sandbox = case.start(["/bin/sleep", "60"])
    time.sleep(0.2)
    answer = case.tool("sbx", "run", "--name", sandbox.name, "--", "/bin/true")
    check(answer.returncode == 125 and "in use" in answer.stderr, f"run: {answer.stderr}")
    image = case.path("image")
    sandbox.checkpoint(image, "--leave-running")
    answer = case.tool("sbx-restore", "--image-path", image)
    check(answer.returncode == 125 and "in use" in answer.stderr, f"restore: {answer.stderr}")
    other = case.restore(image)
    time.sleep(0.2)
    check(other.process.poll() is None, f"under another name: {other.error_text()}")
    other.stop()
    sandbox.stop()


def detach(case, tool, *arguments):
    """What it prints. Into a file: the sandbox keeps the tool's output open."""
    with open(case.path("output"), "w+") as file:
        answer = subprocess.run([case.tools.path(tool), *arguments], env=case.tools.environment,
                                stdin=subprocess.DEVNULL, stdout=file, stderr=file, timeout=60)
        file.seek(0)
        text = file.read().strip()
    check(answer.returncode == 0, f"{tool} --detach: {text}")
    return text


def test_detach(case):
    name, image = case.tools.next_name("detached"), case.path("image")
    text = detach(case, "sbx", "run", "--detach", "--name", name, "--", "/bin/sleep", "60")
    check(text == name, f"it says {text!r}")
    check(name in case.tool("sbx", "list").stdout, "it does not run")
    answer = case.tool("sbx-checkpoint", "--image-path", image, name)
    check(answer.returncode == 0, answer.stderr)
    text = detach(case, "sbx-restore", "--detach", "--stdio", "null", "--image-path", image)
    check(text == name, f"it says {text!r}")
    check(case.tool("sbx", "kill", name, "KILL").returncode == 0, "kill")
    case.clean_names()


def test_environment(case):
    script = "pwd; echo $COLOR-$EXTRA; id -u; cat; hostname 2> /dev/null || uname -n"
    os.environ["COLOR"] = case.tools.environment["COLOR"] = "green"
    sandbox = case.start(["/bin/dash", "-c", script], "--env", "EXTRA=1")
    sandbox.say("from stdin\n")
    sandbox.process.stdin.close()
    check(sandbox.wait() == 0, sandbox.error_text())
    want = [case.place.cwd, "green-1", "0", "from stdin", sandbox.name]
    check(sandbox.lines() == want, f"{sandbox.lines()} instead of {want}")


def test_roots(case):
    """A root of its own, binds that are written and binds that are not."""
    for path in ("root/bin", "root/tmp", "shared", "fixed"):
        os.makedirs(case.path(path))
    with open(case.program("read_blocked"), "rb") as source, \
            open(case.path("root/bin/program"), "wb") as copy:
        copy.write(source.read())
    os.chmod(case.path("root/bin/program"), 0o755)
    sandbox = case.start(["/bin/nothing"], "--rootfs", case.path("root"))
    check(sandbox.wait() == 127, "the root is not the one that was asked for")
    script = "echo w > /mnt/shared/w; cat /mnt/fixed/f; echo x > /mnt/fixed/x; echo y > /etc/y"
    with open(case.path("fixed/f"), "w") as file:
        file.write("fixed\n")
    sandbox = case.start(["/bin/dash", "-c", script + "; cat /etc/y"],
                         "--bind", f"{case.path('shared')}:/mnt/shared",
                         "--bind", f"{case.path('fixed')}:/mnt/fixed:ro")
    check(sandbox.wait() == 0, sandbox.error_text())
    check(sandbox.lines() == ["fixed", "y"], f"{sandbox.lines()}")
    check(open(case.path("shared/w")).read() == "w\n", "what is written to a bind")
    check(os.listdir(case.path("fixed")) == ["f"], "a bind with :ro was written")
    check(not os.path.exists("/etc/y"), "the host was written")


def test_memory_limit(case):
    """Too much memory is the end of the process that wants it, not of the sandbox."""
    script = "(x=$(head -c 200000000 /dev/zero | tr '\\0' x); echo ${#x}) 2> /dev/null; " \
             "echo \"status $?\"; x=$(head -c 100000 /dev/zero | tr '\\0' x); echo ${#x}"
    sandbox = case.start(["/bin/dash", "-c", script], "--memory-limit", "64M")
    check(sandbox.wait() == 0, f"{sandbox.error_text()}")
    lines = sandbox.lines()
    check(len(lines) == 2 and lines[0] != "status 0" and lines[1] == "100000", f"{lines}")


if __name__ == "__main__":
    main(sys.modules[__name__])
