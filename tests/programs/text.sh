# SPDX-License-Identifier: Apache-2.0
# Text, by coreutils.
cat > table << END
carol 30 x
alice 25 y
bob 4 x
dave 30 z
END
sort table
sort -k2,2n -k1,1r table
cut -d' ' -f1,3 table | tr 'a-z ' 'A-Z_'
sleep 0.2
wc table
head -n 2 table | tail -n 1
tail -n +3 table
tail -c 8 table
head -c 5 table
echo
cut -d' ' -f3 table | sort | uniq -c | tr -s ' '
cut -d' ' -f3 table | sort | uniq -d
sleep 0.2
paste -d, table table | head -n 1
printf '%05.2f|%-6s|%x\n' 3.14159 left 255
seq -s+ 1 10
seq 10 -3 0 | tr '\n' ' '
echo
nl -ba table | tail -n 1
od -An -tx1 -N4 table
sleep 0.2
fold -w 10 << END
a line that is longer than that
END
expr 6 '*' 7
basename /a/b/c.txt .txt
dirname /a/b/c.txt
seq 1 3000 | sort -R | sort -n | cksum
tr -dc 'a-c' < table | wc -c
echo "tee" | tee one two | cat - one two
comm -12 one two
