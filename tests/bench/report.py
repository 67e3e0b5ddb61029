"""What was measured, as text and for programs, and which limits it keeps."""

import os
import platform
import sys
from dataclasses import asdict

FLOOR_TIMES = 1.5
LOADING_MS = 200
MEMORY_MB = 60
# "Flat": 100 times the exercises may cost this much more, and their texts and results are in it.
GROWTH_MB = 20

COLUMNS = ("wall s", "CPU s", "machine CPU s", "own MB", "tree MB")


class Report:
    def __init__(self, options):
        names = ("quick", "repeat", "peer_repeat", "peer_workers")
        self.json = {name: getattr(options, name) for name in names}
        self.kept, self.missed = [], []

    def say(self, line):
        """What goes on now."""
        print(f"... {line}", file=sys.stderr, flush=True)

    def machine(self, stage, cores):
        load = os.getloadavg()[0]
        self.json["machine"] = {
            "system": platform.platform(), "cores": cores, "load": load, "image": stage.image,
            "python": platform.python_version(),
        }
        print(f"{platform.system()} {platform.machine()}, {cores} cores, load {load:.1f} before; image {stage.image}")

    def comparison(self, one, runs):
        languages = [attempt.language for attempt in one.attempts]
        counts = ", ".join(f"{languages.count(name)} {name}" for name in ("python", "redis") if name in languages)
        print(f"\n{len(one.attempts)} attempts, {one.name} ({counts})")
        print(row("", COLUMNS))
        middles = {who: middle(measured) for who, measured in runs.items()}
        for who, measured in middles.items():
            print(row(f"{who} ({len(runs[who])}x)", [number(value) for value in figures(measured)]))
        wall = {who: measured.wall for who, measured in middles.items()}
        times, times_fast = wall["peer"] / wall["verify"], wall["fast peer"] / wall["verify"]
        above = wall["verify"] / wall["floor"]
        print(f"verify is {times:.1f} times as fast as the peer and {times_fast:.1f} times as fast as the fast peer, "
              f"and takes {above:.2f} times the floor")
        self.faster(one, "the peer", one.peer_times, times)
        if one.fast_peer_times is not None:
            self.faster(one, "the fast peer", one.fast_peer_times, times_fast)
        self.limit(f"{one.name}: at most {FLOOR_TIMES} times the floor", above <= FLOOR_TIMES, f"{above:.2f}")
        self.memory(one.name, max(run.main_mb for run in runs["verify"]))
        self.json.setdefault("sets", []).append({
            "name": one.name, "attempts": len(one.attempts),
            "times_peer": times, "times_fast_peer": times_fast, "times_floor": above,
            "runs": {who: [plain(run) for run in measured] for who, measured in runs.items()},
        })

    def growth(self, rows, server):
        print(f"\nverify as a course grows, three attempts an exercise (--server {server})")
        print(row("exercises", ("wall s", "wall ms each", "CPU ms each", "own MB", "tree MB")))
        for size, run in rows:
            each = 1000 / (3 * size)
            values = (run.wall, run.wall * each, run.cpu * each, run.main_mb, run.tree_mb)
            print(row(str(size), [number(value) for value in values]))
            self.memory(f"{size} exercises", run.main_mb)
        self.json["growth"] = [{"exercises": size, **plain(run)} for size, run in rows]
        (few, small), (many, large) = rows[0], rows[-1]
        more = large.main_mb - small.main_mb
        self.limit(f"{many} exercises: at most {GROWTH_MB} MB more than {few}", more <= GROWTH_MB, f"{more:.1f} MB")

    def loading(self, count, lines, started, loaded):
        start, all_of_it = (1000 * middle(runs).wall for runs in (started, loaded))
        best, cpu = (1000 * min(figure) for figure in zip(*((run.wall, run.cpu) for run in loaded)))
        print(f"\n{count} lessons of {lines} lines: listed in {all_of_it:.0f} ms, of which {start:.0f} are the start "
              f"of the program (medians of {len(loaded)}; the best {best:.0f}, the least CPU {cpu:.0f})")
        self.limit(f"{count} lessons in {LOADING_MS} ms", all_of_it <= LOADING_MS, f"{all_of_it:.0f} ms")
        self.memory(f"{count} lessons", max(run.main_mb for run in loaded))
        self.json["loading"] = {
            "lessons": count, "lines_each": lines, "start_ms": start, "median_ms": all_of_it, "best_ms": best,
            "least_cpu_ms": cpu,
        }

    def faster(self, one, whom, wanted, times):
        self.limit(f"{one.name}: at least {wanted} times as fast as {whom}", times >= wanted, f"{times:.1f}")

    def memory(self, what, megabytes):
        self.limit(f"{what}: at most {MEMORY_MB} MB of its own", megabytes <= MEMORY_MB, f"{megabytes:.1f} MB")

    def nothing_left(self, stage):
        left = stage.leftovers()
        self.limit("nothing is left behind", not left, ", ".join(left) or "nothing")

    def limit(self, text, is_kept, found):
        (self.kept if is_kept else self.missed).append(f"{text}: {found}")

    def end(self):
        print()
        for line in self.missed:
            print(f"missed: {line}")
        all_of_them = len(self.kept) + len(self.missed)
        print(f"{len(self.kept)} of {all_of_them} limits kept")

    def as_json(self):
        return {**self.json, "kept": self.kept, "missed": self.missed}


def middle(runs):
    """The run with the median wall time."""
    return sorted(runs, key=lambda run: run.wall)[(len(runs) - 1) // 2]


def figures(run):
    return run.wall, run.cpu, run.machine_cpu, run.main_mb, run.tree_mb


def number(value):
    return "-" if value is None else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def row(name, cells):
    return f"  {name:<16}" + "".join(f"{cell:>15}" for cell in cells)


def plain(run):
    values = asdict(run)
    return {name: values[name] for name in ("wall", "cpu", "machine_cpu", "main_mb", "tree_mb")}
