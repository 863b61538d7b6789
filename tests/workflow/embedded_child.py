"""The embedded AWS without front ends, in a process of its own: `python -m tests.workflow.embedded_child …`.

It changes moto for good, which no other test may notice. Prints one line of JSON when it is up, ends with its
standard input.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from postern_local import function_log
from postern_local.embedded_aws import EmbeddedAws
from postern_local.endpoint import Endpoint
from postern_local.name_service import answer_from


def main(assembly: Path, directory: Path, zone_file: Path) -> None:
    """Serve until standard input ends."""
    directory.mkdir(parents=True, exist_ok=True)
    function_log.to_files(directory / "logs")
    answer_from(zone_file)
    aws = EmbeddedAws(assembly, directory)
    aws.start()
    endpoint = Endpoint(directory / "logs" / "endpoint.log")
    up = {"endpoint_url": endpoint.url, "outputs": dict(aws.outputs), "restored": aws.restored}
    sys.stdout.write(f"{json.dumps(up)}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:]))
