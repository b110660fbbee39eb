# SPDX-License-Identifier: Apache-2.0
# tar, gzip, xz and zstd with threads: packed, looked at, unpacked, compared.
mkdir -p tree/sub; seq 1 60000 > tree/numbers; cp /usr/bin/dash tree/sub/program
ln -s numbers tree/link; ln tree/numbers tree/hard; chmod 4711 tree/sub/program; truncate -s 3M tree/sparse
tar -cf plain.tar --sort=name --mtime=@0 --owner=0 --group=0 tree; tar -tf plain.tar
for how in 'gzip -9' 'xz -T2 -1' 'zstd -q -T2' 'bzip2 -1'; do
    set -- $how
    command -v "$1" > /dev/null || { echo "$1 is not there" >&2; continue; }
    $how < plain.tar > packed; $1 -t < packed && $1 -dc < packed | cmp - plain.tar && echo "$1: same"
done
tar --use-compress-program='xz -T2 -0' -cf t.xz tree; mkdir out; tar -xf t.xz -C out
diff -r tree out/tree && echo unpacked; stat -c '%a %h %n' out/tree/sub/program out/tree/hard
tar -cf - tree | (cd out && tar -xf - --overwrite) && cmp tree/numbers out/tree/numbers && echo piped
tar --delete -f plain.tar tree/sparse; tar -rf plain.tar out/tree/link; tar -tf plain.tar | wc -l
gzip -k tree/numbers 2> /dev/null || gzip -kf tree/numbers; zcat tree/numbers.gz | md5sum
xz -T2 -k --block-size=65536 tree/hard -c | xz -dc | md5sum; zstd -q -T2 -19 tree/sub/program -o p.zst; zstd -dqc p.zst | cmp - tree/sub/program && echo zstd
