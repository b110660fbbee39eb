# SPDX-License-Identifier: Apache-2.0
# Command substitution, parameters, arithmetic.
a=$(echo outer $(echo inner $(echo innermost)))
echo "$a"
list=$(seq 1 10)
echo $list
sum=0
for i in $list; do
    sum=$((sum + $(echo "$i" | tr -d '\n')))
    sleep 0.05
done
echo "sum $sum"
path=/usr/share/doc/file.tar.gz
echo "${path##*/} ${path%/*} ${path%%.*} ${path#*.} ${#path}"
unset nothing
echo "${nothing:-default} ${nothing:=assigned} $nothing ${path:+set}"
echo $((0x1f + 010 - 3 * (4 - 2)))
echo $((1 << 10 | 5)) $((7 / 2)) $((-7 % 3)) $((3 > 2 && 2 > 1))
text=$(printf 'trailing newlines go\n\n\n')
echo "[$text]"
big=$(seq 1 5000)
echo "${#big}"
sleep 0.2
echo "status $(exit 3; echo never)$?"
files=$(for i in c a b; do echo "$i" > "f-$i"; done; echo f-*)
echo "$files"
