# What gdb does in Scripts/bench-debug, which says in the environment what to measure. Figures go to a file: a line with
# a name and seconds each.
import os
import random
import time

import gdb

STARTED = time.time()


def report(name, seconds):
    with open(os.environ["RRS_BENCH_FILE"], "a") as file:
        file.write(f"{name} {seconds}\n")


def run(command):
    return gdb.execute(command, to_string=True)


def timed(name, command):
    start = time.perf_counter()
    output = run(command)
    report(name, time.perf_counter() - start)
    return output


def expect(condition, output):
    if not condition:
        raise gdb.GdbError("bench: the debugger isn't where it should be: " + output)


def marker():
    return int(gdb.parse_and_eval("marker"))


def ticks():
    return int(run("when-ticks").split()[-1])


def prompt():
    report("prompt", STARTED)


def back():
    """One stretch back, forward again, and back once more; then steps back from random places."""
    run("break phase")
    for _ in range(3):
        run("continue")
    high = ticks()
    expect(marker() == 1, run("info program"))
    output = timed("reverse-continue", "reverse-continue")
    expect(marker() == 0, output)
    low = ticks()
    run("continue")
    output = timed("reverse-continue again", "reverse-continue")
    expect(marker() == 0 and ticks() == low, output)
    chance = random.Random(int(os.environ["RRS_BENCH_SEED"]))
    for _ in range(5):
        run(f"seek-ticks {chance.randrange(low + 1000, high)}")
        place = gdb.selected_frame().pc()
        output = timed("reverse-stepi", "reverse-stepi")
        expect(gdb.selected_frame().pc() != place, output)


def hits():
    run("break tick if i == 100000")
    output = timed("hits", "continue")
    expect("end" in output.lower() or "SIGKILL" in output, output)


for setting in ("pagination off", "confirm off", "width 0"):
    run("set " + setting)
{"prompt": prompt, "back": back, "hits": hits}[os.environ["RRS_BENCH_TASK"]]()
