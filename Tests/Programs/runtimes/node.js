// Compiled functions, timers, worker threads, a server and its clients on loopback.
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const http = require('http');
const crypto = require('crypto');

function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

if (!isMainThread) {
  let sum = 0;
  for (let i = 0; i < 20; i++) sum += fib(workerData) + i;
  parentPort.postMessage(sum);
} else {
  const scale = Number(process.argv[2] || 1);
  const start = process.hrtime.bigint();
  const objects = [];
  for (let i = 0; i < 10000 * scale; i++) objects.push({ id: i, name: 'n' + i, random: Math.random() });
  objects.sort((a, b) => a.random - b.random);
  console.log(objects[0].name, fib(22), JSON.stringify(objects).length);
  console.log(crypto.createHash('sha256').update(crypto.randomBytes(1000)).digest('hex'));
  const workers = [1, 2, 3].map(n => new Promise((resolve, reject) => {
    const worker = new Worker(__filename, { workerData: 15 + n });
    worker.on('message', resolve);
    worker.on('error', reject);
  }));
  const server = http.createServer((request, response) => {
    setTimeout(() => response.end(`${request.url} ${request.headers.host} ${Date.now()}`), 5);
  });
  const timer = new Promise(resolve => {
    let count = 0;
    const handle = setInterval(() => { if (++count == 10) { clearInterval(handle); resolve(count); } }, 3);
  });
  server.listen(0, '127.0.0.1', async () => {
    const port = server.address().port;
    const texts = await Promise.all([1, 2, 3, 4, 5].map(n => new Promise(resolve => {
      http.get({ host: '127.0.0.1', port, path: '/' + n }, response => {
        let text = '';
        response.on('data', piece => text += piece);
        response.on('end', () => resolve(text));
      });
    })));
    console.log(texts.join('\n'));
    console.log(await Promise.all(workers), await timer);
    server.close();
    console.log('took', process.hrtime.bigint() - start > 0n);
    console.log('EXIT-SUCCESS');
  });
}
