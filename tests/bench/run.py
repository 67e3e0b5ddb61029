#!/usr/bin/env python3
"""What `redislings verify` costs: beside pytest in two ways, beside the bare programs, and as a course grows.

See README.md. Needs Python 3.11 or newer, Rust and a Docker engine; all else goes into a folder in the cache.
"""

import argparse
import json
import signal
import sys
import tempfile
import uuid
from pathlib import Path

sys.dont_write_bytecode = True

import compare
import growth
import surroundings
from report import Report

PARTS = ("compare", "growth", "loading")


def main():
    options = parse()
    signal.signal(signal.SIGTERM, as_if_interrupted)
    report = Report(options)
    label = f"redislings.bench.{uuid.uuid4().hex[:12]}"
    # Short, and without links: it stands in many places.
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        stage = surroundings.prepare(options, Path(folder).resolve(), label, report)
        try:
            if "compare" in options.part:
                compare.compare(stage, options, report)
            if "growth" in options.part:
                growth.grow(stage, options, report)
            if "loading" in options.part and not options.quick:
                growth.load(stage, report)
        finally:
            stage.sweep()
        report.nothing_left(stage)
    report.end()
    if options.json:
        options.json.write_text(json.dumps(report.as_json(), indent=2) + "\n")
    return 1 if report.missed else 0


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="without lesson 4 and the courses of 1,000")
    parser.add_argument("--repeat", type=positive, default=3, metavar="N", help="runs of verify and of the floor (3)")
    parser.add_argument("--peer-repeat", type=positive, default=1, metavar="N", help="runs of each peer (1)")
    parser.add_argument(
        "--peer-workers", type=positive, default=compare.CORES, metavar="N", help="of the fast peer (one a core)"
    )
    parser.add_argument("--part", action="append", choices=PARTS, help="only this; may be given several times")
    parser.add_argument("--image", help="the image; else the official one, or one made here of a local server")
    parser.add_argument("--redislings", type=Path, metavar="PROGRAM", help="else a release build of this folder")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the figures for programs")
    options = parser.parse_args()
    options.part = options.part or list(PARTS)
    return options


def positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def as_if_interrupted(*_):
    # `timeout` sends two, and the second must not end the cleaning up.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    if sys.version_info < (3, 11):
        sys.exit("the benchmark needs Python 3.11 or newer")
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
