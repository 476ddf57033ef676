"""Writes tests/golden/lora: adapters as peft saves them, and what they make of the golden checkpoints.

    python benchmarks/measured/parity/lora.py
    python benchmarks/measured/parity/lora.py --load ADAPTER --base tests/golden/qwen25vl/tied

Beside each adapter, golden.safetensors holds log-probabilities of the base's golden prompts and the gradient of the base's
golden loss for every A and B. `--load` prints how many tensors peft takes from an adapter folder, the log-probabilities
of the text-only prompt with it, and how far merging moves them.
"""

import argparse
import json
import shutil
import sys
import warnings
from pathlib import Path

import peft
import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForImageTextToText

TESTS = Path(__file__).resolve().parents[3] / "tests" / "golden"
COMMAND = "python benchmarks/measured/parity/lora.py"
DECODER = r".*language_model\.layers\.\d+\.(self_attn|mlp)\.(q|k|v|o|gate|up|down)_proj"

ADAPTERS = {
    "decoder": ("qwen25vl/tied", dict(r=4, lora_alpha=8, target_modules=DECODER)),
    "patterns": (
        "qwen25vl/tied",
        dict(
            r=3,
            lora_alpha=6,
            use_rslora=True,
            target_modules=["q_proj", "v_proj", "gate_proj", "qkv", "down_proj"],
            exclude_modules=r".*visual.*down_proj",
            rank_pattern={"q_proj": 2, r"layers\.\d+\.mlp\.gate_proj": 5},
            alpha_pattern={"layers.1.self_attn.v_proj": 1, "qkv": 9},
        ),
    ),
    "allLinear": ("qwen3vl/tied", dict(r=2, lora_alpha=4, target_modules="all-linear")),
}


def base_model(base: str):
    return AutoModelForImageTextToText.from_pretrained(
        TESTS / base, dtype=torch.float32, attn_implementation="eager"
    )


def log_probs(model, golden: dict, case: str, image_token: int) -> torch.Tensor:
    tokens = golden[f"{case}.tokens"].long()
    images = {}
    if f"{case}.patches" in golden:
        types = (tokens == image_token).int()[None]
        images = {
            "pixel_values": golden[f"{case}.patches"],
            "image_grid_thw": golden[f"{case}.grids"].long(),
            "mm_token_type_ids": types,
        }
    positions = golden[f"{case}.positions"].long()[:, None]
    logits = model(input_ids=tokens[None], position_ids=positions, **images).logits[0]
    return torch.log_softmax(logits[:-1], -1).gather(1, tokens[1:, None])[:, 0]


def randomize(model) -> None:
    generator = torch.Generator().manual_seed(7)
    for name, value in sorted(model.named_parameters()):
        if "lora_" in name:
            value.data = torch.randn(value.shape, generator=generator) * (0.3 if "lora_B" in name else 0.2)


def write(name: str, base: str, settings: dict) -> None:
    folder = TESTS / "lora" / name
    shutil.rmtree(folder, ignore_errors=True)
    golden = load_file(TESTS / base / "golden.safetensors")
    plain = base_model(base)
    model = get_peft_model(plain, LoraConfig(task_type="CAUSAL_LM", **settings))
    randomize(model)
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    config = json.loads((folder / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = f"tests/golden/{base}"
    if isinstance(config["target_modules"], list):
        config["target_modules"].sort()
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
    found = {}
    loss = 0.0
    for case in ("twoImages", "textOnly", "oneImage"):
        values = log_probs(model, golden, case, plain.config.image_token_id)
        found[f"{case}.logProbs"] = values.detach()
        loss = loss - (torch.sin(torch.arange(len(values), dtype=torch.float32)) * values).sum()
    loss.backward()
    for key, value in model.named_parameters():
        if "lora_" in key:
            found[f"gradient.{key.replace('.default', '')}"] = value.grad.contiguous()
    versions = f"torch {torch.__version__}, transformers {transformers.__version__}, peft {peft.__version__}"
    save_file(found, folder / "golden.safetensors", {"command": COMMAND, "versions": versions})


def load(adapter: str, base: str) -> None:
    folder = Path(base).resolve()
    golden = load_file(folder / "golden.safetensors")
    plain = base_model(str(folder))
    image_token = plain.config.image_token_id
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Found missing adapter keys")
        model = PeftModel.from_pretrained(plain, adapter)
    saved = load_file(Path(adapter) / "adapter_model.safetensors")
    held = {key.replace(".default", ""): value for key, value in model.named_parameters() if "lora_" in key}
    equal = sum(1 for key, value in saved.items() if key in held and torch.equal(held[key], value))
    with torch.no_grad():
        before = log_probs(model, golden, "textOnly", image_token)
        after = log_probs(model.merge_and_unload(), golden, "textOnly", image_token)
    report = {
        "tensors": len(saved),
        "loaded": equal,
        "held": len(held),
        "logProbs": before.tolist(),
        "merged": float((before - after).abs().max()),
    }
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--load")
    arguments.add_argument("--base")
    given = arguments.parse_args()
    if given.load:
        load(given.load, given.base)
    else:
        for name, (base, settings) in ADAPTERS.items():
            write(name, base, settings)
