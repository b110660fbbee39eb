# SPDX-License-Identifier: Apache-2.0
# Traps: on signals from itself, from a child, at the end.
trap 'echo usr1 caught' USR1
trap 'echo "the end, status $?"' EXIT
kill -USR1 $$
echo after
(sleep 0.2; kill -USR1 $$) &
wait $! # 138 when the signal is there before the end of the child, else 0
echo "woken"
wait
trap '' USR2
kill -USR2 $$
echo ignored
trap 'hups=$((hups + 1))' HUP
hups=0
for i in 1 2 3 4 5; do
    kill -HUP $$
    sleep 0.1
done
echo "hups $hups"
sh -c 'trap "echo inner; exit 9" TERM; kill -TERM $$; sleep 5'
echo "inner status $?"
trap - USR1
sh -c 'kill -USR1 $$; echo not reached'
echo "default: $?"
exit 4
