# SPDX-License-Identifier: Apache-2.0
"""signal: handlers, timers, masks, sigwait, wakeup descriptors, signals to threads, select."""
import os
import select
import signal
import threading
import time

seen = []
signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(number))
for _ in range(5):
    os.kill(os.getpid(), signal.SIGUSR1)
print(seen == [signal.SIGUSR1] * 5)
ticks = []
signal.signal(signal.SIGALRM, lambda *_: ticks.append(time.monotonic()))
signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
while len(ticks) < 10:
    signal.pause()
signal.setitimer(signal.ITIMER_REAL, 0)
print(ticks == sorted(ticks), ticks[-1] - ticks[0] > 0.1)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2, signal.SIGRTMIN])
os.kill(os.getpid(), signal.SIGUSR2)
print(signal.sigpending() == {signal.SIGUSR2}, signal.sigwait([signal.SIGUSR2]) == signal.SIGUSR2)
print(signal.sigtimedwait([signal.SIGUSR2], 0.05))
threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGRTMIN)).start()
info = signal.sigwaitinfo([signal.SIGRTMIN])
print(info.si_signo == signal.SIGRTMIN, info.si_pid == os.getpid())
read, write = os.pipe()
os.set_blocking(write, False)
signal.set_wakeup_fd(write)
threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGUSR1)).start()
print(select.select([read], [], [], 30)[0] == [read], os.read(read, 1) == bytes([signal.SIGUSR1]))
signal.set_wakeup_fd(-1)
main = threading.main_thread().ident
seen.clear()
threading.Thread(target=lambda: signal.pthread_kill(main, signal.SIGUSR1)).start()
while not seen:
    time.sleep(0.01)
print("by a thread")
poll = select.poll()
poll.register(read, select.POLLIN)
print(poll.poll(50), os.write(write, b"x"), len(poll.poll(50)))
epoll = select.epoll()
epoll.register(read, select.EPOLLIN | select.EPOLLET)
print(len(epoll.poll(1)), epoll.poll(0.05))
pid = os.fork()
if pid == 0:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(60)
print(os.WIFSTOPPED(os.waitpid(pid, os.WUNTRACED)[1]))
os.kill(pid, signal.SIGCONT)
print(os.WIFCONTINUED(os.waitpid(pid, os.WCONTINUED)[1]))
os.kill(pid, signal.SIGTERM)
print(os.WTERMSIG(os.waitpid(pid, 0)[1]))
