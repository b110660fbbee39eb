# SPDX-License-Identifier: Apache-2.0
"""sqlite3 in python: transactions, threads with their own connections, a write-ahead log, backup."""
import sqlite3
import threading

base = sqlite3.connect("a.db", timeout=60)
print(base.execute("PRAGMA journal_mode=WAL").fetchone())
base.execute("CREATE TABLE t(a INTEGER PRIMARY KEY, thread INTEGER, b TEXT)")
base.commit()


def insert(number):
    connection = sqlite3.connect("a.db", timeout=60, isolation_level=None)
    for n in range(15):
        connection.execute("INSERT INTO t(thread, b) VALUES(?, ?)", (number, f"row {n}"))
    connection.close()


threads = [threading.Thread(target=insert, args=(n,)) for n in range(3)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(base.execute("SELECT thread, count(*) FROM t GROUP BY thread").fetchall())
with base:
    base.executemany("INSERT INTO t(thread, b) VALUES(9, ?)", ((str(n),) for n in range(3000)))
try:
    with base:
        base.execute("DELETE FROM t")
        raise ValueError
except ValueError:
    print(base.execute("SELECT count(*) FROM t").fetchone())
copy = sqlite3.connect("b.db")
base.backup(copy)
print(copy.execute("PRAGMA integrity_check").fetchone(), copy.execute("SELECT sum(a) FROM t").fetchone())
base.create_function("twice", 1, lambda value: value * 2)
print(base.execute("SELECT twice(21)").fetchone(), base.execute("SELECT max(length(b)) FROM t").fetchone())
