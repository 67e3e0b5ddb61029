"""The attempts of a lesson: what `verify` makes of it, read here a second time, for the peer and the floor.

The format is that of lessons/README.md, as far as the lessons of this benchmark use it.
"""

import re
import tomllib
from dataclasses import asdict, dataclass, field

FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
LANGUAGES = ("python", "redis")


@dataclass
class Exercise:
    settings: dict
    checks: list
    id: str
    crash: str
    setup: list = field(default_factory=list)
    # Language, role, the check of `fails=` (or ""), text.
    answers: list = field(default_factory=list)


@dataclass
class Attempt:
    """One answer and what is expected of it."""

    # As `verify` names it: `creating-snapshots/python/wrong-2`.
    id: str
    language: str
    text: str
    setup: list
    settings: dict
    checks: list
    # "exit" or "settled": when the server is killed, if a check asks for it.
    crash: str
    # "passes", "fails", "fails-on" (and perhaps on others) or "fails-exactly-on".
    expectation: str
    check: str


def exercises(markdown):
    """Those of one lesson, in order."""
    for section in re.split(r"^## ", markdown, flags=re.MULTILINE)[1:]:
        fences = [(it["info"].split(), it["text"]) for it in FENCE.finditer(section)]
        table = next((text for info, text in fences if info[:2] == ["toml", "exercise"]), None)
        if table is not None:
            yield exercise(tomllib.loads(table), fences)


def exercise(table, fences):
    found = Exercise(table.get("server", {}), table["check"], table["id"], table.get("crash", "settled"))
    for (language, *role), text in fences:
        match role:
            case ["setup"]:
                found.setup += text.splitlines()
            case ["starter" | "wrong" as kind, fails]:
                found.answers.append((language, kind, fails.removeprefix("fails="), text))
            case ["solution"]:
                found.answers.append((language, "solution", "", text))
    return found


def attempts(exercise, languages=LANGUAGES):
    """All attempts of an exercise, the empty answer among them."""
    for language in languages:
        of_language = [it for it in exercise.answers if it[0] == language]
        if not any(kind == "solution" for _, kind, _, _ in of_language):
            continue
        counts = {"solution": 0, "wrong": 0}
        for _, kind, check, text in of_language:
            if kind == "starter":
                yield attempt(exercise, language, kind, text, "fails-on", check)
                continue
            counts[kind] += 1
            expectation = "passes" if kind == "solution" else "fails-exactly-on"
            yield attempt(exercise, language, f"{kind}-{counts[kind]}", text, expectation, check)
        yield attempt(exercise, language, "empty", "", "fails", "")


def attempt(exercise, language, name, text, expectation, check):
    return Attempt(
        f"{exercise.id}/{language}/{name}", language, text, exercise.setup, exercise.settings,
        exercise.checks, exercise.crash, expectation, check,
    )


def as_json(all_attempts):
    return [asdict(attempt) for attempt in all_attempts]
