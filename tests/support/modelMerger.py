"""Stands in for EasyR1's scripts/model_merger.py (b44b311): reads `--local_dir`'s shards, fills its `huggingface`."""

import argparse
import glob
import os

parser = argparse.ArgumentParser()
parser.add_argument("--local_dir", required=True)
local = parser.parse_args().local_dir
shards = sorted(glob.glob(os.path.join(local, "model_world_size_*_rank_*.pt")))
with open(os.path.join(local, "huggingface", "model.safetensors"), "wb") as out:
    for shard in shards:
        with open(shard, "rb") as file:
            out.write(file.read())
