"""What more exercises cost: verified, and only loaded."""

import json

import courses
import measure
from surroundings import server_without_containers

SIZES = (10, 100, 1000)
LOADED = 1000
LOADINGS = 7


def grow(stage, options, report):
    server = server_without_containers()
    rows = [(size, verify(stage, size, server, report)) for size in SIZES if size < LOADED or not options.quick]
    report.growth(rows, server)


def verify(stage, size, server, report):
    report.say(f"verify of {size} exercises")
    folder = courses.write(stage.folder / f"counters-{size}", courses.counting_lessons(size))
    command = [stage.program, "verify", "--lessons", folder, "--format", "json", "--server", server]
    measured = measure.run([*command, *stage.without_mutants()], stage.environment(), stage.folder)
    cases = json.loads(measured.stdout or "{}").get("cases", [])
    if measured.status != 0 or len(cases) != size * courses.COUNTER_ATTEMPTS:
        raise SystemExit(f"verify of {size} exercises went wrong:\n{measured.stderr[-2000:]}{measured.stdout[-2000:]}")
    return measured


def load(stage, report):
    report.say(f"loading {LOADED} lessons")
    lessons = [courses.long_lesson(number) for number in range(1, LOADED + 1)]
    folder = courses.write(stage.folder / "long", lessons)
    lines = sum(text.count("\n") for text in lessons) // LOADED
    started = runs(stage, "--version")
    loaded = runs(stage, "list", "--lessons", folder, "--format", "json")
    report.loading(LOADED, lines, started, loaded)


def runs(stage, *arguments):
    return [run(stage, arguments) for _ in range(LOADINGS)]


def run(stage, arguments):
    measured = measure.run([stage.program, *arguments], stage.environment(), stage.folder)
    if measured.status != 0:
        raise SystemExit(f"{arguments} ended with {measured.status}:\n{measured.stderr[-2000:]}")
    return measured
