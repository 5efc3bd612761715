"""Runs a program on a terminal of its own, and prints the screens it showed, as JSON: a list of lines each.

terminal.py COLUMNS ROWS PROGRAM ARGUMENT...

A screen is looked at whenever the program has written nothing for a moment; equal ones that follow each other are told once. The last
line printed is {"status": EXIT CODE, "written": everything that was written}.
"""

import fcntl
import json
import os
import pty
import select
import struct
import sys
import termios

import pyte

columns, rows, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
screen = pyte.Screen(columns, rows)
stream = pyte.ByteStream(screen)
process, terminal = pty.fork()
if process == 0:
    os.environ["TERM"] = "xterm"
    os.execvp(command[0], command)
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

written, last = b"", None


def look():
    global last
    shown = [line.rstrip() for line in screen.display]
    while shown and not shown[-1]:
        shown.pop()
    if shown != last:
        last = shown
        print(json.dumps(shown), flush=True)


while True:
    if not select.select([terminal], [], [], 0.05)[0]:
        look()
        continue
    try:
        piece = os.read(terminal, 65536)
    except OSError:
        break
    if not piece:
        break
    written += piece
    stream.feed(piece)
look()
status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
print(json.dumps({"status": status, "written": written.decode(errors="replace")}))
