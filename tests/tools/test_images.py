# SPDX-License-Identifier: Apache-2.0
"""sbx-checkpoint and sbx-restore: both halves of a checkpoint, and what a restore refuses."""

import json
import os
import shutil
import subprocess
import unittest

from tool_case import ToolCase


class Checkpoint(ToolCase):
    def checkpoint(self, *options):
        return self.tool("sbx-checkpoint", "--image-path", self.image, *options, "demo")

    def test_stop(self):
        process = self.start("--", "serve")
        self.assert_result(self.checkpoint(), 0, output="")
        self.assertEqual(self.finish(process), (0, "", f"sbx: demo: checkpointed to {self.image}\n"))
        self.assertEqual(sorted(os.listdir(self.image)), ["kernel.img", "manifest.json"])

    def test_leave_running(self):
        self.start("--", "serve")
        for _ in range(3):  # the later ones replace the earlier
            self.assert_result(self.checkpoint("--leave-running"), 0)
        self.assertEqual(self.tool("sbx", "state", "demo").returncode, 0)
        self.assertEqual(os.listdir(self.dir.name).count("img"), 1)

    def test_stats(self):
        self.start("--", "serve")
        result = self.checkpoint("--leave-running", "--stats")
        self.assertEqual(json.loads(result.stdout)["objects"], 21)

    def test_refused_by_the_sandbox(self):
        self.start("--", "serve", env={"FAKE_REFUSE": "1"})
        self.assert_result(self.checkpoint(), 125, "sbx-checkpoint: demo: cannot be saved\n")
        self.assertFalse(os.path.exists(self.image))
        self.assertEqual(self.tool("sbx", "state", "demo").returncode, 0)

    def test_files_are_not_what_the_manifest_says(self):
        self.start("--", "serve", env={"FAKE_WRONG_SIZE": "1"})
        self.assert_result(self.checkpoint(), 125,
                           "sbx-checkpoint: demo: kernel.img: Bad message\n")
        self.assertFalse(os.path.exists(self.image))
        self.assertEqual(self.tool("sbx", "state", "demo").returncode, 0)

    def test_directory_that_is_no_image(self):
        os.mkdir(self.image)
        notes = os.path.join(self.image, "notes")
        with open(notes, "w", encoding="ascii"):
            pass
        self.start("--", "serve")
        self.assert_result(self.checkpoint(), 125,
                           "sbx-checkpoint: demo: a directory that is no image: it has notes\n")
        self.assertTrue(os.path.exists(notes))

    def test_tool_is_killed(self):
        awaited = os.path.join(self.dir.name, "awaited")
        process = self.start("--", "serve", env={"FAKE_WAIT_FOR": awaited})
        tool = subprocess.Popen(self.arguments("sbx-checkpoint", "--image-path", self.image, "demo"))
        self.wait_until(lambda: any(".tmp-" in name for name in os.listdir(self.dir.name)))
        tool.kill()
        tool.wait()
        with open(awaited, "w", encoding="ascii"):
            pass
        self.assertEqual(self.tool("sbx", "state", "demo").returncode, 0)
        self.assertFalse(os.path.exists(self.image))
        self.assert_result(self.checkpoint(), 0)  # tearDown looks for what the dead left
        self.assertEqual(self.finish(process)[0], 0)

    def checkpoint_slowly(self, mode):
        """What is written on stderr until the sandbox has written its files, and all of it."""
        awaited = os.path.join(self.dir.name, "awaited")
        self.start("--", "serve", env={"FAKE_WAIT_FOR": awaited})
        tool = subprocess.Popen(self.arguments("sbx-checkpoint", "--image-path", self.image,
                                               "--leave-running", "--progress", mode, "demo"),
                                stderr=subprocess.PIPE, text=True)
        first = tool.stderr.readline()
        with open(awaited, "w", encoding="ascii"):
            pass
        rest = tool.communicate()[1].splitlines()
        self.assertEqual(tool.returncode, 0)
        return first, rest

    def test_progress_json(self):
        first, rest = self.checkpoint_slowly("json")
        first = json.loads(first)
        self.assertEqual((first["state"], first["pages_written"]), ("writing", 0))
        last = json.loads(rest[-1])
        self.assertEqual((last["state"], last["memory_read"]), ("done", 0))
        self.assertGreaterEqual(last["elapsed_ns"], first["elapsed_ns"])

    def test_progress_plain(self):
        first, rest = self.checkpoint_slowly("plain")
        self.assertRegex(first, r"^demo: writing, 0\.0 MB, 0\.0 MB/s\n$")
        self.assertRegex(rest[-1], r"^demo: 0\.0 MB of memory, 0\.0 MB written in \d+\.\d s, ")

    def test_no_progress_of_what_fails(self):
        self.start("--", "serve", env={"FAKE_REFUSE": "1"})
        self.assert_result(self.checkpoint("--progress", "plain"), 125,
                           "sbx-checkpoint: demo: cannot be saved\n")

    def test_no_such_sandbox(self):
        self.assert_result(self.checkpoint(), 125, "sbx-checkpoint: demo: no such sandbox\n")
        self.assertFalse(os.path.exists(self.image))

    def test_usage(self):
        self.assert_result(self.tool("sbx-checkpoint", "demo"), 2,
                           "sbx-checkpoint: --image-path is missing"
                           " (see sbx-checkpoint --help)\n")
        self.assert_result(self.checkpoint("--compress", "zstd:99"), 2,
                           'sbx-checkpoint: --compress: "zstd:99" is not none|zstd[:LEVEL]'
                           " (see sbx-checkpoint --help)\n")


class CheckpointAt(ToolCase):
    def run_at(self, *options, env=None):
        return self.tool("sbx", "run", "--name", "demo", "--checkpoint-at", "every",
                         "--image-path", self.image, *options, "--", "at", env=env)

    def test_commit(self):
        result = self.run_at("--stats")
        stats, line = result.stderr.splitlines()
        self.assertEqual(line, f"sbx: demo: checkpointed to {self.image}")
        self.assertEqual(result.returncode, 0)
        self.assertEqual((json.loads(stats)["call"], json.loads(stats)["is_blocked"]),
                         ("read", True))
        self.assertTrue(os.path.exists(os.path.join(self.image, "manifest.json")))

    def test_guest_goes_on_when_the_image_cannot_be_kept(self):
        self.assert_result(self.run_at(env={"FAKE_WRONG_SIZE": "1"}), 9,
                           "sbx run: checkpoint: kernel.img: Bad message\n")
        self.assertFalse(os.path.exists(self.image))


class Restore(ToolCase):
    def setUp(self):
        super().setUp()
        self.bind = os.path.join(os.path.realpath(self.dir.name), "bind")
        os.mkdir(self.bind)
        result = self.tool("sbx", "run", "--name", "demo", "--bind", f"{self.bind}:/mnt",
                           "--checkpoint-at", "1", "--image-path", self.image, "--", "at")
        self.assertEqual(result.returncode, 0)
        self.manifest = os.path.join(self.image, "manifest.json")

    def restore(self, *options):
        return self.tool("sbx-restore", "--image-path", self.image, *options)

    def edit(self, change):
        with open(self.manifest, encoding="utf-8") as file:
            manifest = json.load(file)
        change(manifest)
        with open(self.manifest, "w", encoding="utf-8") as file:
            json.dump(manifest, file)

    def test_goes_on(self):
        note = "sbx-restore: demo: log: 12 bytes longer than recorded\n"
        self.assert_result(self.restore(), 42, note)
        self.assert_result(self.tool("sbx", "restore", "--image-path", self.image), 42, note)

    def test_stats(self):
        stats = self.restore("--stats").stderr.splitlines()[1]
        self.assertEqual(json.loads(stats)["objects"], 21)

    def test_checkpoint_at_replaces_the_image(self):
        before = os.stat(self.image).st_ino
        result = self.tool("sbx-restore", "--image-path", self.image, "--checkpoint-at", "1",
                           "--name", "at")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(f"sbx: at: checkpointed to {self.image}\n", result.stderr)
        self.assertNotEqual(os.stat(self.image).st_ino, before)

    def test_all_that_is_missing_in_one_report(self):
        os.rmdir(self.bind)
        self.edit(lambda manifest: manifest["cpu"]["names"].append("warp"))
        self.assert_result(self.restore(), 125,
                           f"sbx-restore: opening image {self.image}: manifest.json: cpu.names:"
                           ' unknown feature "warp"\n'
                           f"sbx-restore: opening image {self.image}: /mnt: {self.bind}:"
                           " No such file or directory\n")

    def test_foreign_image_writes_nothing(self):
        os.chmod(self.image, 0o770)
        self.assert_result(self.restore(), 125,
                           f"sbx-restore: opening image {self.image}: /mnt: {self.bind}: is to be"
                           " written, but the image is not yours alone: allow it by"
                           " --bind SRC:/mnt or --allow-binds\n")
        self.assertEqual(self.restore("--allow-binds").returncode, 42)
        self.assertEqual(self.restore("--bind", f"{self.bind}:/mnt").returncode, 42)
        os.chmod(self.image, 0o700)
        os.chmod(self.manifest, 0o666)
        self.assertEqual(self.restore().returncode, 125)
        self.edit(lambda manifest: manifest["roots"][1].update(is_writable=False))
        self.assertEqual(self.restore().returncode, 42)

    @unittest.skipIf(os.geteuid() != 0, "needs root")
    def test_source_of_somebody_else(self):
        os.chown(self.bind, 99, 99)
        result = self.restore()
        self.assertEqual(result.returncode, 125)
        self.assertIn("the source is not yours", result.stderr)
        self.assertEqual(self.restore("--allow-binds").returncode, 42)

    def test_bind_from_elsewhere(self):
        os.rename(self.bind, self.bind + "2")
        self.assertEqual(self.restore().returncode, 125)
        self.assertEqual(self.restore("--bind", f"{self.bind}2:/mnt").returncode, 42)
        self.assert_result(self.restore("--bind", "/usr:/none", "--bind", f"{self.bind}2:/mnt"),
                           125, f"sbx-restore: opening image {self.image}: --bind: the image has"
                           " nothing at /none\n")
        result = self.restore("--bind", "/usr", "--bind", "/none:/mnt:ro")
        self.assertEqual(result.returncode, 125)
        self.assertIn('--bind: "/usr" is not SRC:DST[:ro]', result.stderr)
        self.assertIn("/mnt: /none: No such file or directory", result.stderr)

    def test_newer_format(self):
        def change(manifest):
            manifest["format"] = 9
            manifest["novelty"] = 1
        self.edit(change)
        self.assert_result(self.restore(), 125, f"sbx-restore: opening image {self.image}:"
                           " manifest.json: format 9 is newer than 1\n")

    def test_truncated_file(self):
        size = os.path.getsize(os.path.join(self.image, "kernel.img"))
        os.truncate(os.path.join(self.image, "kernel.img"), 3)
        self.assert_result(self.restore(), 125, f"sbx-restore: opening image {self.image}:"
                           f" kernel.img: 3 bytes, expected {size}\n")

    def test_no_image(self):
        shutil.rmtree(self.image)
        self.assert_result(self.restore(), 125, f"sbx-restore: opening image {self.image}:"
                           " No such file or directory\n")
        os.mkdir(self.image)
        self.assert_result(self.restore(), 125, f"sbx-restore: opening image {self.image}:"
                           " manifest.json: No such file or directory\n")

    def test_name_in_use(self):
        self.start("--", "serve")
        self.assert_result(self.restore(), 125, 'sbx-restore: name "demo": in use\n')
        self.assertEqual(self.restore("--name", "other").returncode, 42)

    def test_stdio_to_a_file(self):
        log = os.path.join(self.dir.name, "log")
        self.assertEqual(self.restore("--stdio", log).returncode, 42)
        self.assertTrue(os.path.exists(log))
        self.assertEqual(self.restore("--stdio", "null").returncode, 42)


if __name__ == "__main__":
    unittest.main()
