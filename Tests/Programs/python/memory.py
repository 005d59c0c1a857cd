# ctypes calls with callbacks, mmap of files and of anonymous memory shared with a child, shared_memory by name.
import ctypes, ctypes.util, mmap, os, struct
from multiprocessing import shared_memory

libc = ctypes.CDLL(None, use_errno=True)
print(libc.getpid(), libc.time(None), ctypes.addressof(ctypes.c_int(5)))
compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
numbers = (ctypes.c_int * 8)(5, 2, 7, 1, 8, 3, 6, 4)
libc.qsort(numbers, 8, 4, compare(lambda a, b: a[0] - b[0]))
assert list(numbers) == [1, 2, 3, 4, 5, 6, 7, 8]
assert libc.open(b"/nonexistent", 0) == -1 and ctypes.get_errno() == 2

with open("file", "w+b") as file:
    file.write(b"x" * 10000)
    file.flush()
    with mmap.mmap(file.fileno(), 0) as mapped:
        mapped[5000:5010] = os.urandom(10)
        mapped.flush()
    file.seek(5000)
    print(file.read(10))
os.unlink("file")

shared = mmap.mmap(-1, 4096)
child = os.fork()
if child == 0:
    shared[:4] = struct.pack("i", os.getpid())
    os._exit(0)
os.waitpid(child, 0)
assert struct.unpack("i", shared[:4])[0] == child

block = shared_memory.SharedMemory(create=True, size=100)
other = shared_memory.SharedMemory(block.name)
block.buf[:5] = b"hello"
print(block.name, bytes(other.buf[:5]), child)
other.close()
block.close()
block.unlink()
print("EXIT-SUCCESS")
