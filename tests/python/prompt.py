"""Runs a program on a terminal of its own and answers its questions.

prompt.py ANSWERS COMMAND...: ANSWERS is a JSON list of lines, typed one after each question ("[y/N]"). Prints {"code", "said"} as JSON.
"""
import json
import os
import pty
import sys

answers, command = json.loads(sys.argv[1]), sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0:
    os.execv(command[0], command)
said, asked = b"", 0
while True:
    try:
        more = os.read(terminal, 4096)
    except OSError:
        break
    if not more:
        break
    said += more
    while said.count(b"[y/N]") > asked:
        os.write(terminal, (answers[asked] if asked < len(answers) else "\x04").encode())
        asked += 1
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
print(json.dumps({"code": code, "said": said.decode(errors="replace")}))
