"""Makes mutants of Python programs: variants that differ in one thing.

Reads JSON from the first file and writes JSON to the second. It never runs the programs.

Input: {"writers": {"SET": 0}, "values": {"MSET": [1, 2]}, "swaps": {"SAVE": "BGSAVE"}, "durable": ["SAVE"],
"asking": ["INFO"], "keys": {"DEL": [0, -1, 1]}, "options": ["nx"], "solutions": ["…"]}. `writers` gives the index of the key among a command's
arguments, `keys` the first, the last and the step of all keys of a method; `options` are the keywords that are
options of commands; `values` gives the index of the first value and the step to the next; `swaps` the command
that takes another's place, without arguments; `durable` those that bring data to disk; `asking` those that a program
sends while it waits.

Output: a list with one item for each solution: null if it is not Python, else
{"form": "…", "mutants": [{"change", "line", "text", "form", …}]}. Programs with the same form are
equal but for comments and layout. A mutant keeps everything else byte for byte.
"""

import ast
import hashlib
import json
import sys

PACKAGES = ("redis", "valkey")
CONSTRUCTORS = ("Redis", "StrictRedis", "Valkey", "StrictValkey", "from_url")
# Methods that send nothing, or nothing that matters.
NO_COMMANDS = ("pipeline", "client", "close", "aclose", "reset", "register_script")
EXITS = ("exit", "quit", "sys.exit", "os._exit")
SCRIPTS = ("EVAL", "EVALSHA", "FCALL")
KEY_NAMES = ("name", "key", "dst", "destination", "dest")
# Methods with another name than their command.
COMMANDS = {"DELETE": "DEL"}
# Options that redis-py calls otherwise, and numbers of commands that it takes by these names or at these places.
MORE_OPTIONS = ("mkstream", "maxlen", "approximate", "keepttl", "absttl", "noack")
NUMBER_NAMES = ("ex", "px", "exat", "pxat", "time", "ttl", "maxlen", "amount")
NUMBER_PLACES = {"EXPIRE": 1, "PEXPIRE": 1, "EXPIREAT": 1, "PEXPIREAT": 1, "SETEX": 1, "PSETEX": 1}
NUMBER_PLACES.update({"INCRBY": 1, "DECRBY": 1, "INCR": 1, "DECR": 1, "RESTORE": 1})
# What works with files.
FILES = ("open", "shutil", "os", "Path", "pathlib")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITIONS = FUNCTIONS + (ast.ClassDef, ast.Import, ast.ImportFrom)
SIMPLE = (ast.Expr, ast.Assign, ast.AnnAssign, ast.AugAssign)
LOOPS = (ast.While, ast.For, ast.AsyncFor)
ORDER = (
    "without-line",
    "without-waiting",
    "instead",
    "save-first",
    "earlier",
    "without-option",
    "other-number",
    "other-key",
    "other-value",
)


def dotted(node):
    """`redis.Redis`, `self.client`; None for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        value = dotted(node.value)
        return value and f"{value}.{node.attr}"
    return None


def calls_in(node):
    return (it for it in ast.walk(node) if isinstance(it, ast.Call))


def without_await(node):
    return node.value if isinstance(node, (ast.Await, ast.NamedExpr)) else node


class Names:
    """The names of a program that are Redis clients, and what its functions do with clients."""

    def __init__(self, tree, commands):
        self.tree = tree
        self.writers = commands["writers"]
        self.value_places = commands["values"]
        self.key_places = commands["keys"]
        self.options = set(commands["options"]).union(MORE_OPTIONS)
        self.durable = commands["durable"]
        self.asked = commands["asking"]
        self.imported = {}
        self.clients = set()
        self.pipelines = set()
        self.makers = set()
        self.functions = {it.name: it for it in ast.walk(tree) if isinstance(it, FUNCTIONS)}
        self._read_imports()
        self._follow_clients()
        self.touching = self._functions_with(lambda call: self.command(call) or self.is_print(call))
        self.writing = self._functions_with(self.is_write)
        self.saving = self._functions_with(self.is_save)
        self.asking = self._functions_with(self.is_question)

    def _read_imports(self):
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for it in node.names:
                    if it.name.split(".")[0] in PACKAGES:
                        self.imported[it.asname or it.name.split(".")[0]] = it.name
            elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in PACKAGES:
                for it in node.names:
                    self.imported[it.asname or it.name] = it.name

    def _follow_clients(self):
        known = -1
        while known != len(self.clients) + len(self.pipelines) + len(self.makers):
            known = len(self.clients) + len(self.pipelines) + len(self.makers)
            for node in ast.walk(self.tree):
                self._follow(node)

    def _follow(self, node):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self._bind(target, node.value)
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value:
            self._bind(node.target, node.value)
        elif isinstance(node, ast.withitem) and node.optional_vars:
            self._bind(node.optional_vars, node.context_expr)
        elif isinstance(node, FUNCTIONS):
            returned = [it.value for it in ast.walk(node) if isinstance(it, ast.Return) and it.value]
            if any(self.is_client(it) for it in returned):
                self.makers.add(node.name)
        elif isinstance(node, ast.Call) and self.function(node):
            parameters = [it.arg for it in self.function(node).args.args]
            for name, value in zip(parameters, node.args):
                self._bind(ast.Name(name), value)
            for keyword in node.keywords:
                if keyword.arg:
                    self._bind(ast.Name(keyword.arg), keyword.value)

    def _bind(self, target, value):
        name = dotted(target)
        if name and self.is_client(value):
            self.clients.add(name)
        if name and self.is_pipeline(value):
            self.pipelines.add(name)

    def _functions_with(self, is_meant):
        found = set()
        while True:
            new = {
                name
                for name, function in self.functions.items()
                if name not in found
                and any(is_meant(it) or self.calls_one_of(found, it) for it in calls_in(function))
            }
            if not new:
                return found
            found |= new

    def function(self, call):
        """The function of the program that the call runs; None for any other."""
        name = dotted(call.func)
        if not name or isinstance(call.func, ast.Attribute) and self.is_client(call.func.value):
            return None
        return self.functions.get(name.split(".")[-1])

    def calls_one_of(self, functions, call):
        function = self.function(call)
        return function is not None and function.name in functions

    def is_client(self, node):
        node = without_await(node)
        name = dotted(node)
        if name:
            return name in self.clients
        if not isinstance(node, ast.Call):
            return False
        name = dotted(node.func) or ""
        root, _, rest = name.partition(".")
        last = rest.split(".")[-1] if rest else self.imported.get(root)
        if root in self.imported and last in CONSTRUCTORS or name in self.makers:
            return True
        if not isinstance(node.func, ast.Attribute):
            return False
        is_own = node.func.attr in ("pipeline", "client", "pubsub") and self.is_client(node.func.value)
        return is_own or self.is_pipeline(node)

    def is_pipeline(self, node):
        node = without_await(node)
        if dotted(node):
            return dotted(node) in self.pipelines
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            return False
        if node.func.attr == "pipeline":
            return self.is_client(node.func.value)
        return node.func.attr != "execute" and self.is_pipeline(node.func.value)

    def command(self, call):
        """The command's name and its arguments; None if the call sends no command."""
        if not (isinstance(call.func, ast.Attribute) and self.is_client(call.func.value)):
            return None
        method = call.func.attr
        if method != "execute_command":
            return None if method in NO_COMMANDS else (method.upper(), call.args)
        first = call.args[0] if call.args else None
        if not (isinstance(first, ast.Constant) and isinstance(first.value, str) and first.value):
            return ("EXECUTE_COMMAND", [])
        return (first.value.upper(), call.args[1:])

    def is_write(self, call):
        command = self.command(call)
        return command is not None and command[0] in self.writers

    def is_save(self, call):
        command = self.command(call)
        return command is not None and command[0] in self.durable

    def is_question(self, call):
        command = self.command(call)
        return command is not None and command[0].split()[0] in self.asked

    def is_print(self, call):
        return dotted(call.func) in ("print", "sys.stdout.write")

    def touches(self, node):
        return any(
            self.command(it) or self.is_print(it) or self.calls_one_of(self.touching, it) for it in calls_in(node)
        )

    def sends(self, node):
        return any(self.command(it) or self.calls_one_of(self.touching, it) for it in calls_in(node))

    def writes(self, node):
        return any(self.is_write(it) or self.calls_one_of(self.writing, it) for it in calls_in(node))

    def saves(self, node):
        return any(self.is_save(it) or self.calls_one_of(self.saving, it) for it in calls_in(node))

    def asks(self, node):
        return any(self.is_question(it) or self.calls_one_of(self.asking, it) for it in calls_in(node))

    def keys(self, call):
        """The expressions for the keys that the call names."""
        name, arguments = self.command(call)
        name = COMMANDS.get(name, name)
        if name in ("XREAD", "XREADGROUP"):
            streams = [it for it in arguments if isinstance(it, ast.Dict)]
            streams += [it.value for it in call.keywords if it.arg == "streams" and isinstance(it.value, ast.Dict)]
            return [key for it in streams for key in it.keys if key]
        if name not in self.writers and name in self.key_places:
            first, last, step = self.key_places[name]
            named = [it.value for it in call.keywords if it.arg in KEY_NAMES][:1]
            return arguments[first : last + 1 if last >= 0 else None : step] or named
        if name not in self.writers:
            return []
        if name in ("MSET", "MSETNX"):
            pairs = arguments[0] if len(arguments) == 1 else None
            return [it for it in pairs.keys if it] if isinstance(pairs, ast.Dict) else arguments[::2]
        if name in SCRIPTS:
            count = arguments[1].value if len(arguments) > 1 and isinstance(arguments[1], ast.Constant) else 0
            return arguments[2 : 2 + count] if isinstance(count, int) else []
        place = self.writers[name]
        if place < len(arguments):
            return [arguments[place]]
        return [it.value for it in call.keywords if it.arg in KEY_NAMES][:1]

    def dropped(self, call):
        """The options that the call gives by keyword."""
        return [it for it in call.keywords if it.arg in self.options and not self._is_off(it.value)]

    @staticmethod
    def _is_off(value):
        return isinstance(value, ast.Constant) and value.value in (None, False)

    def numbers(self, call):
        """The numbers of the command that are no values, and the texts of CONFIG SET with numbers."""
        name, arguments = self.command(call)
        found = [it.value for it in call.keywords if it.arg in NUMBER_NAMES]
        place = NUMBER_PLACES.get(name)
        if place is not None and place < len(arguments):
            found.append(arguments[place])
        if name == "CONFIG_SET":
            found += arguments[1::2]
        return [it for it in found if isinstance(it, ast.Constant)]

    def is_file_work(self, node):
        return any((dotted(it.func) or "").split(".")[0] in FILES for it in calls_in(node)) or any(
            isinstance(it.func, ast.Attribute) and it.func.attr in ("write_bytes", "write_text", "rename", "replace")
            for it in calls_in(node)
        )

    def is_subscribing(self, node):
        return any(self.is_method(it, ("SUBSCRIBE", "PSUBSCRIBE")) for it in calls_in(node))

    def is_publishing(self, node):
        return any(self.is_method(it, ("PUBLISH",)) for it in calls_in(node))

    def is_method(self, call, names):
        command = self.command(call)
        return command is not None and command[0] in names

    def values(self, call):
        """The expressions for the values that the call stores unchanged."""
        name, arguments = self.command(call)
        if name not in self.value_places:
            return []
        if name in ("MSET", "MSETNX") and len(arguments) == 1:
            return arguments[0].values if isinstance(arguments[0], ast.Dict) else []
        first, step = self.value_places[name]
        named = [it.value for it in call.keywords if it.arg in ("value", "mapping")]
        named = [value for it in named for value in (it.values if isinstance(it, ast.Dict) else [it])]
        return arguments[first::step] + named


class Program:
    def __init__(self, text, commands):
        self.source = text.encode()
        self.tree = ast.parse(text)
        self.names = Names(self.tree, commands)
        self.swaps = commands["swaps"]
        self.lines = [0]
        for line in self.source.split(b"\n"):
            self.lines.append(self.lines[-1] + len(line) + 1)
        self.found = []

    def mutants(self):
        self._statements([self.tree.body], [])
        for call in calls_in(self.tree):
            command = self.names.command(call)
            if command and command[0] in self.swaps:
                self._swap(call, command[0])
            if command:
                for keyword in self.names.dropped(call):
                    self._without_keyword(call, keyword)
                for number in self.names.numbers(call):
                    self._other_number(number)
                for key in self.names.keys(call):
                    self._other("other-key", key, "key")
                for value in self.names.values(call):
                    self._other("other-value", value, "value")
        self.found.sort(key=lambda it: (it["line"], ORDER.index(it["change"]), it.pop("column")))
        return self.found

    def _statements(self, bodies, above):
        """`above` has the body and index of each enclosing statement, the outermost first."""
        for body in bodies:
            for index, statement in enumerate(body):
                place = above + [(body, index)]
                if isinstance(statement, DEFINITIONS):
                    if hasattr(statement, "body"):
                        self._statements([statement.body], [])
                elif self._is_waiting(statement):
                    self._leave_out(place, "without-waiting")
                    self._earlier(body, index, self._acts)
                elif not self._is_guard(statement):
                    self._statement(statement, place)

    def _statement(self, statement, place):
        head = [
            getattr(statement, name)
            for name in ("test", "iter", "subject")
            if getattr(statement, name, None) is not None
        ]
        head += [it.context_expr for it in getattr(statement, "items", [])]
        candidates = [statement] if isinstance(statement, SIMPLE) else head
        if isinstance(statement, SIMPLE + LOOPS + (ast.If, ast.With, ast.AsyncWith)):
            if any(self.names.touches(it) for it in candidates) and not self._is_needed(statement):
                self._leave_out(place, "without-line")
        if isinstance(statement, SIMPLE) and self.names.is_subscribing(statement):
            self._earlier(*place[-1], self.names.is_publishing)
        if self._is_only_a_save(statement):
            self._save_first(place)
        self._statements(self._bodies(statement), place)

    def _bodies(self, statement):
        for name in ("body", "orelse", "finalbody"):
            yield getattr(statement, name, [])
        for handler in getattr(statement, "handlers", []):
            if not self._only_raises(handler.body):
                yield handler.body
        for case in getattr(statement, "cases", []):
            yield case.body

    def _is_waiting(self, statement):
        names = self.names
        return (
            isinstance(statement, LOOPS)
            and names.asks(statement)
            and not names.writes(statement)
            and not names.saves(statement)
            and not self._is_needed(statement)
        )

    def _is_guard(self, statement):
        return isinstance(statement, ast.If) and not statement.orelse and self._only_raises(statement.body)

    def _only_raises(self, body):
        last = body[-1]
        ends = isinstance(last, ast.Raise) or (
            isinstance(last, ast.Expr) and isinstance(last.value, ast.Call) and dotted(last.value.func) in EXITS
        )
        return ends and not any(self.names.sends(it) for it in body)

    def _is_needed(self, statement):
        """Whether the program can't run without it, since only it binds a name used elsewhere."""
        inside = set(map(id, ast.walk(statement)))
        names = [it for it in ast.walk(self.tree) if isinstance(it, (ast.Name, ast.Attribute))]
        bound = {dotted(it) for it in names if id(it) in inside and isinstance(it.ctx, ast.Store)}
        outside = [it for it in names if id(it) not in inside]
        bound -= {dotted(it) for it in outside if isinstance(it.ctx, ast.Store)}
        return any(dotted(it) in bound for it in outside if isinstance(it.ctx, ast.Load))

    def _is_only_a_save(self, statement):
        if not isinstance(statement, (ast.Expr, ast.Assign)):
            return False
        call = without_await(statement.value)
        if not isinstance(call, ast.Call) or self.names.writes(statement):
            return False
        return self.names.is_save(call) or self.names.calls_one_of(self.names.saving, call)

    def _leave_out(self, place, change):
        body, index = place[-1]
        statement = body[index]
        what = self._segment(statement).split("\n")
        what = what[0] + (" …" if len(what) > 1 else "")
        self._add(change, statement, [self._without(body, index)], what=what)

    def _save_first(self, place):
        """Moves a save in front of the nearest write before it, in its body or an outer one."""
        body, index = place[-1]
        save = body[index]
        write = next((it for around, at in reversed(place) for it in reversed(around[:at]) if self._is_write(it)), None)
        if write is None:
            return
        start = self._start(write)
        line_start = self.lines[write.lineno - 1]
        before = self.source[line_start:start]
        separator = b"; " if before.strip() else b"\n" + before
        moved = (start, start, self._segment(save).encode() + separator)
        line = getattr(without_await(save.value).func, "end_lineno", save.lineno)
        self._add("save-first", save, [moved, self._without(body, index)], line=line, write=write.lineno)

    def _acts(self, statement):
        return self.names.sends(statement) or self.names.is_file_work(statement)

    def _earlier(self, body, first, is_meant):
        """Moves the first such statement behind the one at `first` in front of it, if it needs nothing in between."""
        later = (at for at in range(first + 1, len(body)) if is_meant(body[at]))
        at = next(later, None)
        if at is None or not isinstance(body[at], SIMPLE + (ast.With, ast.If)) or self._is_guard(body[at]):
            return
        between = body[first:at]
        stored = {
            dotted(it)
            for node in between
            for it in ast.walk(node)
            if isinstance(it, (ast.Name, ast.Attribute)) and isinstance(it.ctx, ast.Store)
        }
        used = {dotted(it) for it in ast.walk(body[at]) if isinstance(it, (ast.Name, ast.Attribute))}
        if stored & used:
            return
        start = self._start(body[first])
        line_start = self.lines[body[first].lineno - 1]
        before = self.source[line_start:start]
        separator = b"; " if before.strip() else b"\n" + before
        moved = (start, start, self._segment(body[at]).encode() + separator)
        self._add("earlier", body[at], [moved, self._without(body, at)], wait=body[first].lineno)

    def _without_keyword(self, call, keyword):
        end = self._end(keyword.value)
        start = end - len(self._segment(keyword.value).encode())
        start = self.source.rindex(keyword.arg.encode(), 0, start)
        what = self.source[start:end].decode()
        # With the comma before it, or behind it if it is the first.
        rest = self.source[: start].rstrip()
        if rest.endswith(b","):
            start = len(rest) - 1
        elif self.source[end:].lstrip().startswith(b","):
            end = self.source.index(b",", end) + 1
        self._add("without-option", keyword.value, [(start, end, b"")], what=what)

    def _other_number(self, node):
        value = node.value
        if isinstance(value, int) and not isinstance(value, bool):
            others = [str(value * 2 or 1)]
        elif isinstance(value, str):
            words = value.split(" ")
            changed = [
                " ".join(words[:at] + [str(int(word) * 2 or 1)] + words[at + 1 :])
                for at, word in enumerate(words)
                if word.isdigit()
            ]
            others = [repr(it) for it in changed]
        else:
            return
        for other in others:
            edit = (self._start(node), self._end(node), other.encode())
            self._add("other-number", node, [edit], number=self._segment(node))

    def _is_write(self, statement):
        return not isinstance(statement, DEFINITIONS) and self.names.writes(statement)

    def _swap(self, call, name):
        other = self.swaps[name]
        names = {"of": name, "with": other}
        if call.func.attr == "execute_command":
            start, end = self._start(call.args[0]), self._end(call.args[-1])
            return self._add("instead", call.args[0], [(start, end, f'"{other}"'.encode())], **names)
        end = self._end(call.func)
        start = end - len(call.func.attr)
        edit = (start, self._end(call), other.lower().encode() + b"()")
        self._add("instead", call, [edit], line=call.func.end_lineno, **names)

    def _other(self, change, node, what):
        segment = self._segment(node)
        if isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)):
            other = f'({segment} + {"b" if isinstance(node.value, bytes) else ""}"-other")'
        elif isinstance(node, ast.JoinedStr):
            other = f'({segment} + "-other")'
        elif isinstance(node, (ast.Name, ast.Constant)):
            other = f'f"{{{segment}}}-other"'
        else:
            return
        edit = (self._start(node), self._end(node), other.encode())
        self._add(change, node, [edit], **{what: segment})

    def _without(self, body, index):
        """The edit that leaves a statement out; other lines keep their numbers."""
        statement = body[index]
        start, end = self._start(statement), self._end(statement)
        before = self.source[self.lines[statement.lineno - 1] : start].strip()
        behind = self.source[end : self.lines[statement.end_lineno]].strip()
        stands_alone = not before and (not behind or behind.startswith(b"#"))
        rest = b"" if stands_alone and len(body) > 1 else b"pass"
        return (start, end, rest + b"\n" * self.source[start:end].count(b"\n"))

    def _add(self, change, node, edits, line=None, **said):
        text = self.source
        for start, end, new in sorted(edits, reverse=True):
            text = text[:start] + new + text[end:]
        text = text.decode()
        try:
            form = form_of(ast.parse(text))
        except SyntaxError:
            return
        line = line or node.lineno
        mutant = {"change": change, "line": line, "column": node.col_offset, "text": text, "form": form, **said}
        self.found.append(mutant)

    def _start(self, node):
        return self.lines[node.lineno - 1] + node.col_offset

    def _end(self, node):
        return self.lines[node.end_lineno - 1] + node.end_col_offset

    def _segment(self, node):
        return self.source[self._start(node) : self._end(node)].decode()


def form_of(tree):
    for node in ast.walk(tree):
        for body in ("body", "orelse", "finalbody"):
            statements = getattr(node, body, None)
            if isinstance(statements, list):
                setattr(node, body, [it for it in statements if not isinstance(it, ast.Pass)])
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def mutated(text, commands):
    try:
        program = Program(text, commands)
    except (SyntaxError, ValueError):
        # A program that is not Python fails when its own case runs.
        return None
    return {"mutants": program.mutants(), "form": form_of(program.tree)}


def main(source, target):
    with open(source, encoding="utf-8") as file:
        order = json.load(file)
    answers = [mutated(text, order) for text in order["solutions"]]
    with open(target, "w", encoding="utf-8") as file:
        json.dump(answers, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
