"""Servers in containers: one for each attempt or, if BENCH_SHARED is set, one for all attempts of a worker."""

import os
from contextlib import contextmanager

import redis
from testcontainers.community.redis import PingWaitStrategy, RedisContainer

IMAGE = os.environ["BENCH_IMAGE"]
PROGRAM = os.environ["BENCH_PROGRAM"]
LABEL = os.environ["BENCH_LABEL"]
IS_SHARED = bool(os.environ.get("BENCH_SHARED"))
# With this `hz` the end of a BGSAVE is noticed after some 9 ms instead of 49. Few servers run here, so it costs little.
OPTIONS = {"save": "", "appendonly": "no", "hz": "100", "protected-mode": "no"}


class FastPing(PingWaitStrategy):
    """The library's own looks once a second."""

    def __init__(self):
        super().__init__()
        self.with_poll_interval(0.02)


class Server(RedisContainer):
    """Remembers its port: the library asks the engine twice for each client."""

    port_on_host = None

    def get_exposed_port(self, port):
        self.port_on_host = self.port_on_host or super().get_exposed_port(port)
        return self.port_on_host

    def crash(self):
        """Killed, and started again on the files that it left."""
        self.get_wrapped_container().kill()
        self.get_wrapped_container().start()
        self.port_on_host = None
        FastPing().wait_until_ready(self)


def container(settings):
    options = [word for name, value in {**OPTIONS, **settings}.items() for word in (f"--{name}", str(value))]
    made = Server(IMAGE).with_command([PROGRAM, *options]).waiting_for(FastPing())
    return made.with_kwargs(labels={LABEL: ""}, working_dir="/data")


def needs_its_own(attempt):
    """What a shared server can't show: what a crash leaves, and whose file or log it is."""
    checks = attempt["checks"]
    looks_at_files = any("dump" in check or check.get("at") in ("crash", "restore") for check in checks)
    looks_at_log = any("rdb_last_bgsave_status" in check.get("info", {}) for check in checks)
    return attempt["crash"] == "exit" or looks_at_files or looks_at_log


@contextmanager
def lent(shared, settings):
    """The shared server for one attempt, empty before it, and with its own settings again afterwards."""
    client = shared.get_client(decode_responses=True)
    before = client.config_get()
    client.flushall()
    client.config_resetstat()
    for name, value in settings.items():
        client.config_set(name, value)
    yield shared
    after = client.config_get()
    for name in after:
        if after[name] != before[name]:
            client.config_set(name, before[name])
    client.close()
