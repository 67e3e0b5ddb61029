"""The lines of a `redis` answer sent over a bare socket: the least that any runner must do for them."""

import shlex
import socket
import time

POLL_SECONDS = 0.005
REPLY_SECONDS = 30


class Connection:
    """Sends one command after another and reads each reply."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), REPLY_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.reader.close()
        self.socket.close()

    def call(self, *words):
        """The reply; an error is its text, beginning with `-`."""
        parts = [word.encode() for word in words]
        head = b"*%d\r\n" % len(parts)
        self.socket.sendall(head + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
        return self._reply()

    def _reply(self):
        line = self.reader.readline()
        if not line:
            raise ConnectionError("the server has closed the connection")
        kind, rest = line[:1], line[1:-2]
        match kind:
            case b"$":
                return None if rest == b"-1" else self.reader.read(int(rest) + 2)[:-2].decode()
            case b"*":
                return None if rest == b"-1" else [self._reply() for _ in range(int(rest))]
            case b":":
                return int(rest)
            case b"-":
                return f"-{rest.decode()}"
            case _:
                return rest.decode()

    def run(self, text):
        """All lines of an answer; errors are only data."""
        for line in text.splitlines():
            if line == "@wait-bgsave":
                self._wait_for_bgsave()
            elif line and not line.startswith("#"):
                self.call(*shlex.split(line))

    def _wait_for_bgsave(self):
        while "rdb_bgsave_in_progress:0" not in self.call("INFO", "persistence"):
            time.sleep(POLL_SECONDS)
