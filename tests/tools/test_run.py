# SPDX-License-Identifier: Apache-2.0
"""sbx run, list, state and kill: what reaches the sandbox, and how the tool ends."""

import json
import os
import shutil
import signal
import subprocess
import unittest

from tool_case import BIN, ToolCase


class Ends(ToolCase):
    def run_guest(self, *command):
        return self.tool("sbx", "run", "--name", "demo", "--", *command)

    def test_exit_codes(self):
        self.assert_result(self.run_guest("exit", "0"), 0)
        self.assert_result(self.run_guest("exit", "7"), 7)
        self.assert_result(self.run_guest("signal", "9"), 137)

    def test_cannot_start(self):
        self.assert_result(self.run_guest("fail", "127", "dash: No such file or directory"), 127,
                           "sbx run: demo: dash: No such file or directory\n")
        self.assert_result(self.run_guest("fail", "125", "one\ntwo\x1b[2J"), 125,
                           "sbx run: demo: one\nsbx run: demo: two?[2J\n")

    def test_crash(self):
        self.assert_result(self.run_guest("crash", "9"), 125,
                           "sbx run: demo: the sandbox was killed by signal 9 (Killed)\n")
        self.assert_result(self.run_guest("nothing"), 125,
                           "sbx run: demo: the sandbox ended without a word, status 0\n")

    def test_fails_at_its_end(self):
        self.assert_result(self.run_guest("unclean", "7", "66"), 125,
                           "sbx run: demo: the sandbox failed at its end, status 66\n")
        self.assert_result(self.run_guest("fail", "127", "x: No such file", "125"), 125,
                           "sbx run: demo: x: No such file\n"
                           "sbx run: demo: the sandbox failed at its end, status 125\n")

    def test_garbage(self):
        self.assert_result(self.run_guest("garbage"), 125,
                           "sbx run: demo: a packet that is no control message\n")

    def test_signals_are_handed_on(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
            process = self.start("--", "serve")
            process.send_signal(number)
            self.assertEqual(self.finish(process), (128 + number, "", ""))

    def test_sandbox_dies_with_its_tool(self):
        process = self.start("--", "serve")
        process.kill()
        self.finish(process)
        self.wait_until(lambda: self.tool("sbx", "state", "demo").returncode != 0)

    def test_no_kernel(self):
        alone = os.path.join(self.dir.name, "sbx")
        shutil.copy(os.path.join(BIN, "sbx"), alone)
        result = subprocess.run([alone, "run", "--root", self.state, "--", "exit"],
                                capture_output=True, text=True, check=False)
        self.assert_result(result, 125,
                           f"sbx run: {alone}-kernel: No such file or directory\n")


class Spec(ToolCase):
    def show(self, *options, env=None, cwd="/"):
        result = self.tool("sbx", "run", *options, "--", "show", "-x", "--name", env=env, cwd=cwd)
        self.assertEqual(result.stderr, "")
        self.assertEqual(result.returncode, 0)
        return result.stdout.splitlines()

    def test_defaults(self):
        lines = self.show(env={"COLOUR": "red"}, cwd="/usr")
        for line in ("argv show", "argv -x", "argv --name", "env COLOUR=red", "root / / 0",
                     "cwd /usr", "platform auto", "memory_limit 0", "ghost_limit 67108864",
                     "strict 0", "log 1", "session 1"):
            self.assertIn(line, lines)
        self.assertRegex("\n".join(lines), "(?m)^name sbx-[0-9a-f]{8}$")

    def test_options(self):
        source = os.path.realpath(self.dir.name)
        lines = self.show("--name", "demo", "--platform", "ptrace", "--rootfs", "/usr",
                          "--bind", f"{source}:/mnt", "--bind", f"{source}:/srv/x:ro",
                          "--env", "COLOUR=blue", "--env", "NEW=1", "--memory-limit", "3M",
                          "--ghost-limit", "5", "--strict-files", "--log-level", "debug",
                          env={"COLOUR": "red"}, cwd="/usr")
        for line in ("name demo", "platform ptrace", "root / /usr 0", f"root /mnt {source} 1",
                     f"root /srv/x {source} 0", "env COLOUR=blue", "env NEW=1", "cwd /",
                     "memory_limit 3145728", "ghost_limit 5", "strict 1", "log 3"):
            self.assertIn(line, lines)
        self.assertNotIn("env COLOUR=red", lines)

    def test_cwd(self):
        self.assertIn("cwd /srv", self.show("--cwd", "/srv"))

    def test_long_environment(self):
        value = "x" * 120000
        self.assertIn(f"env LONG={value}", self.show("--env", f"LONG={value}"))

    def test_all_wrong_roots_in_one_report(self):
        result = self.tool("sbx", "run", "--rootfs", "/nope", "--bind", "/nada:/mnt", "--cwd", "x",
                           "--bind", "/usr:/a/../b", "--", "exit")
        self.assert_result(result, 125,
                           "sbx run: /: /nope: No such file or directory\n"
                           "sbx run: /mnt: /nada: No such file or directory\n"
                           'sbx run: --bind: "/usr:/a/../b" is not SRC:DST[:ro] with an absolute'
                           " DST\n"
                           'sbx run: --cwd: "x" is not absolute\n')


class Names(ToolCase):
    def test_in_use(self):
        self.start("--", "serve")
        self.assert_result(self.tool("sbx", "run", "--name", "demo", "--", "exit", "0"), 125,
                           'sbx run: name "demo": in use\n')

    def test_free_again_at_once(self):
        for _ in range(5):
            self.assert_result(self.tool("sbx", "run", "--name", "demo", "--", "exit", "0"), 0)
        self.assertEqual(os.listdir(self.state), [])

    def test_leftovers_of_the_dead(self):
        os.mkdir(self.state, 0o700)
        for suffix in (".lock", ".sock"):
            with open(os.path.join(self.state, "demo" + suffix), "w", encoding="ascii"):
                pass
        self.assert_result(self.tool("sbx", "run", "--name", "demo", "--", "exit", "0"), 0)
        self.assertEqual(os.listdir(self.state), [])

    def test_detached(self):
        self.assertEqual(self.detach("serve"), (0, "demo\n"))
        state = json.loads(self.tool("sbx", "state", "demo").stdout)
        self.assertEqual(state["name"], "demo")
        self.assertEqual(state["memory_size"], 2**53 + 1)
        self.assertTrue(os.path.exists(f"/proc/{state['pid']}"))
        self.assert_result(self.tool("sbx", "kill", "demo", "9"), 0)
        self.wait_until(lambda: not os.path.exists(f"/proc/{state['pid']}/exe"))

    def test_list(self):
        header = "NAME  PID  STATUS  PROCESSES  MEMORY  PLATFORM\n"
        self.assert_result(self.tool("sbx", "list"), 0, output=header)
        process = self.start("--", "serve")
        rows = json.loads(self.tool("sbx", "list", "--format", "json").stdout)
        self.assertEqual([row["name"] for row in rows], ["demo"])
        line = self.tool("sbx", "list").stdout.splitlines()[1].split()
        self.assertEqual(line, ["demo", str(rows[0]["pid"]), "running", "2", str(2**53 + 1),
                                r"fake\x1b[31m"])
        process.send_signal(signal.SIGTERM)
        self.finish(process)

    def test_state_directory_of_others(self):
        os.mkdir(self.state, 0o755)
        self.assert_result(self.tool("sbx", "list"), 125,
                           f"sbx list: {self.state}: not our directory, or open to others\n")
        os.chmod(self.state, 0o700)


class Requests(ToolCase):
    def test_no_such_sandbox(self):
        self.assert_result(self.tool("sbx", "kill", "nobody"), 125,
                           "sbx kill: nobody: no such sandbox\n")
        self.assert_result(self.tool("sbx", "state", "../x"), 125,
                           "sbx state: ../x: no such sandbox\n")

    def test_kill_by_name_and_number(self):
        for text, number in (("KILL", 9), ("SIGUSR2", 12), ("int", 2), ("34", 34)):
            process = self.start("--", "serve")
            self.assert_result(self.tool("sbx", "kill", "demo", text), 0)
            self.assertEqual(self.finish(process), (128 + number, "", ""))
        process = self.start("--", "serve")
        self.assert_result(self.tool("sbx", "kill", "demo"), 0)
        self.assertEqual(self.finish(process)[0], 128 + 15)

    def test_deaf_sandbox_is_listed(self):
        self.assertEqual(self.detach("deaf"), (0, "demo\n"))
        rows = json.loads(self.tool("sbx", "list", "--format", "json").stdout)
        self.assertEqual([row["status"] for row in rows], ["unknown"])
        os.kill(rows[0]["pid"], signal.SIGKILL)


class Usage(ToolCase):
    def test_usage_errors(self):
        for arguments, message in (
            ((), "missing operand: -- CMD [ARG…]"),
            (("--bogus", "x"), "option --bogus: unknown, ambiguous or with a value"),
            (("--name",), "option --name: needs a value"),
            (("--name", "a/b", "x"), '--name: "a/b" is not NAME'),
            (("--memory-limit", "5X", "x"), '--memory-limit: "5X" is not SIZE'),
            (("--checkpoint-at", "0", "x"), '--checkpoint-at: "0" is not every|N'),
            (("--checkpoint-at", "1", "x"), "--checkpoint-at and --image-path go together"),
            (("--env", "A", "x"), '--env: "A" is not K=V'),
            (("--checkpoint-at", "1", "--image-path", "i", "-d", "x"),
             "--checkpoint-at needs a tool that stays: no --detach"),
        ):
            self.assert_result(self.tool("sbx", "run", *arguments), 2,
                               f"sbx run: {message} (see sbx run --help)\n", "")

    def test_help(self):
        for verb in ("run", "list", "state", "kill", "checkpoint", "restore", "inspect"):
            result = self.tool("sbx", verb, "--help")
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            self.assertIn("usage: sbx", result.stdout)


if __name__ == "__main__":
    unittest.main()
