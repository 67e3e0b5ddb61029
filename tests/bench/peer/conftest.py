"""The attempts and where they come from."""

import json
import os
from pathlib import Path


def pytest_generate_tests(metafunc):
    if "attempt" in metafunc.fixturenames:
        attempts = json.loads(Path(os.environ["BENCH_ATTEMPTS"]).read_text())
        metafunc.parametrize("attempt", attempts, ids=[attempt["id"] for attempt in attempts])
