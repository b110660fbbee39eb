# SPDX-License-Identifier: Apache-2.0
# sqlite3's shell: a rollback journal, then a write-ahead log, several processes at one database.
command -v sqlite3 > /dev/null || { echo no sqlite3; exit 0; }
sqlite3 a.db 'CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);'
{ echo 'BEGIN;'; seq 1 3000 | sed "s/.*/INSERT INTO t VALUES(&, 'row &');/"; echo 'COMMIT;'; } | sqlite3 a.db
sqlite3 a.db 'SELECT count(*), sum(a) FROM t; CREATE INDEX i ON t(b); SELECT a FROM t WHERE b = '"'row 77'"';'
for n in 1 2 3 4 5 6 7 8; do sqlite3 a.db "UPDATE t SET b = b || '$n' WHERE a % 8 = $n - 1;"; done
sqlite3 a.db "SELECT b FROM t WHERE a IN (7, 8, 9); PRAGMA integrity_check;"
sqlite3 a.db 'BEGIN; DELETE FROM t; ROLLBACK; SELECT count(*) FROM t;'
sqlite3 a.db 'PRAGMA journal_mode=WAL;'
for n in 1 2 3; do
    (for k in 1 2 3 4 5; do sqlite3 -cmd '.timeout 20000' a.db "INSERT INTO t(b) VALUES('by $n, $k');"; done) &
done
wait
sqlite3 a.db "SELECT count(*) FROM t WHERE b LIKE 'by%'; PRAGMA wal_checkpoint(TRUNCATE); VACUUM; PRAGMA integrity_check;"
ls a.db*
sqlite3 a.db .dump | sqlite3 b.db; sqlite3 b.db 'SELECT count(*) FROM t;'; sqlite3 a.db "SELECT b FROM t WHERE b NOT LIKE 'by%';" | sha256sum
