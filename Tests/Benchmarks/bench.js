// JIT code, garbage, timers and workers, for some ten seconds.
const { Worker, isMainThread, parentPort } = require("worker_threads");
function work(rounds) {
  let sum = 0;
  const table = new Map();
  for (let i = 0; i < rounds; i++) {
    sum += ((i * 7919) % 1009) + Math.sqrt(i);
    if (i % 50 === 0) table.set("k" + (i % 5000), { i, text: String(i) });
  }
  return sum + table.size + JSON.stringify([...table]).length;
}
if (isMainThread) {
  const workers = [0, 1].map(() => new Promise((done) => new Worker(__filename).on("message", done)));
  let ticks = 0;
  const timer = setInterval(() => { ticks += work(5000000) > 0 ? 1 : 0; if (ticks === 15) clearInterval(timer); }, 5);
  Promise.all(workers).then((sums) => console.log(sums.map((sum) => sum.toFixed(3)).join(" ")));
} else {
  parentPort.postMessage(work(120000000));
}
