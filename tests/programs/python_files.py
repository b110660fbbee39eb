# SPDX-License-Identifier: Apache-2.0
"""tempfile, os, shutil, pathlib, mmap: files that have names, lose them, and are mapped."""
import mmap
import os
import pathlib
import shutil
import tempfile

with tempfile.TemporaryDirectory() as top:
    path = pathlib.Path(top)
    for n in range(30):
        (path / f"d{n % 5}").mkdir(exist_ok=True)
        (path / f"d{n % 5}" / f"f{n}").write_text("text " * n)
    print(sum(p.stat().st_size for p in path.rglob("f*")), len(list(path.glob("d*/f1*"))))
    shutil.copytree(path / "d1", path / "copy", symlinks=True)
    os.symlink("d1", path / "link")
    print(sorted(p.name for p in (path / "copy").iterdir()), os.readlink(path / "link"))
    os.rename(path / "d2", path / "renamed")
    os.link(path / "d1" / "f1", path / "hard")
    print((path / "hard").stat().st_nlink, (path / "d2").exists())
    for entry in sorted(os.scandir(path), key=lambda e: e.name):
        print(entry.name, entry.is_dir(), entry.is_symlink())
    shutil.make_archive(str(path / "packed"), "gztar", path / "d3")
    shutil.unpack_archive(str(path / "packed.tar.gz"), str(path / "unpacked"))
    print(sorted(os.listdir(path / "unpacked")))
print(os.path.exists(top))

with tempfile.TemporaryFile() as file:
    for n in range(200):
        file.write(b"%05d\n" % n)
    file.seek(6 * 77)
    print(file.readline(), os.fstat(file.fileno()).st_nlink)
    file.truncate(8192)
    with mmap.mmap(file.fileno(), 0) as shared:
        shared[0:5] = b"HELLO"
        print(shared.find(b"00100"), len(shared))
        shared.flush()
        shared.resize(16384)
        shared[16000:16003] = b"end"
    file.seek(0)
    print(file.read(5), os.pread(file.fileno(), 3, 16000), file.seek(0, 2))

with mmap.mmap(-1, 1 << 20) as anonymous:
    anonymous.write(b"parent")
    pid = os.fork()
    if pid == 0:
        anonymous[0:6] = b"child!"
        os._exit(0)
    os.waitpid(pid, 0)
    print(anonymous[0:6], anonymous.madvise(mmap.MADV_DONTNEED))
spooled = tempfile.SpooledTemporaryFile(max_size=100)
spooled.write(b"y" * 1000)
spooled.seek(0)
print(len(spooled.read()))
fd, name = tempfile.mkstemp()
os.unlink(name)
os.write(fd, b"gone")
print(os.lseek(fd, 0, os.SEEK_CUR), os.sendfile(fd, fd, 0, 4))
