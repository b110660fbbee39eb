# SPDX-License-Identifier: Apache-2.0
"""sbx-inspect with images of real sandboxes: memory, host files, waits, and checks of all of it."""

import json
import os
import subprocess
import unittest

from tool_case import BIN, ToolCase

PROGRAM = """
import ctypes, mmap, os, select, socket, threading
text = ctypes.create_string_buffer(b"to be found again " * 300)
file = open("/mnt/file", "rb")
shown = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
first = shown[0]
kept = open("/tmp/kept", "wb+")
kept.write(b"k" * 5000)
kept.flush()
private = mmap.mmap(kept.fileno(), 0)
event = os.eventfd(7) if hasattr(os, "eventfd") else 0
near, far = socket.socketpair()
near.send(b"hello")
reading, writing = os.pipe()
polled = select.epoll()
polled.register(far.fileno(), select.EPOLLIN)
threading.Thread(target=lambda: os.read(reading, 1)).start()
if os.fork() == 0:
    os.read(reading, 1)
print(hex(ctypes.addressof(text)), flush=True)
os.wait()
"""


class Look(ToolCase):
    def setUp(self):
        super().setUp()
        self.shared = os.path.join(self.dir.name, "shared")
        os.mkdir(self.shared)
        self.file = os.path.join(self.shared, "file")
        with open(self.file, "wb") as file:
            file.write(bytes(range(256)) * 50)
        process = self.start("--bind", f"{self.shared}:/mnt:ro", "--", "/usr/bin/python3", "-c",
                             PROGRAM)
        self.text = process.stdout.readline().strip()
        self.wait_until(self.all_wait)
        self.checkpoint()
        self.finish(process)

    def all_wait(self):
        self.checkpoint("--leave-running")
        rows = self.rows("ps", "--threads")
        return len(rows) == 3 and all("wait" in row for row in rows)

    def checkpoint(self, *options):
        self.assert_result(self.tool("sbx-checkpoint", *options, "--image-path", self.image,
                                     "demo"), 0)

    def inspect(self, *arguments):
        return self.tool("sbx-inspect", arguments[0], self.image, *arguments[1:])

    def rows(self, *arguments):
        result = self.inspect(*arguments, "--format", "json")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return json.loads(result.stdout)

    def raw(self, address, size, *options):
        result = subprocess.run(self.arguments("sbx-inspect", "mem", self.image, "1", address,
                                               str(size), "--format", "raw", *options),
                                capture_output=True, check=False)
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        return result.stdout

    def test_memory(self):
        self.assertEqual(self.raw(self.text, 18 * 300), b"to be found again " * 300)
        self.assertIn("  to be found agai\n", self.inspect("mem", "1", self.text, "16").stdout)
        kept = [row for row in self.rows("maps", "1") if row["name"] == "/tmp/kept"]
        self.assertEqual(self.raw("0x" + kept[0]["start"], 4096), b"k" * 4096)

    def test_host_pages(self):
        start = "0x" + [row for row in self.rows("maps", "1") if row["name"] == "/mnt/file"][0]["start"]
        named = f"of the host file {os.path.realpath(self.file)}"
        self.assertIn(named, self.inspect("mem", "1", start, "16").stdout)
        self.assertEqual(self.raw(start, 12800, "--root", "/"), bytes(range(256)) * 50)
        with open(self.file, "ab") as file:
            file.write(b"more")
        self.assertIn(named + ", which is not as it was",
                      self.inspect("mem", "1", start, "16", "--root", "/").stdout)

    def test_files(self):
        def found(code):
            result = self.inspect("files", "--format", "json")
            self.assertEqual(result.returncode, code)
            return [row for row in json.loads(result.stdout) if row["mount"] == "/mnt"
                    and row["path"].endswith("/file")][0]
        row = found(0)
        self.assertEqual((row["host"], row["open"], row["size"]), ("same", "read", 12800))
        self.assertIn("1:map", row["used_by"])
        with open(self.file, "ab") as file:
            file.write(b"more")
        row = found(1)
        self.assertEqual(row["host"], "unfit")
        self.assertIn("size is 12804, was 12800", row["differs"])
        os.unlink(self.file)
        self.assertEqual(found(1)["differs"], "No such file or directory")
        os.symlink("/etc/passwd", self.file)
        self.assertEqual(found(1)["differs"], "is of another type now")

    def test_what_they_wait_for(self):
        rows = self.rows("ps", "--threads")
        self.assertEqual(len(rows), 3)
        self.assertEqual(rows[0]["wait"], "child")
        self.assertEqual(rows[0]["wait_for"], "any child")
        for row in rows[1:]:
            self.assertEqual(row["wait"], "rw")
            self.assertRegex(row["wait_for"], r"^read of pipe:\[\d+\]$")
        self.assertEqual([row["depth"] for row in rows], [0, 0, 1])

    def test_details(self):
        details = [row.get("detail", "") for row in self.rows("fds", "1")]
        self.assertIn("0 of 65536 bytes", details)
        self.assertTrue(any("5 bytes queued" in detail for detail in details))
        self.assertTrue(any("(ready)" in detail for detail in details))

    def test_mounts(self):
        rows = self.rows("mounts")
        self.assertEqual(rows[0]["target"], "/")
        self.assertEqual([row["options"] for row in rows if row["target"] == "/mnt"], ["ro"])

    def assert_good(self):
        result = self.inspect("verify")
        self.assertRegex(result.stdout, r"^good: \d+ objects, \d+ chunks\n$")
        self.assertEqual(result.returncode, 0)
        self.assertTrue(json.loads(self.inspect("verify", "--format", "json").stdout)["is_good"])

    def test_verify(self):
        self.assert_good()

    def test_verify_of_the_image_of_a_lazy_restore(self):
        for compress in ("none", "zstd:3"):
            restored = subprocess.Popen(self.arguments("sbx-restore", "--lazy", "--name", "demo",
                                                       "--image-path", self.image),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            self.running.append(restored)
            self.wait_until(lambda: self.tool("sbx", "state", "demo").returncode == 0)
            self.checkpoint("--compress", compress)
            self.finish(restored)
            self.assert_good()
            self.assertEqual(self.raw(self.text, 18), b"to be found again ")

    def test_confined(self):
        with open(os.path.join(self.dir.name, "file"), "w", encoding="ascii") as file:
            file.write("content")
        result = subprocess.run([os.path.join(BIN, "..", "tests", "tools", "confined"),
                                 self.dir.name], capture_output=True, text=True, check=True)
        lines = result.stdout.splitlines()
        self.assertEqual(lines[:2], ["read: yes", "stat: yes"])
        self.assertEqual(len(lines), 18)
        self.assertEqual([line for line in lines[2:] if not line.endswith(": no")], [])

    def test_changed_objects(self):
        fuzz = os.path.join(BIN, "..", "tests", "tools", "fuzz_inspect")
        for seed in range(3):
            result = subprocess.run([fuzz, self.image, "60", str(seed)], check=False,
                                    capture_output=True)
            self.assertEqual(result.returncode, 0, f"seed {seed}: {result.stderr.decode()[-2000:]}")

    def test_every_byte_counts(self):
        """Whatever is changed in a file that has a digest is told, by its name."""
        for name in sorted(os.listdir(self.image)):
            path = os.path.join(self.image, name)
            with open(path, "rb") as file:
                content = file.read()
            places = (0, len(content) // 2, len(content) - 2)
            for place in places[:1] if name == "manifest.json" else places:
                with open(path, "wb") as file:
                    file.write(content[:place] + bytes([content[place] ^ 4]) + content[place + 1:])
                result = self.inspect("verify")
                self.assertEqual((result.returncode, result.stderr), (1, ""), f"{name} {place}")
                self.assertIn(name, result.stdout)
            with open(path, "wb") as file:
                file.write(content[:len(content) // 2])
            result = self.inspect("verify")
            self.assertEqual((result.returncode, result.stderr), (1, ""), f"{name} cut")
            os.unlink(path)
            self.assertEqual(self.inspect("verify").returncode, 1)
            with open(path, "wb") as file:
                file.write(content)
        self.assert_good()


if __name__ == "__main__":
    unittest.main()
