# Signal handlers with setitimer, alarm, SIGCHLD, and a signal that a handler turns into an exception.
import os, signal, time

ticks = []
signal.signal(signal.SIGALRM, lambda number, frame: ticks.append((number, time.monotonic())))
signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
while len(ticks) < 5:
    time.sleep(0.001)
print(signal.setitimer(signal.ITIMER_REAL, 0), ticks)

children = []
signal.signal(signal.SIGCHLD, lambda number, frame: children.append(number))
child = os.fork()
if child == 0:
    os._exit(9)
print(os.waitpid(child, 0))
while not children:
    time.sleep(0.001)

class Late(Exception): pass
def raise_late(number, frame): raise Late(number)
signal.signal(signal.SIGUSR1, raise_late)
child = os.fork()
if child == 0:
    time.sleep(0.005)
    os.kill(os.getppid(), signal.SIGUSR1)
    os._exit(0)
try:
    time.sleep(100)
except Late as late:
    print("interrupted by", late)
os.waitpid(child, 0)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
os.kill(os.getpid(), signal.SIGUSR2)
print(signal.sigpending(), signal.sigwaitinfo({signal.SIGUSR2}))
print("EXIT-SUCCESS")
