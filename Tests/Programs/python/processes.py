# multiprocessing with pools, queues, shared values and locks; subprocess in several forms.
import multiprocessing, os, subprocess, sys

def square(number):
    return number * number, os.getpid()

def count(shared, lock, results, name):
    for _ in range(20):
        with lock:
            shared.value += 1
    results.put((name, os.getpid()))

if __name__ == "__main__":
    with multiprocessing.Pool(3) as pool:
        squares = pool.map(square, range(20))
        assert [value for value, _ in squares] == [n * n for n in range(20)]
        print(squares)
    shared, lock, results = multiprocessing.Value("i", 0), multiprocessing.Lock(), multiprocessing.Queue()
    children = [multiprocessing.Process(target=count, args=(shared, lock, results, n)) for n in range(3)]
    for child in children: child.start()
    print([results.get() for _ in children])
    for child in children: child.join()
    assert shared.value == 60 and all(child.exitcode == 0 for child in children)
    print(subprocess.run(["sh", "-c", "echo $$ >&2; cat; exit 3"], input=b"piped", capture_output=True))
    print(subprocess.check_output("date +%s%N; hostname", shell=True, text=True))
    try:
        subprocess.run(["sleep", "100"], timeout=0.01)
    except subprocess.TimeoutExpired as late:
        print(late)
    with subprocess.Popen([sys.executable, "-c", "print(input()[::-1])"], stdin=-1, stdout=-1, text=True) as child:
        print(child.communicate("backwards"))
    print("EXIT-SUCCESS")
