"""The same attempts by `verify`, by both peers, and as bare programs."""

import json
import os
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

import attempts
import courses
import measure
from surroundings import HERE, ROOT

LESSON_4 = ROOT / "lessons" / "04-snapshotting.md"
# Without `restore-from-the-dump`, which is about what was sent when: the peers see only effects.
LESSON_4_EXERCISES = ("creating-snapshots", "using-bgsave", "trigger-snapshots-manually", "save-blocks-everyone")
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


@dataclass
class Set:
    """Attempts that all of them run."""

    name: str
    # The folder with the lessons, for verify.
    lessons: object
    # What is named on verify's command line.
    only: list
    attempts: list
    # Ids of those that do not do what the lesson says.
    misfiled: set
    # How many times as fast as the peers verify has to be.
    peer_times: int
    fast_peer_times: int | None


def compare(stage, options, report):
    report.machine(stage, CORES)
    sets = [cheap(stage)] if options.quick else [cheap(stage), lesson_4(stage)]
    for one in sets:
        compare_set(stage, options, report, one)


def cheap(stage):
    lesson = courses.cheap_lesson()
    folder = courses.write(stage.folder / "cheap", [lesson])
    found = [it for exercise in attempts.exercises(lesson) for it in attempts.attempts(exercise)]
    return Set("cheap attempts", folder, [], found, courses.MISFILED, 20, 8)


def lesson_4(stage):
    """A course of this lesson alone."""
    lesson = LESSON_4.read_text()
    folder = courses.write(stage.folder / "lesson-4", [lesson])
    exercises = [exercise for exercise in attempts.exercises(lesson) if exercise.id in LESSON_4_EXERCISES]
    found = [one for exercise in exercises for one in attempts.attempts(exercise, ["python"])]
    only = [f"{name}/python" for name in LESSON_4_EXERCISES]
    # Most of the time are slow saves. All have containers of their own, so the fast peer has nothing to share.
    return Set("Python answers of lesson 4", folder, only, found, set(), 12, None)


def compare_set(stage, options, report, one):
    """A peer runs once in the middle of the others, so that a machine's mood does not meet one of them alone."""
    file = stage.folder / "attempts.json"
    file.write_text(json.dumps(attempts.as_json(one.attempts)))
    runs = {"verify": [], "peer": [], "fast peer": [], "floor": []}
    for number in range(max(options.repeat, options.peer_repeat)):
        if number < options.repeat:
            runs["verify"].append(verify(stage, one, report))
            runs["floor"].append(floor(stage, file, report))
        if number < options.peer_repeat:
            runs["peer"].append(peer(stage, one, file, report))
            runs["fast peer"].append(fast_peer(stage, options.peer_workers, one, file, report))
    report.comparison(one, runs)


def verify(stage, one, report):
    report.say(f"{one.name}: verify")
    command = [
        stage.program, "verify", *one.only, "--lessons", one.lessons, "--format", "json",
        "--server", "container", "--image", stage.image, *stage.without_mutants(),
    ]
    measured = measure.run(command, stage.environment(), stage.folder)
    try:
        cases = {case["case"]: case["outcome"] for case in json.loads(measured.stdout)["cases"]}
    except (ValueError, KeyError):
        raise SystemExit(f"verify gave no report:\n{measured.stderr[-2000:]}") from None
    judged(one, "verify", cases)
    return measured


def peer(stage, one, file, report):
    report.say(f"{one.name}: pytest with a container for each attempt")
    return run_pytest(stage, one, file, "the peer", [], {})


def fast_peer(stage, workers, one, file, report):
    report.say(f"{one.name}: pytest-xdist with a container for each of {workers} workers")
    options = ["--numprocesses", workers, "--dist", "worksteal"]
    return run_pytest(stage, one, file, "the fast peer", options, {"BENCH_SHARED": "1"})


def run_pytest(stage, one, file, who, options, settings):
    results = stage.folder / "peer.xml"
    command = [
        stage.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, "--basetemp", stage.folder / "pytest",
        "--junit-xml", results, HERE / "peer",
    ]
    environment = stage.environment(
        BENCH_ATTEMPTS=str(file), BENCH_IMAGE=stage.image, BENCH_PROGRAM=stage.image_program,
        BENCH_LABEL=stage.label, TESTCONTAINERS_RYUK_DISABLED="true", **settings,
    )
    measured = measure.run(command, environment, stage.folder)
    if measured.status not in (0, 1):
        raise SystemExit(f"pytest ended with {measured.status}:\n{measured.stdout[-2000:]}{measured.stderr[-2000:]}")
    judged(one, who, dict(peer_results(results)))
    return measured


def peer_results(path):
    for case in ElementTree.parse(path).iter("testcase"):
        name = case.get("name").partition("[")[2].removesuffix("]")
        if case.find("error") is not None:
            raise SystemExit(f"pytest could not check {name}: {case.find('error').get('message')}")
        yield name, "passed" if case.find("failure") is None else "failed"


def judged(one, who, outcomes):
    """Refuses results that are not those that every judge must come to: then no time is worth comparing."""
    expected = {attempt.id: "failed" if attempt.id in one.misfiled else "passed" for attempt in one.attempts}
    if outcomes != expected:
        ids = sorted(expected.keys() | outcomes.keys())
        lines = [
            f"  {name}: expected {expected.get(name, 'nothing')}, found {outcomes.get(name, 'nothing')}"
            for name in ids if expected.get(name) != outcomes.get(name)
        ]
        raise SystemExit(f"{one.name}: {who} judges otherwise than it must\n" + "\n".join(lines))


def floor(stage, file, report):
    report.say("the bare programs")
    ports = stage.engine("serve", stage.image, stage.label, CORES)
    programs = stage.folder / "programs"
    programs.mkdir(exist_ok=True)
    measured = measure.run([stage.python, HERE / "floor.py", file, programs, *ports], stage.environment())
    stage.sweep()
    if measured.status != 0:
        raise SystemExit(f"the bare programs could not be run:\n{measured.stderr[-2000:]}")
    return measured
