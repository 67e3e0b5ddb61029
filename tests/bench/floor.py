"""The floor: the bare programs, back to back, as many at a time as there are warm servers.

    python floor.py ATTEMPTS.json FOLDER PORT...

Nothing is judged. Before a program its server is emptied and given the exercise's settings and setup, so
that the program does the same work as anywhere else; this is part of what is measured.
"""

import json
import queue
import subprocess
import sys
import threading
from pathlib import Path

from redis_lines import Connection

SLOW_DOWN = "rdb-key-save-delay"


def main(attempts, folder, *ports):
    waiting, failures = queue.SimpleQueue(), []
    for number, attempt in enumerate(json.loads(Path(attempts).read_text())):
        waiting.put((number, attempt))
    # As daemons, so that a Ctrl-C ends all of it.
    threads = [
        threading.Thread(target=work, args=(waiting, Path(folder), int(port), failures), daemon=True)
        for port in ports
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def work(waiting, folder, port, failures):
    try:
        with Connection(port) as connection:
            while True:
                number, attempt = waiting.get_nowait()
                set_up(connection, attempt)
                run(folder / f"{number}.py", attempt, port)
    except queue.Empty:
        pass
    except Exception as failure:
        failures.append(failure)


def run(path, attempt, port):
    if attempt["language"] == "python":
        path.write_text(attempt["text"].replace("port=6379", f"port={port}"))
        # How it ends is nobody's business here: half of the answers are wrong on purpose.
        subprocess.run([sys.executable, path], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    else:
        with Connection(port) as connection:
            connection.run(attempt["text"])


def set_up(connection, attempt):
    connection.call("FLUSHALL")
    for name, value in {SLOW_DOWN: 0, **attempt["settings"]}.items():
        reply = connection.call("CONFIG", "SET", name, str(value))
        if reply != "OK":
            raise RuntimeError(f"`CONFIG SET {name} {value}` is answered by {reply}")
    connection.run("\n".join(attempt["setup"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
