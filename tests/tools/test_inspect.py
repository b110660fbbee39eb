# SPDX-License-Identifier: Apache-2.0
"""sbx-inspect: what it shows of a small image, and that no damage makes it do more than complain."""

import json
import os
import random
import subprocess
import unittest

from tool_case import ToolCase


class Inspect(ToolCase):
    def setUp(self):
        super().setUp()
        result = self.tool("sbx", "run", "--name", "demo", "--checkpoint-at", "1",
                           "--image-path", self.image, "--", "at")
        self.assertEqual(result.returncode, 0)

    def inspect(self, *arguments):
        return self.tool("sbx-inspect", arguments[0], self.image, *arguments[1:])

    def inspect_json(self, *arguments):
        result = self.inspect(*arguments, "--format", "json")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return json.loads(result.stdout)

    def test_ps(self):
        self.assert_result(self.inspect("ps"), 0, "", """\
PID  PPID  PGID  SID  STATE  THREADS  WAIT       COMMAND
  1     0     1    1  R            1  -          dash
  4     1     1    1  Z            0  -          -
  5     1     1    1  S            1  nanosleep  sleep
""")
        rows = self.inspect_json("ps")
        self.assertEqual([row["pid"] for row in rows], [1, 4, 5])
        self.assertNotIn("wait", rows[0])

    def test_maps(self):
        self.assert_result(self.inspect("maps", "1"), 0, "", """\
       START           END  PROT  OFFSET    SIZE  BACKED  NAME
      400000        402000  r-xp    1000    8192    4096  /mnt/log
7ffd00000000  7ffd00021000  rw-p       0  135168       0  [stack]
""")
        self.assertEqual(self.inspect_json("maps", "5")[1]["size"], 135168)

    def test_fds(self):
        self.assert_result(self.inspect("fds", "1"), 0, "", r"""FD  TYPE    MODE  CLOEXEC              POSITION  NAME
 0  pipe    r     false                       0  pipe:[77]
 1  stream  w     false                       0  host:output
 2  file    rw    false    18446744073709551615  /mnt/log
10  file    r     true                        0  /go\x1bne (deleted)
11  -       -     false                       -  ?
""")
        self.assertEqual(self.inspect_json("fds", "1")[2]["position"], 2**64 - 1)

    def test_show(self):
        lines = self.inspect("show").stdout.splitlines()
        self.assertIn(["name", "demo"], [line.split() for line in lines])
        self.assertIn(["process", "3"], [line.split() for line in lines])
        shown = self.inspect_json("show")
        self.assertEqual(shown["manifest"]["roots"][0]["name"], "/")
        self.assertEqual(len(shown["objects"]), 21)
        self.assertEqual(shown["objects"][10]["file"]["position"], 2**64 - 1)

    def test_same_by_sbx(self):
        self.assertEqual(self.tool("sbx", "inspect", "ps", self.image).stdout,
                         self.inspect("ps").stdout)

    def test_no_process(self):
        self.assert_result(self.inspect("maps", "2"), 125,
                           f"sbx-inspect: {self.image}: there is no process 2\n", "")
        self.assert_result(self.inspect("maps", "4"), 0, "",
                           "START  END  PROT  OFFSET  SIZE  BACKED  NAME\n")

    def test_usage(self):
        for arguments, message in ((("maps",), "maps: PID is missing"),
                                   (("ps", "1"), "ps: unexpected PID"),
                                   (("fds", "x"), '"x" is no pid'),
                                   (("top",), '"top" is no verb')):
            self.assert_result(self.inspect(*arguments), 2,
                               f"sbx-inspect: {message} (see sbx-inspect --help)\n")

    def test_full_output(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            result = subprocess.run(self.arguments("sbx-inspect", "ps", self.image), stdout=full,
                                    stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(result.stderr, "sbx-inspect: writing: No space left on device\n")
        self.assertEqual(result.returncode, 125)

    def edit(self, name, change):
        path = os.path.join(self.image, name)
        with open(path, "rb") as file:
            content = bytearray(file.read())
        changed = change(bytearray(content))
        with open(path, "wb") as file:
            file.write(changed)
        return content

    def test_damaged_manifest(self):
        rng = random.Random(1)
        for _ in range(40):
            def flip(content):
                content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
                return content
            content = self.edit("manifest.json", flip)
            self.assertIn(self.inspect("ps").returncode, (0, 125))
            self.edit("manifest.json", lambda _: content)

    def test_damaged_objects(self):
        def cut(content):
            return content[:-1]
        self.edit("kernel.img", cut)
        self.assert_result(self.inspect("ps"), 125, f"sbx-inspect: opening image {self.image}:"
                           " kernel.img: not what the manifest says: size or digest\n")


if __name__ == "__main__":
    unittest.main()
