"""The front end as a child of the local service: it ends when its parent does, however that ends.

python -m postern_local.front_end_child [ZONE_FILE], with standard input a pipe that the parent holds open.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

from postern_frontend.main import main
from postern_local.name_service import answer_from

GRACE_SECONDS = 2


def _end_with_parent() -> None:
    """Standard input ends when the parent dies, also by SIGKILL: then there is no AWS to talk to any more."""
    while os.read(sys.stdin.fileno(), 1):
        continue
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        answer_from(Path(sys.argv[1]))
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    main()
