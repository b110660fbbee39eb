// SPDX-License-Identifier: Apache-2.0
// node: worker threads with messages and shared memory, timers, child processes, files, promises.
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const { spawn, execFileSync } = require('child_process');
const fs = require('fs');
const zlib = require('zlib');
const crypto = require('crypto');

function sum(n) { let s = 0; for (let i = 0; i < n; i++) s = (s + i * i) % 1000003; return s; }

if (!isMainThread) {
    const shared = new Int32Array(workerData.shared);
    parentPort.on('message', (n) => {
        if (n === null) { parentPort.close(); return; }
        Atomics.add(shared, 0, 1);
        Atomics.notify(shared, 0);
        parentPort.postMessage([n, sum(n)]);
    });
} else {
    main().then(() => console.log('end'));
}

async function main() {
    const shared = new SharedArrayBuffer(8);
    const workers = [1, 2].map(() => new Worker(__filename, { workerData: { shared } }));
    const results = [];
    await Promise.all(workers.map((worker, nr) => new Promise((resolve) => {
        let left = 10;
        worker.on('message', (m) => { results.push(m); if (--left === 0) worker.postMessage(null); });
        worker.on('exit', resolve);
        for (let i = 1; i <= 10; i++) worker.postMessage(i * 1000 + nr);
    })));
    results.sort((a, b) => a[0] - b[0]);
    console.log(results.length, results[0], results[19], new Int32Array(shared)[0]);
    console.log(execFileSync('echo', ['from a child']).toString().trim());
    const cat = spawn('cat');
    let back = '';
    cat.stdout.on('data', (d) => { back += d; });
    for (let i = 0; i < 5; i++) { cat.stdin.write(`line ${i}\n`); await new Promise((r) => setTimeout(r, 20)); }
    cat.stdin.end();
    console.log(await new Promise((r) => cat.on('close', r)), back.split('\n').length);
    fs.writeFileSync('file', 'x'.repeat(100000));
    const packed = zlib.gzipSync(fs.readFileSync('file'));
    console.log(zlib.gunzipSync(packed).length, fs.statSync('file').size);
    await fs.promises.appendFile('file', 'more');
    console.log((await fs.promises.readFile('file')).length, (await fs.promises.readdir('.')).join());
    console.log(crypto.createHash('sha256').update('abc').digest('hex').slice(0, 16));
    console.log(await new Promise((r) => crypto.pbkdf2('a', 'b', 20000, 16, 'sha512', (e, k) => r(k.toString('hex')))));
    let ticks = 0;
    await new Promise((r) => { const t = setInterval(() => { if (++ticks === 10) { clearInterval(t); r(); } }, 10); });
    console.log('ticks', ticks, process.hrtime.bigint() > 0n);
    process.on('SIGUSR2', () => console.log('usr2'));
    process.kill(process.pid, 'SIGUSR2');
    await new Promise((r) => setTimeout(r, 100));
}
