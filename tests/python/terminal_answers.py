"""A terminal that answers questions about its colours, as kitty does, or only the device attributes: runs a program in it, and tells which
colours the program then used. Answers as JSON: true colours and indexed ones that were drawn, and whether a text was shown.

    terminal_answers.py yes|no TEXT PROGRAM [ARG ...]
"""
import fcntl, json, os, pty, re, select, struct, sys, termios, time

knows, text, command = sys.argv[1] == "yes", sys.argv[2], sys.argv[3:]
pid, terminal = pty.fork()
if pid == 0:
    for name in ("COLORTERM", "NO_COLOR", "WT_SESSION", "TERM_PROGRAM"):
        os.environ.pop(name, None)
    os.environ["TERM"] = "xterm-256color"
    os.execvp(command[0], command)
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
os.kill(pid, 28)  # SIGWINCH
seen, answered, began, quitting = b"", 0, time.monotonic(), False
questions = re.compile(rb"\x1b\[c|\x1b\[\?u|\x1bP\$qm\x1b\\|\x1bP\+q([0-9a-fA-F]+)\x1b\\")
while time.monotonic() - began < 40:
    ready, _, _ = select.select([terminal], [], [], 0.2)
    if ready:
        try:
            part = os.read(terminal, 65536)
        except OSError:
            break
        if not part:
            break
        seen += part
    for match in list(questions.finditer(seen, answered)):
        answered = match.end()
        question = match.group(0)
        if question == b"\x1b[c":
            os.write(terminal, b"\x1b[?62;22c")
        elif question.startswith(b"\x1bP$q"):
            os.write(terminal, b"\x1bP1$r0;48:2:1:2:3m\x1b\\" if knows else b"\x1bP0$r\x1b\\")
        elif question.startswith(b"\x1bP+q"):
            os.write(terminal, (b"\x1bP1+r" if knows and match.group(1) == b"524742" else b"\x1bP0+r") + match.group(1) + b"\x1b\\")
    drawn = re.sub(rb"\x1b\[[0-9;:?]*[A-Za-z]", b" ", seen)
    if not quitting and "▀".encode() in seen and time.monotonic() - began > 1.5:
        quitting = True
        os.write(terminal, b"q")
try:
    os.kill(pid, 15)
except ProcessLookupError:
    pass
words = " ".join(drawn.decode("utf-8", "replace").split())
print(json.dumps({"true": len(re.findall(rb"\x1b\[[0-9;]*[34]8;2;", seen[answered:])), "indexed": len(re.findall(rb"\x1b\[[0-9;]*[34]8;5;", seen[answered:])), "says": text.replace(" ", "") in words.replace(" ", "")}))
