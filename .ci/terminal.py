"""Runs commands on a terminal, as a person would, and answers what they ask."""

import os
import pty
import re
import select
import signal
import subprocess
import time

# A last line that waits: SAM's "... [Y/n]: ", "[aoai-bridge]: ", ours "[y/N] ".
QUESTION = re.compile(rb"[^\r\n]*\[[^\]\r\n]*\]:? ?\x1b?(?:\[0m)?$")


def run(command, folder, env, answer, limit=600):
    """Runs command on a terminal until it ends, and returns its status, what it printed and what it asked.

    answer says what to type at a question. A command that has asked nothing and not ended after limit seconds is killed.
    """
    master, slave = pty.openpty()
    process = subprocess.Popen(command, cwd=folder, env=env, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    printed, asked, seen, end = b"", [], 0, time.monotonic() + limit
    while True:
        ready, _, _ = select.select([master], [], [], 0.2)
        if ready:
            try:
                text = os.read(master, 65536)
            except OSError:  # closed by the last process that had it
                break
            if not text:
                break
            printed += text
            continue
        question = QUESTION.search(printed, seen)
        if question:  # and nothing more has come for a while
            seen = len(printed)
            asked.append(question[0].decode(errors="replace").strip())
            os.write(master, answer(asked[-1]).encode() + b"\n")
        if time.monotonic() > end:
            os.killpg(process.pid, signal.SIGKILL)
    os.close(master)
    return process.wait(), printed.decode(errors="replace"), asked
