"""One command run to its end: how long it took, and what it and all that it started cost."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

SAMPLE_SECONDS = 0.1
# For a command that was told to end: pytest removes its container then, redislings its servers.
ENDING_SECONDS = 30
PROC = Path("/proc")


@dataclass(frozen=True)
class Measured:
    """What one run cost. Memory is in MiB; what can't be had on this system is `None`."""

    wall: float
    # User and system seconds of the command and of all its descendants that were waited for.
    cpu: float
    # Busy seconds of the whole machine meanwhile: also the engine, the containers, and whatever else ran.
    machine_cpu: float | None
    # The largest resident set of the command's own process, or without /proc of the largest of its processes.
    main_mb: float
    # The largest sum of proportional set sizes of the command and its descendants, sampled.
    tree_mb: float | None
    status: int
    stdout: str
    stderr: str


def run(command, env=None, cwd=None):
    """Runs `command`, with nothing to read. A Ctrl-C is handed on, and its end waited for."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        machine, began = machine_cpu(), time.monotonic()
        # A group of its own: it must get one Ctrl-C, ours, and not the terminal's as well.
        process = subprocess.Popen(
            [str(word) for word in command], env=env, cwd=cwd, stdin=subprocess.DEVNULL,
            stdout=out, stderr=err, process_group=0,
        )
        with ended_with_us(process), Sampler(process.pid) as sampler:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - began
        busy = None if machine is None else machine_cpu() - machine
        texts = [(stream.seek(0), stream.read())[1] for stream in (out, err)]
        return Measured(
            wall, usage.ru_utime + usage.ru_stime, busy, sampler.main_mb or largest_mb(usage), sampler.tree_mb,
            process.returncode, *texts,
        )


class ended_with_us:
    """Ends the process if we are ended: first as Ctrl-C does, so that it can clean up."""

    def __init__(self, process):
        self.process = process

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        # Programs that it ran may go on for a moment.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


def largest_mb(usage):
    """Of the command and its descendants: all that is known without /proc, or of what ends at once."""
    return usage.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)


def machine_cpu():
    """Busy seconds of all cores since the machine started; `None` without /proc."""
    try:
        words = (PROC / "stat").read_text().split("\n", 1)[0].split()
    except OSError:
        return None
    user, nice, system, _idle, _iowait, irq, softirq = map(int, words[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


class Sampler:
    """Looks at a process and its descendants ten times a second, where there is a /proc."""

    def __init__(self, pid):
        self.pid, self.main_mb, self.tree_mb = pid, None, None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._watch)

    def __enter__(self):
        if (PROC / "self").exists():
            self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        if self.thread.ident is not None:
            self.thread.join()

    def _watch(self):
        while not self.ended.wait(SAMPLE_SECONDS):
            # The high-water mark only grows, so the last look holds it.
            self.main_mb = status_mb(self.pid, "VmHWM") or self.main_mb
            tree = sum(proportional_mb(pid) for pid in descendants(self.pid))
            self.tree_mb = max(self.tree_mb or 0, tree) or None


def status_mb(pid, field):
    try:
        lines = (PROC / str(pid) / "status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{field}:")), None)


def proportional_mb(pid):
    """A page that several processes share is counted once; a process that has ended is nothing."""
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0)


def descendants(pid):
    """The process and all below it."""
    children = {}
    for entry in PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # The name, in brackets, may hold anything.
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError, ValueError):
            continue
        children.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for one in found:
        found.extend(children.get(one, []))
    return found
