"""Locks a file: for some milliseconds of every so many, or for good. Usage: hold.py PATH [HELD PERIOD]. Ends with its input."""
import fcntl, select, sys, time

path, times = sys.argv[1], [float(word) / 1000 for word in sys.argv[2:]]
file = open(path, "a")
told = False
while True:
    fcntl.flock(file, fcntl.LOCK_EX)
    if not told:
        print("held", flush=True)
        told = True
    if select.select([sys.stdin], [], [], times[0] if times else None)[0]:
        break
    fcntl.flock(file, fcntl.LOCK_UN)
    time.sleep(times[1] - times[0])
