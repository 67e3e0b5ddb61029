"""The courses that are measured: one of cheap attempts, and generated ones of any size."""

from dataclasses import dataclass

PROGRAM = """\
import time

import redis

client = redis.Redis(host="localhost", port=6379, decode_responses=True)

"""
WAIT = """\
deadline = time.monotonic() + 5
while client.info("persistence")["rdb_bgsave_in_progress"]:
    if time.monotonic() > deadline:
        raise SystemExit("the background save takes too long")
    time.sleep(0.005)
"""


@dataclass(frozen=True)
class Exercise:
    id: str
    task: str
    checks: str
    # Each with its role; a program is written without its first lines.
    python: tuple
    redis: tuple
    setup: str = ""

    def markdown(self):
        parts = [f"## {self.id}\n", f"{self.task}\n", "> [!TIP]\n> Which command does that?\n"]
        parts.append(f'```toml exercise\nid = "{self.id}"\n\n{self.checks.strip()}\n```\n')
        if self.setup:
            parts.append(f"```redis setup\n{self.setup}```\n")
        parts += [f"```python {role}\n{PROGRAM}{body}```\n" for role, body in self.python]
        parts += [f"```redis {role}\n{body}```\n" for role, body in self.redis]
        return "\n".join(parts)


KEPT = Exercise(
    "keep-the-loan",
    "A reader has borrowed a book. Bring the loan to disk with `SAVE`, and print `Kept.` in Python.",
    """
[[check]]
id = "snapshot-is-new"
lastsave = "advanced"

[[check]]
id = "saved-in-the-foreground"
calls = { save = ">= 1" }
needs = ["snapshot-is-new"]

[[check]]
id = "says-so"
stdout = "Kept."
""",
    (
        ("starter fails=snapshot-is-new", 'client.lastsave()\nprint("Kept.")\n'),
        ("solution", 'client.save()\nprint("Kept.")\n'),
        ("wrong fails=saved-in-the-foreground", f'client.bgsave()\n{WAIT}print("Kept.")\n'),
        ("wrong fails=says-so", 'client.save()\nprint("kept")\n'),
        # See MISFILED.
        ("wrong fails=says-so", 'client.save()\nprint("Kept.")\n'),
    ),
    (
        ("starter fails=snapshot-is-new", "LASTSAVE\n"),
        ("solution", "SAVE\n"),
        ("wrong fails=saved-in-the-foreground", "BGSAVE\n@wait-bgsave\n"),
    ),
    setup="SET loan:1 out\n",
)

BACKGROUND = Exercise(
    "save-while-readers-come",
    "The desk is open: save in the background, and let nobody wait for `SAVE`.",
    """
[[check]]
id = "save-is-not-used"
calls = { save = 0 }

[[check]]
id = "snapshot-is-new"
lastsave = "advanced"
needs = ["save-is-not-used"]
""",
    (
        ("starter fails=save-is-not-used", "client.save()\n"),
        ("solution", f"client.bgsave()\n{WAIT}"),
        ("wrong fails=snapshot-is-new", WAIT),
        ("wrong fails=save-is-not-used", f"client.bgsave()\n{WAIT}client.save()\n"),
    ),
    (
        ("starter fails=save-is-not-used", "SAVE\n"),
        ("solution", "BGSAVE\n@wait-bgsave\n"),
        ("wrong fails=snapshot-is-new", "LASTSAVE\n"),
    ),
    setup="MSET loan:1 out loan:2 out loan:3 in\n",
)

NOTHING_UNSAVED = Exercise(
    "leave-nothing-unsaved",
    "Lend book 2: `loan:2` is `out`. When you are done, no change may be unsaved.",
    """
[[check]]
id = "loan-is-stored"
reply = { "GET loan:2" = "out" }

[[check]]
id = "nothing-is-unsaved"
info = { rdb_changes_since_last_save = 0, rdb_bgsave_in_progress = 0 }
needs = ["loan-is-stored"]
""",
    (
        ("starter fails=nothing-is-unsaved", 'client.set("loan:2", "out")\n'),
        ("solution", 'client.set("loan:2", "out")\nclient.save()\n'),
        ("wrong fails=nothing-is-unsaved", 'client.save()\nclient.set("loan:2", "out")\n'),
        ("wrong fails=loan-is-stored", 'client.set("loan:3", "out")\nclient.save()\n'),
    ),
    (
        ("starter fails=nothing-is-unsaved", "SET loan:2 out\n"),
        ("solution", "SET loan:2 out\nSAVE\n"),
        # See MISFILED.
        ("solution", "SAVE\nSET loan:2 out\n"),
        ("wrong fails=loan-is-stored", "SET loan:2 in\nSAVE\n"),
    ),
    setup="SET loan:2 in\n",
)

CRASH = Exercise(
    "survive-the-crash",
    "Two books come back: `loan:1` and `loan:2` are `in`, also after the server was killed.",
    """
[[check]]
id = "loans-are-stored"
at = "exit"
reply = { "GET loan:1" = "in", "GET loan:2" = "in" }

[[check]]
id = "loans-survive"
at = "crash"
reply = { "GET loan:1" = "in", "GET loan:2" = "in" }
needs = ["loans-are-stored"]
""",
    (
        ("starter fails=loans-survive", 'client.mset({"loan:1": "in", "loan:2": "in"})\n'),
        ("solution", 'client.mset({"loan:1": "in", "loan:2": "in"})\nclient.save()\n'),
        ("wrong fails=loans-survive", 'client.set("loan:1", "in")\nclient.save()\nclient.set("loan:2", "in")\n'),
        ("wrong fails=loans-are-stored", 'client.set("loan:1", "in")\nclient.save()\n'),
    ),
    (
        ("starter fails=loans-survive", "MSET loan:1 in loan:2 in\n"),
        ("solution", "MSET loan:1 in loan:2 in\nBGSAVE\n@wait-bgsave\n"),
        ("wrong fails=loans-survive", "SAVE\nMSET loan:1 in loan:2 in\n"),
    ),
    setup="MSET loan:1 out loan:2 out\n",
)

COUNTED = Exercise(
    "count-a-visit",
    "One more reader has come: count in one step, so that `visits` is 8. Nothing is to be saved.",
    """
[[check]]
id = "visit-is-counted"
reply = { "GET visits" = "8" }

[[check]]
id = "counted-in-one-step"
calls = { set = 0 }
needs = ["visit-is-counted"]

[[check]]
id = "nothing-was-saved"
lastsave = "unchanged"
""",
    (
        ("starter fails=visit-is-counted", 'print(client.get("visits"))\n'),
        ("solution", 'client.incr("visits")\n'),
        ("wrong fails=counted-in-one-step", 'client.set("visits", int(client.get("visits")) + 1)\n'),
        ("wrong fails=nothing-was-saved", 'client.incr("visits")\nclient.save()\n'),
    ),
    (
        ("starter fails=visit-is-counted", "GET visits\n"),
        ("solution", "INCR visits\n"),
        ("wrong fails=nothing-was-saved", "INCR visits\nSAVE\n"),
    ),
    setup="SET visits 7\n",
)

READER = Exercise(
    "a-reader-for-ever",
    "Store reader 7 as a hash with `name` `Ada` and `books` `2`; a crash must not take the reader away.",
    """
[[check]]
id = "reader-is-stored"
at = "exit"
reply = { "HGET reader:7 name" = "Ada", "HGET reader:7 books" = "2" }

[[check]]
id = "snapshot-is-new"
lastsave = "advanced"
needs = ["reader-is-stored"]

[[check]]
id = "reader-survives"
at = "crash"
reply = { "HLEN reader:7" = "(integer) 2", "EXISTS reader:8" = "(integer) 0" }
needs = ["snapshot-is-new"]
""",
    (
        ("starter fails=snapshot-is-new", 'client.hset("reader:7", mapping={"name": "Ada", "books": "2"})\n'),
        ("solution", f'client.hset("reader:7", mapping={{"name": "Ada", "books": "2"}})\nclient.bgsave()\n{WAIT}'),
        ("wrong fails=reader-survives",
         'client.save()\nclient.hset("reader:7", mapping={"name": "Ada", "books": "2"})\n'),
        ("wrong fails=reader-is-stored", 'client.hset("reader:7", "name", "Ada")\nclient.save()\n'),
    ),
    (
        ("starter fails=snapshot-is-new", "HSET reader:7 name Ada books 2\n"),
        ("solution", "HSET reader:7 name Ada books 2\nSAVE\n"),
        ("wrong fails=reader-survives", "HSET reader:7 name Ada\nSAVE\nHSET reader:7 books 2\n"),
    ),
)

CHEAP = (KEPT, BACKGROUND, NOTHING_UNSAVED, CRASH, COUNTED, READER)

# Attempts that do not do what their lesson says of them: whoever judges must find these two, and no others.
MISFILED = {"keep-the-loan/python/wrong-3", "leave-nothing-unsaved/redis/solution-2"}


def cheap_lesson():
    """Attempts that take no longer than their program: no save is slowed down."""
    return "# The library\n\n" + "\n".join(exercise.markdown() for exercise in CHEAP)


COURSE_TOML = 'format = 1\ntitle = "Measured"\n'


def write(folder, lessons):
    """A course of these lessons, as files."""
    folder.mkdir(parents=True)
    (folder / "course.toml").write_text(COURSE_TOML)
    for number, text in enumerate(lessons, start=1):
        (folder / f"{number:04}-lesson-{number:04}.md").write_text(text)
    return folder


COUNTER = """\
## Counter {number}

Add one to `counter:{number}`.

> [!TIP]
> There is a command that reads, adds and writes in one step.

```toml exercise
id = "counter-{number}"

[[check]]
id = "is-counted"
reply = {{ "GET counter:{number}" = "2" }}
```

```redis setup
SET counter:{number} 1
```

```redis starter fails=is-counted
GET counter:{number}
```

```redis solution
INCR counter:{number}
```
"""
COUNTERS_IN_A_LESSON = 10
# Starter, solution, the empty answer.
COUNTER_ATTEMPTS = 3


def counting_lessons(exercises):
    """Lessons of ten exercises, each with three attempts that cost nearly nothing."""
    for first in range(1, exercises + 1, COUNTERS_IN_A_LESSON):
        numbers = range(first, min(first + COUNTERS_IN_A_LESSON, exercises + 1))
        yield f"# Counters from {first}\n\n" + "\n".join(COUNTER.format(number=number) for number in numbers)


PROSE = """\
A **snapshot** holds every key as it was at one moment. What is written later is not in it, even where the
file is still being written: the child sees the memory as it was when it was *forked*. See `INFO
persistence` for what a crash would cost right now, and [the manual](https://redis.io/docs/latest/) for more.

- `rdb_changes_since_last_save`: how many changes are not on disk
- `rdb_bgsave_in_progress`: whether a child is writing

"""
TABLE = """\
| command  | who waits | its reply means |
|----------|-----------|-----------------|
| `SAVE`   | everybody | done            |
| `BGSAVE` | nobody    | begun           |

"""


def long_lesson(number):
    """One as authors write them: prose, a table, an example and an exercise; about 150 lines."""
    exercise = KEPT.markdown().replace(KEPT.id, f"keep-loan-{number}")
    example = "```redis\n> SET loan:1 out\nOK\n> GET loan:1\n\"out\"\n```\n\n"
    return f"# Lesson {number}\n\n{PROSE}## How it works\n\n{PROSE}{TABLE}{example}{PROSE}{exercise}"
