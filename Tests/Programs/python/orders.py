# What differs from run to run: hash seeds, random numbers, time, unique ids, addresses.
import os, random, time, uuid, secrets, tempfile, platform

words = "the order of a set of strings depends on a random seed in each process".split()
print(list(set(words)), hash("seed"))
print({object(): None}, id(words))
print(random.random(), random.sample(range(1000), 5), secrets.token_hex(8))
print(time.time(), time.monotonic(), time.perf_counter_ns(), time.process_time(), time.strftime("%c"))
print(uuid.uuid1(), uuid.uuid4())
print(os.getpid(), os.getppid(), os.urandom(4).hex(), os.times())
with tempfile.NamedTemporaryFile(dir=".") as file:
    file.write(os.urandom(100))
    file.flush()
    print(file.name, os.stat(file.name))
print(platform.platform(), sorted(os.listdir("/proc/self/fd")))
print("EXIT-SUCCESS")
