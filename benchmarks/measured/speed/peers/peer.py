"""PyTorch's side of `npm run bench -- speed`: one JSON request a line on stdin, one JSON answer a line on stdout.

Usage (by the benchmark): python peer.py THREADS
"""

import json
import platform
import sys


def answer(value):
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def main():
    python = platform.python_version()
    try:
        import safetensors  # noqa: F401
        import torch
        import transformers
    except ImportError as error:
        answer({"missing": f"{sys.executable} has no {error.name}", "python": python})
        return
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(int(sys.argv[1]))
    answer({"python": python, "torch": torch.__version__, "transformers": transformers.__version__})

    from rlStep import RlStep
    from rollouts import Rollouts
    from trainingStep import TrainingStep

    handlers = {"train": TrainingStep(), "generate": Rollouts(), "rl": RlStep()}
    for line in sys.stdin:
        request = json.loads(line)
        name, method = request.pop("op").split(".")
        try:
            answer(getattr(handlers[name], method)(**request))
        except Exception as error:  # told to the benchmark, which stops
            answer({"error": f"{type(error).__name__}: {error}"})


main()
