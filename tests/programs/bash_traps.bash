# SPDX-License-Identifier: Apache-2.0
# bash: traps, job control without a terminal, wait -n, signals between jobs.
trap 'echo "exit trap, status $?"' EXIT
trap 'echo usr1; count=$((count + 1))' USR1
trap 'echo err at command' ERR
count=0
for n in 1 2 3; do
    kill -USR1 $$
    sleep 0.1
done
echo "count $count"
false
trap - ERR
(trap 'echo inner term; exit 7' TERM; kill -TERM "$BASHPID"; sleep 5)
echo "subshell said $?"
sleep 0.2 &
first=$!
(sleep 0.1; exit 4) &
second=$!
wait "$second"; echo "second $?"
wait "$first"; echo "first $?"
(exit 5) & wait -n; echo "any $?"
sleep 100 &
kill -KILL $!
wait $! 2>/dev/null; echo "killed $?"
trap 'echo return from sleep' USR2
{ sleep 0.1; kill -USR2 $$; } &
wait; wait
trap '' INT
kill -INT $$
echo still here
f() { trap 'echo return trap' RETURN; echo in f; }
f
read -r -t 0.1 nothing < <(sleep 1) || echo "read timed out: $(($? > 128))"
exit 9
