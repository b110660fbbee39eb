# SPDX-License-Identifier: Apache-2.0
# Sleepers end in the order of their times, not of their start.
for t in 9 5 7 1 3; do
    (sleep 0.$t; echo "after 0.$t s") &
done
wait
echo all
(for i in 1 2 3; do sleep 0.2; echo "slow $i"; done) &
sleep 0.1
for i in 1 2; do sleep 0.2; echo "fast $i"; done
wait
sleep 0
sleep 0.1 0.1
sleep bad 2> /dev/null
echo "bad: $?"
