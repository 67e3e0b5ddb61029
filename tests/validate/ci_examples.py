"""The CI files in tests/ci/ and .github/workflows/, by the schemas of those who read them.

Needs check-jsonschema (GitHub's and GitLab's schemas are in it) and kubernetes-validate. Prints what is
wrong and exits with 1.
"""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
GITHUB = ["check-jsonschema", "--builtin-schema", "vendor.github-workflows"]


def checkers():
    """Yields each file with the command that checks it."""
    for workflow in sorted((ROOT / ".github/workflows").glob("*.yml")):
        yield workflow, GITHUB
    yield ROOT / "tests/ci/github-course.yml", GITHUB
    yield ROOT / "tests/ci/gitlab-ci.yml", ["check-jsonschema", "--builtin-schema", "vendor.gitlab-ci"]
    yield ROOT / "tests/ci/kubernetes.yaml", ["kubernetes-validate", "--strict"]


def main():
    programs = pathlib.Path(sys.executable).parent
    failed = False
    for file, (program, *options) in checkers():
        ended = subprocess.run([programs / program, *options, file], capture_output=True, text=True)
        result = "good" if ended.returncode == 0 else (ended.stdout + ended.stderr)[:2000]
        print(f"{file.relative_to(ROOT)}: {result}")
        failed |= ended.returncode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
