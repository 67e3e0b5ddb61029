"""What a run needs: the program, the peer's packages, an image, and a place for files."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
REQUIREMENTS = HERE / "requirements.txt"
# As src/server/source.rs and tests/it/support/image.rs name them.
OFFICIAL_IMAGE = "redis:8.10.2"
LOCAL_IMAGE = "redislings-local/server:latest"


@dataclass
class Stage:
    """Everything that the parts of the benchmark share."""

    folder: Path
    program: Path
    python: Path
    image: str | None
    # The server's program in the image.
    image_program: str | None
    label: str

    def environment(self, **more):
        """That of all three: the same Python is first on PATH, and nothing of the user's own settings."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("REDISLINGS_")}
        path = f"{self.python.parent}{os.pathsep}{kept.get('PATH', '')}"
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        own = {"PATH": path, "TMPDIR": str(temporary), "XDG_STATE_HOME": str(self.folder / "state")}
        return {**kept, **own, "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1", **more}

    def engine(self, task, *arguments):
        command = [self.python, HERE / "engine.py", task, *map(str, arguments)]
        ended = subprocess.run(command, capture_output=True, text=True, env=self.environment())
        if ended.returncode != 0:
            raise EngineError(ended.stderr.strip().splitlines()[-1])
        return json.loads(ended.stdout)

    def without_mutants(self):
        """For verify: only the attempts of the lessons themselves, where it makes others too."""
        options = subprocess.run([self.program, "verify", "--help"], capture_output=True, text=True, check=True)
        return ["--no-mutants"] if "--no-mutants" in options.stdout else []

    def sweep(self):
        """Removes our containers, whatever has happened."""
        if self.image is not None:
            self.engine("sweep", self.label)

    def leftovers(self):
        """What those who were measured have left in their temporary folder."""
        temporary = self.folder / "tmp"
        return sorted(entry.name for entry in temporary.iterdir()) if temporary.exists() else []


class EngineError(Exception):
    pass


def prepare(options, folder, label, report):
    python = environment(report)
    program = options.redislings.resolve() if options.redislings else build(report)
    stage = Stage(folder, program, python, None, None, label)
    if "compare" in options.part:
        stage.image, stage.image_program = find_image(stage, options.image, report)
    return stage


def cache():
    if sys.platform == "darwin":
        default = Path.home() / "Library" / "Caches"
    else:
        default = Path.home() / ".cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or default) / "redislings-bench"


def environment(report):
    """The Python of a virtual environment with the pinned packages; made once."""
    key = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode() + sys.executable.encode())
    place = cache() / f"python-{key.hexdigest()[:12]}"
    python = place / "bin" / "python3"
    complete = place / "complete"
    if not complete.exists():
        report.say(f"installing {REQUIREMENTS.name} into {place}, once")
        venv.create(place, with_pip=True, clear=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--only-binary", ":all:", "--require-hashes", "-r", REQUIREMENTS], check=True)
        complete.touch()
    return python


def build(report):
    report.say("building redislings (release)")
    subprocess.run(["cargo", "build", "--release", "--locked", "--quiet"], cwd=ROOT, check=True)
    return Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").resolve() / "release" / "redislings"


def find_image(stage, wanted, report):
    """The one that was asked for; else the official one, or one that the tests make of a real local server."""
    for reference in [wanted] if wanted else [OFFICIAL_IMAGE, LOCAL_IMAGE]:
        try:
            return reference, stage.engine("image", reference)
        except EngineError as error:
            if wanted:
                raise SystemExit(f"the image can't be had: {error}") from None
            report.say(f"{reference} can't be had: {error}")
    report.say(f"making {LOCAL_IMAGE}")
    make = ["cargo", "test", "--locked", "--quiet", "a_local_image_can_be_made"]
    subprocess.run(make, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return LOCAL_IMAGE, stage.engine("image", LOCAL_IMAGE)


def server_without_containers():
    """For `--server`: a server on PATH, else the packaged one."""
    there = any(shutil.which(name) for name in ("redis-server", "valkey-server"))
    return "process" if there else "bundled"
