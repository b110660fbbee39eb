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
PID  PPID  PGID  SID  STATE  THREADS  WAIT       WAIT FOR  COMMAND
  1     0     1    1  R            1  -          -         dash
  5     1     1    1  S            1  nanosleep  0.000 s   \\_ sleep
  4     1     1    1  Z            0  -          -         \\_ -
""")
        rows = self.inspect_json("ps")
        self.assertEqual([row["pid"] for row in rows], [1, 5, 4])
        self.assertEqual([row["depth"] for row in rows], [0, 1, 1])
        self.assertNotIn("wait", rows[0])
        self.assertEqual(rows[1]["wait_for"], "0.000 s")
        self.assertEqual([row.get("tid") for row in self.inspect_json("ps", "-T")], [1, 5, None])

    def test_maps(self):
        self.assert_result(self.inspect("maps", "1"), 0, "", """\
       START           END  PROT  OFFSET    SIZE  BACKED  NAME
      400000        402000  r-xp    1000    8192    4096  /mnt/log
7ffd00000000  7ffd00021000  rw-p       0  135168       0  [stack]
""")
        self.assertEqual(self.inspect_json("maps", "5")[1]["size"], 135168)

    def test_fds(self):
        self.assert_result(self.inspect("fds", "1"), 0, "", r"""FD  TYPE    MODE  CLOEXEC              POSITION  NAME                 DETAIL
 0  pipe    r     false                       0  pipe:[77]            0 of 0 bytes
 1  stream  w     false                       0  host:output          -
 2  file    rw    false    18446744073709551615  /mnt/log             -
10  file    r     true                        0  /go\x1bne (deleted)  -
11  -       -     false                       -  ?                    -
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
                                   (("ps", "1"), 'ps: unexpected operand "1"'),
                                   (("mem", "1", "0"), "mem: PID ADDR LEN is missing"),
                                   (("mem", "1", "x", "1"), '"x" is no address'),
                                   (("mem", "1", "0x", "1"), '"0x" is no address'),
                                   (("mem", "1", "0", "1X"), '"1X" is no size'),
                                   (("ps", "--format", "raw"), "ps: nothing to be shown raw"),
                                   (("fds", "x"), '"x" is no pid'),
                                   (("top",), '"top" is no verb')):
            self.assert_result(self.inspect(*arguments), 2,
                               f"sbx-inspect: {message} (see sbx-inspect --help)\n")

    def test_mounts(self):
        self.assert_result(self.inspect("mounts"), 0, "", """\
TARGET  SOURCE  FSTYPE   OPTIONS
/               overlay  rw
/mnt            overlay  rw
""")
        self.assertEqual([row["depth"] for row in self.inspect_json("mounts")], [0, 1])

    def test_mem_of_zeros(self):
        self.assert_result(self.inspect("mem", "1", "0x7ffd00020fe8", "64"), 0, "", """\
7ffd00020fe8: 0000 0000 0000 0000 0000 0000 0000 0000  ................
7ffd00020ff8: 0000 0000 0000 0000                      ........
7ffd00021000-7ffd00021028: not mapped
""")
        self.assert_result(self.inspect("mem", "1", "0x7ffd00000000", "1K"), 0, "", """\
7ffd00000000: 0000 0000 0000 0000 0000 0000 0000 0000  ................
*
7ffd00000400
""")
        self.assertEqual(self.inspect_json("mem", "1", "0x7ffd00020ffe", "4"), [
            {"start": "7ffd00020ffe", "size": 2, "bytes": "0000"},
            {"start": "7ffd00021000", "size": 2, "missing": "not mapped"}])

    def test_mem_raw_is_all_or_nothing(self):
        raw = "--format", "raw"
        self.assert_result(self.inspect("mem", "1", "0x7ffd00000000", "3", *raw), 0, "", "\0\0\0")
        self.assert_result(self.inspect("mem", "1", "0x7ffd00020ffe", "4", *raw), 125,
                           "sbx-inspect: 7ffd00021000-7ffd00021002: not mapped\n", "")
        self.assert_result(self.inspect("mem", "1", "0xfffffffffffffff0", "16"), 125,
                           "sbx-inspect: fffffffffffffff0: 16 bytes run over the end of all"
                           " addresses\n", "")

    def test_verify_tells_all(self):
        result = self.inspect("verify")
        self.assertEqual((result.returncode, result.stderr), (1, ""))
        lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
        for line in ("kernel.img files 15: file refers to object 999 of 21",
                     "kernel.img task 20: process is missing",
                     "kernel.img mm 16: pmas 401000-402000 has an unknown source",
                     "kernel.img dentry 7 no object leads to it",
                     "manifest.json counts.processes says 0, there are 3"):
            self.assertIn(line, lines)
        shown = self.inspect("verify", "--format", "json")
        self.assertEqual(shown.returncode, 1)
        rows = json.loads(shown.stdout)
        self.assertFalse(rows["is_good"])
        self.assertEqual(rows["problem_count"], len(lines) - 1)
        self.assertEqual(len(rows["problems"]), len(lines) - 1)

    def test_strangers(self):
        with open(os.path.join(self.image, "notes"), "w", encoding="ascii"):
            pass
        self.assertIn("no file of an image", self.inspect("verify").stdout)

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
            self.assertEqual(self.inspect("verify").returncode, 1)
            self.edit("manifest.json", lambda _: content)

    def test_damage_is_decoded_all_the_same(self):
        """verify goes on after a digest that is wrong, and must bear what it finds then."""
        rng = random.Random(2)
        for _ in range(60):
            def damage(content):
                if rng.randrange(4) == 0:
                    return content[:rng.randrange(len(content))]
                for _ in range(1 + rng.randrange(3)):
                    content[rng.randrange(len(content))] = rng.randrange(256)
                return content
            content = self.edit("kernel.img", damage)
            with open(os.path.join(self.image, "kernel.img"), "rb") as file:
                is_same = file.read() == content
            result = self.inspect("verify")
            self.assertEqual((result.returncode, result.stderr), (1, ""))
            self.assertEqual("its digest is" in result.stdout or "bytes, expected" in result.stdout,
                             not is_same)
            self.edit("kernel.img", lambda _: content)

    def test_damaged_objects(self):
        def cut(content):
            return content[:-1]
        self.edit("kernel.img", cut)
        self.assert_result(self.inspect("ps"), 125, f"sbx-inspect: opening image {self.image}:"
                           " kernel.img: not what the manifest says: size or digest\n")


if __name__ == "__main__":
    unittest.main()
