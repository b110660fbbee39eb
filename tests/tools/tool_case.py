# SPDX-License-Identifier: Apache-2.0
"""What the tests of the tools share: a state directory of their own, and running a tool."""

import os
import subprocess
import sys
import tempfile
import time
import unittest

BIN = os.path.abspath(sys.argv.pop(1))
PATIENCE = 30  # seconds until a wait counts as failed


class ToolCase(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.state = os.path.join(self.dir.name, "state")
        self.image = os.path.join(self.dir.name, "img")
        self.running = []

    def tearDown(self):
        for process in self.running:
            process.kill()
            process.communicate()
        self.wait_until(lambda: self.tool("sbx", "list").stdout.count("\n") == 1)
        left = [name for name in os.listdir(self.dir.name) if ".tmp-" in name]
        self.assertEqual(left, [])
        self.dir.cleanup()

    def arguments(self, name, *arguments):
        verb = list(arguments[:1]) if name == "sbx" else []
        rest = list(arguments[len(verb):])
        root = [] if "inspect" in (*verb, name[4:]) else ["--root", self.state]
        return [os.path.join(BIN, name), *verb, *root, *rest]

    def tool(self, name, *arguments, env=None, cwd=None):
        """Runs a tool to its end."""
        return subprocess.run(self.arguments(name, *arguments), capture_output=True,
                              text=True, errors="replace",
                              timeout=PATIENCE, stdin=subprocess.DEVNULL, cwd=cwd,
                              env={**os.environ, **(env or {})})

    def start(self, *arguments, env=None):
        """Starts sbx run in the background and waits until the sandbox serves."""
        process = subprocess.Popen(self.arguments("sbx", "run", "--name", "demo", *arguments),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True,
                                   env={**os.environ, **(env or {})})
        self.running.append(process)
        self.wait_until(lambda: self.tool("sbx", "state", "demo").returncode == 0)
        return process

    def detach(self, *command):
        """sbx run --detach: exit code and output, by a file, since the sandbox keeps it open."""
        with tempfile.TemporaryFile("w+", dir=self.dir.name) as output:
            code = subprocess.run(self.arguments("sbx", "run", "--name", "demo", "-d", "--", *command),
                                  stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                  timeout=PATIENCE, check=False).returncode
            output.seek(0)
            return code, output.read()

    def wait_until(self, condition):
        end = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), end, "waited in vain")
            time.sleep(0.01)

    def finish(self, process):
        """The exit code, output and errors of a process that ends by itself."""
        output, errors = process.communicate(timeout=PATIENCE)
        self.running.remove(process)
        return process.returncode, output, errors

    def assert_result(self, result, code, errors="", output=None):
        self.assertEqual(result.stderr, errors)
        self.assertEqual(result.returncode, code)
        if output is not None:
            self.assertEqual(result.stdout, output)
