# SPDX-License-Identifier: Apache-2.0
# bash: pipelines, pipefail, PIPESTATUS, process substitution, here strings, lastpipe.
set -o pipefail
for round in 1 2 3; do
    seq 1 $((round * 100)) | grep -v 7 | sort -rn | head -n 3
    printf '%s\n' {a..e}{1..3} | while read -r word; do echo "${word^^}"; done | tail -n 2
    sleep 0.1
done
false | true | (exit 3) | cat
echo "status ${PIPESTATUS[*]}"
diff <(seq 1 5) <(seq 2 6) || echo "diff says $?"
paste -d: <(seq 1 3) <(printf 'x\ny\nz\n') <(tr a-c A-C <<<"$(printf 'a\nb\nc')")
{ seq 1 4 > >(sed 's/^/to a process: /'); } | cat
shopt -s lastpipe
echo "1 2 3" | read -r one two three
echo "$three$two$one"
cat <<<"a here string" | tee >(wc -c >&2) | rev
mapfile -t lines < <(find /usr/share/doc/bash -type f | sort | head -n 3)
echo "${#lines[@]}"
exec 7< <(for n in 1 2 3; do echo "line $n"; sleep 0.05; done)
while read -r -u 7 line; do echo "<$line>"; done
