# SPDX-License-Identifier: Apache-2.0
"""subprocess and os: pipes both ways, exit codes, signals, timeouts, sessions, environments."""
import os
import signal
import subprocess
import sys

print(subprocess.check_output(["echo", "hello"], text=True), end="")
cat = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
for n in range(20):
    cat.stdin.write(b"line %d\n" % n)
    cat.stdin.flush()
    assert cat.stdout.readline() == b"line %d\n" % n
cat.stdin.close()
print("cat", cat.wait())
data = b"x" * 300000
out, err = subprocess.Popen(["sh", "-c", "tee /dev/stderr | wc -c"], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE).communicate(data)
print(out, len(err))
print("code", subprocess.run(["sh", "-c", "exit 3"]).returncode)
sleeper = subprocess.Popen(["sleep", "100"])
sleeper.send_signal(signal.SIGTERM)
print("signal", sleeper.wait())
try:
    subprocess.run(["sleep", "100"], timeout=0.2)
except subprocess.TimeoutExpired:
    print("timed out")
try:
    subprocess.run(["/nonexistent"])
except FileNotFoundError as error:
    print(error.errno)
child = subprocess.run([sys.executable, "-S", "-c", "import os; print(os.getsid(0) == os.getpid(), os.environ['X'])"],
                       start_new_session=True, env={"X": "set"}, capture_output=True, text=True)
print(child.stdout, end="")
first = subprocess.Popen(["seq", "1", "1000"], stdout=subprocess.PIPE)
second = subprocess.Popen(["tail", "-n", "1"], stdin=first.stdout, stdout=subprocess.PIPE)
first.stdout.close()
print(second.communicate()[0], first.wait())
pid = os.fork()
if pid == 0:
    os.execvp("true", ["true"])
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
print(os.waitstatus_to_exitcode(os.waitpid(os.posix_spawn("/bin/false", ["false"], {}), 0)[1]))
print(os.popen("echo from popen").read(), end="")
procs = [subprocess.Popen(["sh", "-c", f"sleep 0.{n}; exit {n}"]) for n in (3, 1, 2)]
print([proc.wait() for proc in procs])
