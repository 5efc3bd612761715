"""Writes 16 kHz mono 16-bit samples in real time, again and again, as a microphone would.

paced.py FILE SECONDS
"""

import sys
import time

data = open(sys.argv[1], "rb").read()
step = 640
began = time.monotonic()
for index in range(int(float(sys.argv[2]) * 50)):
    time.sleep(max(0, began + index * 0.02 - time.monotonic()))
    place = index * step % len(data)
    sys.stdout.buffer.write((data[place:] + data)[:step])
    sys.stdout.buffer.flush()
