# SPDX-License-Identifier: Apache-2.0
# coreutils, one after the other, on files of their own.
seq 1 2000 > numbers
sort -R --random-source=/usr/bin/dash numbers | sort -n --parallel=2 | cmp - numbers && echo sorted
split -l 300 -d numbers part.; ls part.*; cat part.* | sha256sum
csplit -s -f piece. numbers /500/ /1500/; wc -l piece.*
paste part.00 part.01 | head -n 2; comm -12 part.01 part.02 2> /dev/null | wc -l
join -j 1 part.00 part.00 | tail -n 1
head -c 1000 /dev/zero | od -An -tx1 | uniq -c | tr -s ' '
echo hello | base64 | base64 -d | md5sum
printf 'b a\nc b\nd c\n' | tsort; factor 123456789 600851475143; numfmt --to=iec 1234567 1048576
truncate -s 1M sparse; stat -c '%s %b %a %F' sparse; du --apparent-size -k sparse | cut -f1
dd if=/dev/zero of=blocks bs=4096 count=25 2>/dev/null; stat -c '%s' blocks
install -m 750 -d tree/deep/er; install -m 640 numbers tree/copy; stat -c '%a %n' tree tree/copy
cp -a tree tree2; mv tree2/copy tree2/moved; ln -s moved tree2/link; ln tree2/moved tree2/hard
readlink -f tree2/link | sed "s|$PWD|.|"; stat -c '%h' tree2/hard; realpath --relative-to=. tree2/deep/er
umask 022; touch -d "2001-02-03 04:05:06 UTC" dated; date -u -r dated +%FT%T; ls -l --time-style=+%s dated | cut -d' ' -f1,5-6
chmod u=rwx,g=s,o= dated; stat -c %A dated
mktemp -u XXXX | wc -c; tee a b < part.06 > /dev/null; cmp a b && echo tee
timeout 0.2 sleep 5; echo "timeout $?"; timeout 5 sleep 0.2; echo "in time $?"
env -i A=1 B=2 env | sort; nice -n 19 nice; expr 6 \* 7; test -s numbers && echo nonempty
printf '%s\n' one two three | shuf --random-source=/usr/bin/dash | sort | tr '\n' ' '; echo
pr -t -3 -l 5 part.06 | head -n 3; fold -w 20 /etc/debian_version; expand -t 4 part.06 | head -n 1; nl part.06 | tail -n 1 | tr -s ' \t' ' '
cut -c2-3 numbers | sort | uniq -d | wc -l; tac numbers | head -n 1; rev part.06 | head -n 1
rm -r tree tree2; mkdir -p x/y; rmdir -p x/y; ls | wc -l; sync; sleep 0.2
basename /a/b.c .c; dirname /a/b.c; seq -f %03g 1 3; yes y | head -n 3 | wc -l; id -u; nproc | grep -c '^[0-9]'
df . | tail -n 1 | grep -c %; cksum numbers; sum numbers; b2sum numbers | cut -c1-16; stdbuf -oL echo buffered
