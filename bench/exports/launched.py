"""Runs a command and writes down what it cost: `python -I -S launched.py RESULT COMMAND …`.

A process of its own, and a small one: the kernel counts the memory of whoever starts a process as
that process's own.
"""

import json
import os
import sys
import time

if __name__ == "__main__":
    result, *command = sys.argv[1:]
    start = time.perf_counter()
    process = os.posix_spawnp(command[0], command, os.environ)
    os.close(0)  # what is said is for the command alone, which may wait for its end
    _, status, used = os.wait4(process, 0)
    cost = {
        "wall": time.perf_counter() - start,
        "cpu": used.ru_utime + used.ru_stime,
        "peak": used.ru_maxrss * 1024,
    }
    with open(result, "w") as file:  # noqa: PTH123 - to import pathlib takes megabytes
        json.dump(cost, file)
    sys.exit(os.waitstatus_to_exitcode(status))
