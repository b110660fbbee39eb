# SPDX-License-Identifier: Apache-2.0
# More bytes than a pipe or a chunk holds.
seq 1 60000 > big
wc big
cksum < big
cat big big | cksum
for i in 1 2 3; do
    dd if=big of=part-$i bs=4096 skip=$((i * 20)) count=17 2> /dev/null
    cksum part-$i
    sleep 0.1
done
cat part-1 part-2 part-3 | tail -n 1
head -c 200000 /dev/zero | tr '\0' 'z' | fold -w 100 | uniq -c | tr -s ' '
{ seq 1 30000; sleep 0.2; seq 30001 60000; } | cmp - big && echo same
tail -n 1 big
split -n 4 big piece-
cat piece-a? | cmp - big && echo "same again"
truncate -s 10 big
cat big | tr '\n' ' '
echo
tac part-2 | tac | cmp - part-2 && echo "twice backwards"
