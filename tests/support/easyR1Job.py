"""Stands in for an EasyR1 job: prints its rows, and writes checkpoints as FSDP does. usage: easyR1Job.py CHECKPOINTS"""

import json
import os
import sys

for step in (1, 2):
    print("SHAREGRPO " + json.dumps({"step": step, "reward/overall": step / 10}), flush=True)
    actor = os.path.join(sys.argv[1], f"global_step_{step}", "actor")
    os.makedirs(os.path.join(actor, "huggingface"))
    with open(os.path.join(actor, "huggingface", "config.json"), "w", encoding="utf-8") as file:
        file.write('{"model_type": "qwen2_5_vl"}')
    for rank in (0, 1):
        with open(os.path.join(actor, f"model_world_size_2_rank_{rank}.pt"), "w", encoding="utf-8") as file:
            file.write(f"step {step} rank {rank};")
