"""What one message uses of AWS, counted on the embedded one: the units that `postern cost` multiplies with prices.

    python -m bench.cost_units                       measure both packings and write the JSON that ships with the CLI
    python -m bench.cost_units --messages 50 --print print it instead

Real mail goes by SMTP through the real front end, the deployed state machine and the functions of the synthesized
template, one message after another. Requests are counted where boto3 makes them; CPU time is that of the threads
which run a function, without the time that the embedded AWS itself takes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from bench.scan import CORPUS
from postern.workflow import Packing
from postern_cli.cost.units import MEASURED_FILE

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "cli" / "postern_cli" / "cost" / MEASURED_FILE


def measure(packing: Packing, corpus: Path, messages: int) -> dict[str, object]:
    """One packing, in a process of its own: the embedded AWS is one per process."""
    with tempfile.TemporaryDirectory(prefix="postern-cost-") as directory:
        answer = Path(directory) / "units.json"
        command = [sys.executable, "-m", "bench.cost_run", packing.value, str(corpus), str(messages), str(answer)]
        subprocess.run(command, cwd=ROOT, check=True)
        measured: dict[str, object] = json.loads(answer.read_text(encoding="utf-8"))
        return measured


def main() -> None:
    """Measure, and write or print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, nargs="?", default=CORPUS, help="a tar archive or directory of messages")
    parser.add_argument("--messages", type=int, default=100, help="messages per packing and fate")
    parser.add_argument("--print", action="store_true", dest="only_print")
    arguments = parser.parse_args()
    parts = {packing.value: measure(packing, arguments.corpus, arguments.messages) for packing in Packing}
    first = parts[Packing.CHECK.value]
    units = {
        "measured_on": datetime.now(UTC).date().isoformat(),
        **{name: first[name] for name in ("machine", "python", "checks")},
        "packings": {name: part["packing"] for name, part in parts.items()},
    }
    text = json.dumps(units, indent=2) + "\n"
    if arguments.only_print:
        print(text)
    else:
        TARGET.write_text(text, encoding="utf-8")
        print(f"written to {TARGET.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
