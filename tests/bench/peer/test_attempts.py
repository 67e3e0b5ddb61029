"""A course's test suite as its team would write it: one test for each attempt."""

import io
import os
import shlex
import subprocess
import sys
import tarfile
import threading
import time
from dataclasses import dataclass, field

import docker
import redis

from checks import failed_checks, printed
from servers import container

DUMP = "/data/dump.rdb"
# Long: on a busy machine Python alone may take ten seconds to start.
TIME_LIMIT = 60
POLL = 0.01


@dataclass
class Evidence:
    """What was seen of one attempt: by moment, where there is one."""

    before: dict
    status: int | None = None
    stdout: str | None = None
    looks: dict = field(default_factory=dict)
    replies: dict = field(default_factory=dict)
    strings: dict = field(default_factory=dict)
    longest_wait: float = 0


def test_attempt(attempt, server, tmp_path):
    evidence = run(attempt, server, tmp_path)
    failed = failed_checks(attempt["checks"], evidence)
    match attempt["expectation"]:
        case "passes":
            assert failed == []
        case "fails":
            assert failed
        case "fails-on":
            assert attempt["check"] in failed
        case "fails-exactly-on":
            assert failed == [attempt["check"]]


def run(attempt, server, tmp_path):
    client = server.get_client(decode_responses=True)
    for line in attempt["setup"]:
        client.execute_command(*shlex.split(line))
    checks = attempt["checks"]
    if any("lastsave" in check for check in checks):
        wait_until_lastsave_can_move(client)
    evidence = Evidence(before=look(client))
    if any("dump" in check for check in checks):
        evidence.strings["before"] = strings(client)
    with Waits(server, any("blocked" in check for check in checks)) as waits:
        answer(attempt, server, tmp_path, evidence)
        see(client, checks, evidence, "exit")
        if attempt["crash"] != "exit":
            wait_until_saved(client)
            see(client, checks, evidence, "settled", server)
    evidence.longest_wait = waits.longest
    if asks_at(checks, "restore"):
        restore(attempt, server, evidence)
    if attempt["crash"] == "exit" or asks_at(checks, "crash"):
        server.crash()
        see(server.get_client(decode_responses=True), checks, evidence, "crash")
    return evidence


def wait_until_lastsave_can_move(client):
    """LASTSAVE counts whole seconds, and starts with the server; its clock is a little behind TIME's."""
    earliest = client.lastsave().timestamp() + 1.02
    while True:
        seconds, microseconds = client.time()
        if seconds + microseconds / 1e6 >= earliest:
            return
        time.sleep(POLL)


def answer(attempt, server, tmp_path, evidence):
    if attempt["language"] == "python":
        host, port = server.get_container_host_ip(), server.get_exposed_port(6379)
        program = tmp_path / "answer.py"
        program.write_text(attempt["text"].replace("port=6379", f"port={port}"))
        environment = {**os.environ, "REDIS_HOST": host, "REDIS_PORT": str(port)}
        ended = subprocess.run(
            [sys.executable, program], env=environment, capture_output=True, text=True, timeout=TIME_LIMIT
        )
        evidence.status, evidence.stdout = ended.returncode, ended.stdout
        return
    client = server.get_client()
    for line in attempt["text"].splitlines():
        if line == "@wait-bgsave":
            wait_until_saved(client)
        elif line and not line.startswith("#"):
            try:
                client.execute_command(*shlex.split(line))
            except redis.exceptions.ResponseError:
                pass  # the checks decide


def wait_until_saved(client):
    while client.info("persistence")["rdb_bgsave_in_progress"]:
        time.sleep(POLL)


def look(client):
    """INFO with commandstats, and LASTSAVE."""
    return {**client.info("all"), "lastsave": client.lastsave()}


def strings(client):
    """All keys with their values: the lessons of this benchmark compare strings only."""
    keys = client.keys()
    return dict(zip(keys, client.mget(keys))) if keys else {}


def asks_at(checks, moment):
    return any(check.get("at") == moment or (moment == "restore" and "dump" in check) for check in checks)


def see(client, checks, evidence, moment, server=None):
    evidence.looks[moment] = look(client)
    for check in checks:
        if "reply" in check and check.get("at", "settled") == moment:
            for command in check["reply"]:
                value = client.execute_command(*shlex.split(command))
                evidence.replies[moment, command] = printed(value)
    # A save that a signal has ended leaves the status at `ok`: only the log tells.
    if server is not None and any("rdb_last_bgsave_status" in check.get("info", {}) for check in checks):
        log = b"".join(server.get_logs()).decode()
        if "terminated by signal" in log:
            evidence.looks[moment]["rdb_last_bgsave_status"] = "killed"


def restore(attempt, server, evidence):
    """A second server that has the snapshot file and nothing else."""
    try:
        stream, _ = server.get_wrapped_container().get_archive(DUMP)
    except docker.errors.NotFound:
        return  # without a file no reply, so the checks fail
    archive = b"".join(stream)
    second = container(attempt["settings"])
    second.with_copy_into_container(unpacked(archive), DUMP)
    with second as started:
        client = started.get_client(decode_responses=True)
        see(client, attempt["checks"], evidence, "restore")
        if "before" in evidence.strings:
            evidence.strings["restore"] = strings(client)


def unpacked(archive):
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return tar.extractfile(tar.next()).read()


class Waits:
    """The longest time that another client had to wait for a PING, in seconds."""

    def __init__(self, server, wanted):
        self.longest, self.ended = 0, threading.Event()
        self.client = server.get_client() if wanted else None
        self.thread = threading.Thread(target=self._ping)

    def __enter__(self):
        if self.client is not None:
            self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        if self.client is not None:
            self.thread.join()

    def _ping(self):
        while not self.ended.wait(0.001):
            began = time.monotonic()
            self.client.ping()
            self.longest = max(self.longest, time.monotonic() - began)
