"""The attempts and where they come from, and a server for each."""

import json
import os
from pathlib import Path

import pytest

import servers


def pytest_generate_tests(metafunc):
    if "attempt" in metafunc.fixturenames:
        attempts = json.loads(Path(os.environ["BENCH_ATTEMPTS"]).read_text())
        metafunc.parametrize("attempt", attempts, ids=[attempt["id"] for attempt in attempts])


@pytest.fixture(scope="session")
def shared_server():
    """Of one worker: pytest-xdist has a session in each."""
    with servers.container({}) as started:
        yield started


@pytest.fixture
def server(attempt, request):
    if servers.IS_SHARED and not servers.needs_its_own(attempt):
        with servers.lent(request.getfixturevalue("shared_server"), attempt["settings"]) as lent:
            yield lent
    else:
        with servers.container(attempt["settings"]) as started:
            yield started
