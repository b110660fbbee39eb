# SPDX-License-Identifier: Apache-2.0
# Pipelines of several programs.
seq 1 500 | tr 0-9 a-j | sort -r | head -n 5
seq 1 300 | cut -c1 | sort | uniq -c | sort -rn | tr -s ' '
for i in 1 2 3 4 5; do
    seq $i 7 200 | while read -r n; do echo $((n * n % 17)); done | sort -n | uniq | wc -l
    sleep 0.05
done
yes | head -n 2000 | wc -c
echo one two three | tr ' ' '\n' | cat -n | tac
false | true
echo "status of the last: $?"
true | false
echo "status of the last: $?"
