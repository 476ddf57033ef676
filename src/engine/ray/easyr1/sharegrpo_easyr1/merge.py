"""A checkpoint's shards as one model folder: `python3 -m sharegrpo_easyr1.merge --checkpoints DIR [--step N]`.

FSDP's shards are Python pickles, so they are read where they were written, by EasyR1's own `scripts/model_merger.py`, which
fills `actor/huggingface`. Prints `SHAREGRPO_FOLDER {json}`: the step, the folder, and size and SHA-256 of each file in it.
"""

import argparse
import hashlib
import importlib.util
import json
import os
import re
import subprocess
import sys

SHARD = re.compile(r"^model_world_size_(\d+)_rank_(\d+)\.pt$")
DONE = ".sharegrpo-merged"


def whole_steps(checkpoints):
    """Steps whose shards are all there, oldest first."""
    steps = []
    for name in os.listdir(checkpoints):
        found = re.match(r"^global_step_(\d+)$", name)
        actor = os.path.join(checkpoints, name, "actor")
        if not found or not os.path.isdir(actor):
            continue
        shards = [match for match in map(SHARD.match, os.listdir(actor)) if match]
        sizes = {int(match[1]) for match in shards}
        if len(sizes) == 1 and len(shards) == sizes.pop():
            steps.append(int(found[1]))
    return sorted(steps)


def merger_path():
    """EasyR1 runs from its repository: the script lies beside the package."""
    spec = importlib.util.find_spec("verl")
    if spec is None or spec.origin is None:
        sys.exit("sharegrpo_easyr1: EasyR1 (verl) is not installed where this job runs")
    path = os.path.join(os.path.dirname(os.path.dirname(spec.origin)), "scripts", "model_merger.py")
    if not os.path.isfile(path):
        sys.exit(f"sharegrpo_easyr1: no {path}: give --merger PATH of EasyR1's scripts/model_merger.py")
    return path


def described(folder):
    files = {}
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if name == DONE or not os.path.isfile(path):
            continue
        digest = hashlib.sha256()
        with open(path, "rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
        files[name] = {"bytes": os.path.getsize(path), "sha256": digest.hexdigest()}
    return files


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--checkpoints", required=True)
    parser.add_argument("--step", type=int)
    parser.add_argument("--merger")
    asked = parser.parse_args()
    if not os.path.isdir(asked.checkpoints):
        sys.exit(f"sharegrpo_easyr1: {asked.checkpoints}: no such folder where this job runs")
    steps = whole_steps(asked.checkpoints)
    if not steps or asked.step not in [None, *steps]:
        sys.exit(f"sharegrpo_easyr1: {asked.checkpoints}: no whole checkpoint of step {asked.step or 'any'}; there are {steps}")
    step = asked.step or steps[-1]
    actor = os.path.join(os.path.abspath(asked.checkpoints), f"global_step_{step}", "actor")
    folder = os.path.join(actor, "huggingface")
    done = os.path.join(folder, DONE)
    # Written last: a merge that was killed half-way is done again.
    if not os.path.isfile(done):
        subprocess.run([sys.executable, asked.merger or merger_path(), "--local_dir", actor], check=True)
        if not any(name.endswith(".safetensors") for name in os.listdir(folder)):
            sys.exit(f"sharegrpo_easyr1: {folder}: the merger wrote no safetensors")
        with open(done, "w", encoding="utf-8"):
            pass
    print("SHAREGRPO_FOLDER " + json.dumps({"step": step, "folder": folder, "files": described(folder)}), flush=True)


if __name__ == "__main__":
    main()
