#!/usr/bin/env python3
"""Compare the verdicts of two builds of redislings.

    tests/verdicts/compare.py BEFORE AFTER [--server SERVER]... [--answers FOLDER]... [--jobs N]

BEFORE and AFTER are `redislings` binaries. Every answer in lessons/*.md (solutions, starters, wrong
answers, the empty answer) and every FOLDER/EXERCISE/FILE is checked by both on each SERVER
(`process`, `bundled`, ...; `process=/folder` puts the folder first on PATH, to choose another
version). Exit code, outcome, findings, cause and reason are compared; numbers that differ between
two runs of one build (times, LASTSAVE, ports, process ids) are not. An answer whose verdicts differ
is checked again, three times at most, so that a busy machine is not taken for a change.
Exit code 0: no difference.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
TRIES = 3
LIMIT_SECONDS = 180
# `check` records passes, which are not the user's here.
STATE = tempfile.TemporaryDirectory()
# Times with their unit, and numbers of five digits or more: LASTSAVE, ports, process ids, run ids.
VARYING = [
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), "TIME"),
    (re.compile(r"\d+(?:\.\d+)? (ms|s|min|µs)\b"), r"N \1"),
    (re.compile(r"\b[0-9a-f]{40}\b"), "RUN-ID"),
    (re.compile(r"\d{5,}"), "N"),
    (re.compile(r"/tmp/[^\s`\"']+"), "PATH"),
]


def answers_of_lesson(path):
    """Yields (exercise, name, language, text) for each answer in a lesson."""
    exercise, opening, lines, counts = None, None, [], {}
    for line in path.read_text().splitlines():
        if opening is not None:
            if line.rstrip() != "```":
                lines.append(line)
                continue
            words, text = opening.split(), "\n".join(lines) + "\n"
            if words[:2] == ["toml", "exercise"]:
                exercise = re.search(r'(?m)^id = "([^"]+)"', text).group(1)
                yield exercise, "empty", "redis", "\n"
            elif exercise and len(words) > 1 and words[1] in ("solution", "starter", "wrong"):
                name = "-".join(words[:2])
                counts[exercise, name] = counts.get((exercise, name), 0) + 1
                yield exercise, f"{name}-{counts[exercise, name]}", words[0], text
            opening = None
        elif line.startswith("```"):
            opening, lines = line[3:].strip() or "text", []
        elif line.startswith("## "):
            exercise = None


def normalised(value):
    if isinstance(value, str):
        for pattern, replacement in VARYING:
            value = pattern.sub(replacement, value)
        return value
    if isinstance(value, list):
        return [normalised(item) for item in value]
    if isinstance(value, dict):
        return {key: normalised(item) for key, item in value.items()}
    return value


def verdict(binary, exercise, path, server):
    environment = dict(os.environ, XDG_STATE_HOME=STATE.name)
    kind, _, folder = server.partition("=")
    if folder:
        environment["PATH"] = folder + os.pathsep + environment["PATH"]
    command = [binary, "check", exercise, path, "--server", kind, "--format", "json", "--port", "0"]
    command += ["--lessons", str(ROOT / "lessons")]
    run = subprocess.run(
        command,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=LIMIT_SECONDS,
        stdin=subprocess.DEVNULL,
        env=environment,
    )
    try:
        document = json.loads(run.stdout)
    except ValueError:
        return {"exit": run.returncode, "stderr": normalised(run.stderr)}
    kept = {key: document.get(key) for key in ("outcome", "findings", "reason")}
    cause = document.get("cause")
    kept["cause"] = cause and {"id": cause.get("id"), "text": cause.get("text")}
    return {"exit": run.returncode, **normalised(kept)}


def flat(document):
    """One value for each finding and field, so that only what differs is shown."""
    values = dict(document)
    for finding in values.pop("findings", None) or []:
        values[finding["check"]] = finding
    return values


def differences(before, after):
    return [key for key in sorted({*before, *after}) if before.get(key) != after.get(key)]


def decided(document):
    """What is decided, whatever words say it: exit code, outcome of each check, cause."""
    outcomes = {finding["check"]: finding["outcome"] for finding in document.get("findings") or []}
    cause = document.get("cause")
    return document["exit"], document.get("outcome"), outcomes, cause and cause["id"]


def compare(task):
    options, server, (exercise, name, path) = task
    seen = []
    for _ in range(TRIES):
        pair = [verdict(binary, exercise, path, server) for binary in (options.before, options.after)]
        if not differences(*pair):
            return None
        seen.append(pair)
    before, after = seen[-1]
    kind = "other words" if decided(before) == decided(after) else "ANOTHER VERDICT"
    before, after = flat(before), flat(after)
    differing = differences(before, after)
    lines = [f"{kind}: {server} {exercise} {name}: {', '.join(differing)}"]
    for key in differing:
        lines.append(f"  before {json.dumps(before.get(key), ensure_ascii=False)}")
        lines.append(f"  after  {json.dumps(after.get(key), ensure_ascii=False)}")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before")
    parser.add_argument("after")
    parser.add_argument("--server", action="append")
    parser.add_argument("--answers", action="append", default=[], type=pathlib.Path)
    parser.add_argument("--jobs", type=int, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        answers = []
        for lesson in sorted((ROOT / "lessons").glob("[0-9]*.md")):
            for exercise, name, language, text in answers_of_lesson(lesson):
                path = pathlib.Path(folder) / f"{exercise}-{name}.{'py' if language == 'python' else 'redis'}"
                path.write_text(text)
                answers.append((exercise, name, str(path)))
        known = {exercise for exercise, _, _ in answers}
        for given in options.answers:
            for path in sorted(given.glob("*/*")):
                if path.parent.name in known:
                    answers.append((path.parent.name, path.name, str(path)))
        servers = options.server or ["process"]
        tasks = [(options, server, answer) for server in servers for answer in answers]
        changed = others = 0
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for difference in pool.map(compare, tasks):
                if difference:
                    changed += 1
                    others += difference.startswith("ANOTHER")
                    print(difference, flush=True)
    print(f"{len(tasks)} verdicts compared: {others} others, {changed - others} in other words")
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
