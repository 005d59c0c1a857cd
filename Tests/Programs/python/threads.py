# Threads with queues, locks, conditions and events; who got which piece of work is printed.
import queue, threading, time
from concurrent.futures import ThreadPoolExecutor

work, results = queue.Queue(4), queue.Queue()

def worker(name):
    while (item := work.get()) is not None:
        if item % 7 == 0:
            time.sleep(0.001)
        results.put((name, item, threading.get_ident()))
    results.put(None)

threads = [threading.Thread(target=worker, args=(n,)) for n in range(4)]
for thread in threads: thread.start()
for item in range(100): work.put(item)
for _ in threads: work.put(None)
taken, ended = [], 0
while ended < 4:
    entry = results.get()
    if entry is None: ended += 1
    else: taken.append(entry)
for thread in threads: thread.join()
assert sorted(item for _, item, _ in taken) == list(range(100))
print([(name, item) for name, item, _ in taken], {ident for _, _, ident in taken})

event, timer = threading.Event(), threading.Timer(0.005, lambda: event.set())
timer.start()
assert event.wait(30) and not threading.Event().wait(0.002)
with ThreadPoolExecutor(8) as pool:
    print(list(pool.map(lambda n: (n * n, threading.current_thread().name), range(40))))
print("EXIT-SUCCESS")
