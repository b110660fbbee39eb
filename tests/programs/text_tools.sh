# SPDX-License-Identifier: Apache-2.0
# grep, sed and gawk on larger texts.
seq 1 20000 | sed 's/\(.*\)/line \1 of the text/' > text
grep -c 'line [0-9]*7 ' text; grep -E '(123|321)' text | wc -l; grep -o 'line 1[0-9]\{3\}' text | tail -n 1
grep -n -m 2 -A 1 'line 99' text; grep -rl debian /etc/os-release; grep -vF line text | wc -l
grep -P '^line (\d)\1\1 ' text | head -n 3
sed -n '10,12p;$p' text; sed -e '/[1-9]/!d' -e 's/line/LINE/;s/ of.*//' text | tail -n 1
sed '1~1000!d' text | wc -l; sed -i.old 's/text/book/' text; cmp -s text text.old || echo edited in place
sed ':a;N;$!ba;s/\n/,/g' text.old | wc -c
gawk '{ sum += $2; n[$2 % 10]++ } END { print sum; for (i = 0; i < 10; i++) printf "%d ", n[i]; print "" }' text
gawk 'BEGIN { while (("seq 1 5" | getline x) > 0) s = s x; print s; "date -u -d @0 +%Y" | getline y; print y }'
gawk -v n=9 'function f(k) { return k < 2 ? 1 : k * f(k - 1) } BEGIN { print f(n); print substr("substring", 4), toupper("up"), index("find", "n") }'
gawk 'BEGIN { cmd = "sort -n"; for (i = 20; i > 0; i -= 3) print i |& cmd; close(cmd, "to"); while ((cmd |& getline line) > 0) out = out " " line; print out }'
gawk -F: '$3 == 0 { print $1 }' /etc/passwd
sleep 0.2
sort text | gawk 'NR % 4000 == 0' | tee >&2 /dev/null; sort -k2,2nr text | head -n 1
