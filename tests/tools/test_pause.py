# SPDX-License-Identifier: Apache-2.0
"""sbx pause and resume with real sandboxes: nothing moves, the clock stands, and nothing is lost."""

import json
import os
import signal
import subprocess
import unittest

from tool_case import ToolCase

COUNT = "n=0; while :; do n=$((n + 1)); echo $n >/mnt/now; read x </proc/uptime; done"


class Pause(ToolCase):
    def setUp(self):
        super().setUp()
        self.shared = os.path.join(self.dir.name, "shared")
        os.mkdir(self.shared)

    def run_guest(self, script):
        return self.start("--bind", f"{self.shared}:/mnt", "--", "/bin/sh", "-c", script)

    def status(self):
        return self.state_of("demo")["status"]

    def clock(self):
        return self.state_of("demo")["monotonic_ns"]

    def state_of(self, name):
        return json.loads(self.tool("sbx", "state", name).stdout)

    def now(self):
        try:
            with open(os.path.join(self.shared, "now"), encoding="ascii") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def count_on(self):
        """Waits until the guest has counted on."""
        before = self.now()
        self.wait_until(lambda: self.now() not in ("", before))

    def assert_stands(self):
        before = self.now(), self.clock()
        for _ in range(20):
            self.assertEqual((self.now(), self.clock()), before)

    def pause(self):
        self.assert_result(self.tool("sbx", "pause", "demo"), 0, "", "")
        self.assertEqual(self.status(), "paused")

    def resume(self):
        self.assert_result(self.tool("sbx", "resume", "demo"), 0, "", "")
        self.assertEqual(self.status(), "running")

    def test_stands_and_goes_on(self):
        self.run_guest(COUNT)
        self.count_on()
        for _ in range(3):
            self.pause()
            self.assert_stands()
            self.resume()
            self.count_on()

    def test_wrong_words(self):
        self.run_guest("exec sleep 1000")
        self.assert_result(self.tool("sbx", "resume", "demo"), 125,
                           "sbx resume: demo: it is not paused\n", "")
        self.pause()
        self.assert_result(self.tool("sbx", "pause", "demo"), 125,
                           "sbx pause: demo: it is paused already\n", "")
        self.assert_result(self.tool("sbx", "pause", "nobody"), 125,
                           "sbx pause: nobody: no such sandbox\n", "")

    def test_kill(self):
        process = self.run_guest("exec sleep 1000")
        self.pause()
        self.assert_result(self.tool("sbx", "kill", "demo", "KILL"), 0, "", "")
        self.assertEqual(self.finish(process)[0], 128 + signal.SIGKILL)

    def test_signals_are_held(self):
        process = self.run_guest("trap 'echo told; exit 3' TERM; echo 1 >/mnt/now; "
                                 "while :; do sleep 0.01; done")
        self.wait_until(lambda: self.now() == "1\n")
        self.pause()
        for _ in range(2):
            self.assert_result(self.tool("sbx", "kill", "demo"), 0, "", "")
        self.assertEqual(self.status(), "paused")
        self.assert_result(self.tool("sbx-checkpoint", "--image-path", self.image, "demo"), 125,
                           "sbx-checkpoint: demo: it is paused and signals wait for it: resume it"
                           " first\n", "")
        self.assert_result(self.tool("sbx", "resume", "demo"), 0, "", "")
        self.assertEqual(self.finish(process), (3, "told\n", ""))

    def test_loss_of_the_starter(self):
        process = self.run_guest("exec sleep 1000")
        self.pause()
        process.kill()
        self.finish(process)
        self.wait_until(lambda: self.tool("sbx", "state", "demo").returncode != 0)

    def test_loss_of_the_tool(self):
        self.run_guest(COUNT)
        self.count_on()
        for _ in range(10):
            tool = subprocess.Popen(self.arguments("sbx", "pause", "demo"),
                                    stderr=subprocess.DEVNULL)
            tool.kill()
            tool.wait()
            if self.status() == "paused":
                self.resume()
        self.count_on()

    def test_checkpoint_left_paused(self):
        self.run_guest(COUNT)
        self.count_on()
        self.pause()
        for _ in range(2):
            result = self.tool("sbx-checkpoint", "--leave-running", "--image-path", self.image,
                               "demo")
            self.assert_result(result, 0, "", "")
            self.assertEqual(self.status(), "paused")
            self.assert_stands()
        self.resume()
        self.count_on()

    def test_checkpoint_that_fails(self):
        self.run_guest(COUNT)
        self.count_on()
        self.pause()
        os.mkdir(self.image)
        with open(os.path.join(self.image, "notes"), "w", encoding="ascii"):
            pass
        self.assertEqual(self.tool("sbx-checkpoint", "--image-path", self.image,
                                   "demo").returncode, 125)
        self.assert_stands()
        self.resume()
        self.count_on()

    def test_checkpoint_and_restore(self):
        process = self.run_guest(COUNT)
        self.count_on()
        self.pause()
        last = int(self.now() or "0")
        self.assert_result(self.tool("sbx-checkpoint", "--image-path", self.image, "demo"), 0, "",
                           "")
        self.assertEqual(self.finish(process)[0], 0)
        restored = subprocess.Popen(self.arguments("sbx-restore", "--allow-binds",
                                                   "--image-path", self.image),
                                    stdin=subprocess.DEVNULL)
        self.running.append(restored)
        self.wait_until(lambda: int(self.now() or "0") > last)
        self.assertEqual(self.status(), "running")


if __name__ == "__main__":
    unittest.main()
