"""The README's CI files, by the schemas of those who read them.

Needs check-jsonschema (GitHub's and GitLab's schemas are in it) and kubernetes-validate. Prints what is wrong and
ends with 1; with 2 where the README shows other files than those.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"
CHECKERS = {
    ".github/workflows/course.yml": ["check-jsonschema", "--builtin-schema", "vendor.github-workflows"],
    ".gitlab-ci.yml": ["check-jsonschema", "--builtin-schema", "vendor.gitlab-ci"],
    "kubectl apply -f verify.yaml": ["kubernetes-validate", "--strict"],
}


def main():
    blocks = re.findall(r"```yaml\n# ([^\n]+)\n(.*?)```", README.read_text(), re.DOTALL)
    shown = {name: text for name, text in blocks}
    if set(shown) != set(CHECKERS):
        print(f"the README shows {sorted(shown)}, not {sorted(CHECKERS)}")
        return 2
    programs = pathlib.Path(sys.executable).parent
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, (program, *options)) in enumerate(CHECKERS.items()):
            file = pathlib.Path(folder) / f"{number}.yaml"
            file.write_text(shown[name])
            ended = subprocess.run([programs / program, *options, file], capture_output=True, text=True)
            told = "good" if ended.returncode == 0 else (ended.stdout + ended.stderr)[:2000]
            print(f"{name}: {told}")
            failed |= ended.returncode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
