# SPDX-License-Identifier: Apache-2.0
# Reading lines from files, pipes and here.
seq 1 20 > numbers
while read -r line; do
    [ $((line % 5)) -eq 0 ] && echo "five: $line"
done < numbers
exec 4< numbers
read -r a <&4
read -r b <&4
echo "$a $b"
sleep 0.2
read -r c <&4
echo "$c, then $(cat <&4 | wc -l) more"
exec 4<&-
printf 'a:b:c\nd:e\n' | while IFS=: read -r x y z; do echo "[$x][$y][$z]"; done
printf 'back\\slash\n' | { read -r raw; echo "$raw"; }
printf 'no newline' | { read -r last || echo "end of file: $last"; }
for i in 1 2 3 4; do echo "line $i"; sleep 0.1; done | while read -r l; do echo "got $l"; done
read -r nothing < /dev/null
echo "status $?"
head -n 3 numbers | { read -r first; cat; echo "first was $first"; }
