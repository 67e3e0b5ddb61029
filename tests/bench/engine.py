"""What the benchmark asks of the Docker engine. Runs in the virtual environment, which has the client.

    python engine.py image REFERENCE             the program in it; status 1 if it can't be had
    python engine.py serve IMAGE LABEL COUNT     warm servers; prints their ports
    python engine.py sweep LABEL                 removes all containers with the label
"""

import json
import sys
import time

import docker
import redis

OPTIONS = ["--save", "", "--appendonly", "no", "--protected-mode", "no"]
READY_SECONDS = 30


def main(task, *arguments):
    client = docker.from_env()
    print(json.dumps({"image": image, "serve": serve, "sweep": sweep}[task](client, *arguments)))


def image(client, reference):
    """The server's program: the first word of the image's command."""
    try:
        found = client.images.get(reference)
    except docker.errors.ImageNotFound:
        try:
            found = client.images.pull(reference)
        except docker.errors.APIError as error:
            raise SystemExit(f"{reference}: {error.explanation or error}") from None
    command = found.attrs["Config"].get("Cmd") or []
    return command[0] if command and command[0].endswith("-server") else "redis-server"


def serve(client, reference, label, count):
    program = image(client, reference)
    ports = []
    for _ in range(int(count)):
        started = client.containers.run(
            reference, [program, *OPTIONS], labels=[label], detach=True, ports={"6379/tcp": ("127.0.0.1", None)}
        )
        started.reload()
        ports.append(int(started.ports["6379/tcp"][0]["HostPort"]))
    for port in ports:
        wait_until_ready(port)
    return ports


def wait_until_ready(port):
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            return redis.Redis(port=port).ping()
        except redis.exceptions.ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def sweep(client, label):
    """How many there were."""
    found = client.containers.list(all=True, filters={"label": label})
    for container in found:
        try:
            container.remove(force=True, v=True)
        except docker.errors.APIError as error:
            # Whoever started it may be removing it just now.
            if error.status_code not in (404, 409):
                raise
    return len(found)


if __name__ == "__main__":
    main(*sys.argv[1:])
