"""JUnit files of real runs, by a schema and a reader that others wrote. The schema does not know the `file` and `line`
of a test, which GitLab reads: they are checked here, and taken out before.

    python junit.py REDISLINGS SDIST

SDIST is pytest's source archive, which has the schema of Jenkins' xUnit plugin in it. Needs xmlschema and
junitparser. Prints what is wrong and ends with 1.
"""
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import xml.etree.ElementTree

import junitparser
import xmlschema

EXERCISE = """
## E

```toml exercise
id = "e"
[[check]]
id = "saved"
calls = { save = ">= 1" }
```

> [!TIP]
> look

```redis solution
SAVE
```

```redis wrong fails=saved
SAVE
```
"""
# A reply that nobody gives, with what XML can't hold or a terminal obeys.
LESSON = "# L & <co>\n\n```redis\n> GET a\n\x1b[31m\x01 ]]> <b>&amp;\n```\n" + EXERCISE
UNLOADABLE = "# L\n\n```toml exercise\nid = \"e\"\nnonsense = '<&>'\n```\n"
SERVERS = 'format = 1\n[server]\nversions = ["redis 1.0", "%s"]\n'

# Arguments of a run, its exit code, and what its file must have: failures, errors, skipped.
RUNS = [
    (["verify", "--no-mutants", "--lessons", "course"], 1, (2, 0, 0)),
    (["verify", "--no-mutants", "--lessons", "course", "--jobs", "1", "--fail-fast"], 1, (1, 0, 3)),
    (["verify", "--no-mutants", "--lessons", "course", "--server-matrix"], 1, (2, 1, 4)),
    (["verify", "--lessons", "unloadable"], 2, (0, 4, 0)),
    (["merge", "part.jsonl"], 1, (2, 1, 0)),
]


def schema(sdist):
    with tarfile.open(sdist) as archive:
        name = next(it for it in archive.getnames() if it.endswith("/junit-10.xsd"))
        return xmlschema.XMLSchema(archive.extractfile(name).read().decode())


def counts(file):
    """Counted in the elements, and whether the attributes say the same."""
    kinds = {junitparser.Failure: 0, junitparser.Error: 0, junitparser.Skipped: 0}
    suites = list(junitparser.JUnitXml.fromfile(str(file)))
    for suite in suites:
        for case in suite:
            for result in case.result:
                kinds[type(result)] += 1
    said = tuple(sum(getattr(it, name) or 0 for it in suites) for name in ("failures", "errors", "skipped"))
    return tuple(kinds.values()), said


def without_places(file):
    """Takes them out of the file, and says which tests have none; what belongs to no case has none."""
    tree = xml.etree.ElementTree.parse(file)
    wrong = []
    for test in tree.iter("testcase"):
        name, line = test.attrib.pop("file", ""), test.attrib.pop("line", "")
        if test.get("classname") != "redislings" and not (name.endswith(".md") and line.isdigit()):
            wrong.append(f"{test.get('name')} has no place")
    tree.write(file)
    return wrong


def check(schema, redislings, folder, arguments, code, expected):
    file = folder / "report.xml"
    file.unlink(missing_ok=True)
    ended = subprocess.run(
        [redislings, *arguments, "--report", f"junit={file}"], cwd=folder, capture_output=True, text=True
    )
    if ended.returncode != code:
        return f"ended with {ended.returncode}, not {code}:\n{ended.stdout}{ended.stderr}"
    wrong = without_places(file) + [error.reason for error in schema.iter_errors(str(file))]
    if wrong:
        return "; ".join(wrong)
    found, said = counts(file)
    return None if found == said == expected else f"has {found} and says {said}, not {expected}"


def main(redislings, sdist):
    program = pathlib.Path(redislings).resolve()
    os.environ.setdefault("REDISLINGS_SERVER", "process")
    failed = False
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "course").mkdir()
        (folder / "course/01-l.md").write_text(LESSON)
        (folder / "course/course.toml").write_text(SERVERS % "valkey 9")
        (folder / "unloadable").mkdir()
        (folder / "unloadable/01-l.md").write_text(UNLOADABLE)
        part = ["verify", "--no-mutants", "--lessons", "course", "--partition", "1/2", "--report", "jsonl=part.jsonl"]
        subprocess.run([program, *part], cwd=folder, capture_output=True)
        for arguments, code, expected in RUNS:
            wrong = check(schema(sdist), program, folder, arguments, code, expected)
            print(f"{' '.join(arguments)}: {wrong or 'good'}")
            failed |= wrong is not None
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
