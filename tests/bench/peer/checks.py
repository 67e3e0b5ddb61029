"""Which checks of an exercise an attempt has failed. `sent` is not asked: it needs what redislings' tap sees."""

import operator
import re

RELATIONS = {
    ">=": operator.ge, "<=": operator.le, "!=": operator.ne, ">": operator.gt, "<": operator.lt,
}


def failed_checks(checks, evidence):
    """Their ids, in the lesson's order; a check whose `needs` are not met is not reached, and not failed."""
    met, failed = {}, []
    if evidence.status not in (None, 0):
        failed.append("ends-well")
    for check in checks:
        seen = is_met(check, evidence)
        if seen is None:
            continue
        reached = all(met.get(name, True) for name in check.get("needs", []))
        met[check["id"]] = reached and seen
        if reached and not seen:
            failed.append(check["id"])
    return failed


def is_met(check, evidence):
    """`None` where it is not asked of this answer."""
    at = check.get("at", "settled")
    match check:
        case {"stdout": text}:
            return None if evidence.stdout is None else has_lines(evidence.stdout, text)
        case {"sent": _}:
            return None
        case {"blocked": limit}:
            return compare(evidence.longest_wait * 1000, limit.removesuffix("ms"))
        case {"reply": replies}:
            return all(same_reply(evidence.replies.get((at, command)), wanted) for command, wanted in replies.items())
        case {"dump": {"holds": "before"}}:
            return evidence.strings.get("restore") == evidence.strings["before"]
        case {"lastsave": wanted}:
            moved = look_at(evidence, at)["lastsave"] != evidence.before["lastsave"]
            return moved == (wanted == "advanced")
        case {"info": fields}:
            return all(compare(look_at(evidence, at).get(name), wanted) for name, wanted in fields.items())
        case {"calls": counts}:
            now = look_at(evidence, at)
            return all(
                compare(succeeded(now, name) - succeeded(evidence.before, name), wanted)
                for name, wanted in counts.items()
            )
    raise NotImplementedError(check)


def look_at(evidence, at):
    """With `crash = "exit"` nothing settles: the look at exit is the last."""
    return evidence.looks.get(at) or evidence.looks["exit"]


def succeeded(look, commands):
    """How often, of one command or of several: `save+bgsave`."""
    stats = [look.get(f"cmdstat_{command}", {}) for command in commands.split("+")]
    return sum(one.get("calls", 0) - one.get("failed_calls", 0) for one in stats)


def compare(found, wanted):
    """`wanted` is a value, or a relation such as ">= 1"."""
    relation = re.fullmatch(r"\s*(>=|<=|!=|>|<)\s*(\d+)\s*", str(wanted))
    if relation is None:
        return str(found) == str(wanted)
    return RELATIONS[relation[1]](found, int(relation[2]))


def has_lines(output, text):
    found, wanted = ([line.rstrip() for line in it.splitlines()] for it in (output, text))
    return any(found[start : start + len(wanted)] == wanted for start in range(len(found)))


def same_reply(found, wanted):
    """A string with its quotes or without, an integer with redis-cli's `(integer)` or without."""
    return found is not None and wanted in (found, f'"{found}"', found.removeprefix("(integer) "))


def printed(value):
    """As redis-cli prints it."""
    if value is None:
        return "(nil)"
    return f"(integer) {value:d}" if isinstance(value, int) else str(value)
