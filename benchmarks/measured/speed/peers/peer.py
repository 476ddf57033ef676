"""PyTorch's side of `npm run bench -- speed`.

Usage (by the benchmark): python peer.py THREADS
"""

import platform
import sys

from serve import answer, serve


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

    serve({"train": TrainingStep(), "generate": Rollouts(), "rl": RlStep()})


main()
