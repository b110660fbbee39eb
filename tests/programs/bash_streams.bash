# SPDX-License-Identifier: Apache-2.0
# Process substitution, coprocesses, FIFOs, /dev/stdin.
cat <(echo one; echo two) <(seq 3)
diff <(seq 5) <(seq 6); echo $?
seq 4 | tee >(wc -l) | sort -r | cat; wait
coproc C { while read l; do echo "got $l"; done; }
echo hi >&${C[1]}; read x <&${C[0]}; echo $x; exec {C[1]}>&-; wait
mkfifo f; (echo thru fifo > f) & cat f; wait
echo text | cat /dev/stdin; echo t2 | (exec 3</dev/stdin; cat <&3)
exec 5<> f; echo a >&5; read -u 5 y; echo $y; rm f
read a < <(echo process); echo $a
for i in 1 2 3 4; do
    sleep 0.2
    while read -r line; do echo "$i $line"; done < <(sleep 0.05; seq $i)
done
