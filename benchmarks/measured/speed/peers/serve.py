"""One JSON request a line on stdin, one JSON answer a line on stdout."""

import json
import sys


def answer(value):
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def serve(handlers):
    """Answers `{"op": "name.method", ...}` with what that method of the handler returns for the rest."""
    for line in sys.stdin:
        request = json.loads(line)
        name, method = request.pop("op").split(".")
        try:
            answer(getattr(handlers[name], method)(**request))
        except Exception as error:  # told to the benchmark, which decides
            answer({"error": f"{type(error).__name__}: {error}"})
