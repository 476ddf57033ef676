"""Writes tests/golden/qwen25vl: two small random Qwen2.5-VL checkpoints and what transformers computes with them.

    python benchmarks/measured/parity/qwen25vl.py

`tied/`: published flat config.json, one float32 file, tied head. `untied/`: the layout transformers 5 saves (text_config
inside), bfloat16 in several shards, untied head. Beside each checkpoint, golden.safetensors holds the inputs, M-RoPE
positions, vision tower rows, logits, log-probabilities and, for every parameter, the gradient of one loss.
"""

import json
import shutil
import sys
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

ROOT = Path(__file__).resolve().parents[3] / "tests" / "golden" / "qwen25vl"
COMMAND = "python benchmarks/measured/parity/qwen25vl.py"
IMAGE, VISION_START, VISION_END, VIDEO = 190, 191, 192, 193
WORDS = (3, 180)  # ids that text is drawn from


def config_dict(tied: bool) -> dict:
    wide = 32 if tied else 16
    return {
        "architectures": ["Qwen2_5_VLForConditionalGeneration"],
        "model_type": "qwen2_5_vl",
        "hidden_size": wide,
        "intermediate_size": 3 * wide // 2,
        "num_hidden_layers": 2 if tied else 1,
        "num_attention_heads": 4 if tied else 2,
        "num_key_value_heads": 2 if tied else 1,
        "hidden_act": "silu",
        "max_position_embeddings": 512,
        "max_window_layers": 2,
        "rms_norm_eps": 1e-6 if tied else 1e-5,
        "rope_theta": 10000.0 if tied else 1000000.0,
        "rope_scaling": {"type": "mrope", "mrope_section": [1, 1, 2] if tied else [2, 1, 1]},
        "tie_word_embeddings": tied,
        "use_sliding_window": False,
        "vocab_size": 200,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "image_token_id": IMAGE,
        "video_token_id": VIDEO,
        "vision_start_token_id": VISION_START,
        "vision_end_token_id": VISION_END,
        "vision_config": {
            "depth": 3 if tied else 2,
            "hidden_size": 16,
            "intermediate_size": 32,
            "num_heads": 2 if tied else 1,
            "hidden_act": "silu",
            "in_chans": 3,
            "out_hidden_size": wide,
            "patch_size": 4,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
            "tokens_per_second": 2,
            "window_size": 16 if tied else 24,
            "fullatt_block_indexes": [1],
        },
    }


# Grids [t, h, w] of the images of each prompt; with windows of 4 (tied) or 6 patches, some windows are partial.
CASES = {
    "twoImages": [[1, 4, 6], [1, 10, 8]],
    "textOnly": [],
    "oneImage": [[1, 6, 2]],
}


def randomize(model: torch.nn.Module) -> None:
    """Values large enough that every parameter shows in the outputs."""
    generator = torch.Generator().manual_seed(20240607)
    for name, value in sorted(model.named_parameters()):
        noise = torch.randn(value.shape, generator=generator)
        if value.dim() == 1:
            value.data = (1.0 if name.endswith("weight") else 0.0) + 0.1 * noise
        else:
            value.data = noise / value[0].numel() ** 0.5


def prompt(grids: list, generator: torch.Generator) -> torch.Tensor:
    def text(count: int) -> list:
        return torch.randint(*WORDS, (count,), generator=generator).tolist()

    tokens = text(5)
    for t, h, w in grids:
        tokens += [VISION_START] + [IMAGE] * (t * h * w // 4) + [VISION_END] + text(4)
    return torch.tensor(tokens + text(6))


def run_case(model, grids: list, seed: int) -> tuple[dict, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    tokens = prompt(grids, generator)
    count = sum(t * h * w for t, h, w in grids)
    patches = torch.randn(count, 3 * 2 * 4 * 4, generator=generator)
    thw = torch.tensor(grids) if grids else None
    types = (tokens == IMAGE).int()[None]
    positions, _ = model.model.get_rope_index(tokens[None], types, image_grid_thw=thw)
    images = {"pixel_values": patches, "image_grid_thw": thw, "mm_token_type_ids": types} if grids else {}
    logits = model(input_ids=tokens[None], position_ids=positions, **images).logits[0]
    log_probs = torch.log_softmax(logits[:-1], -1).gather(1, tokens[1:, None])[:, 0]
    weights = torch.sin(torch.arange(len(log_probs), dtype=torch.float32))
    found = {
        "tokens": tokens.int(),
        "positions": positions[:, 0].int(),
        "logits": logits.detach(),
        "logProbs": log_probs.detach(),
    }
    if grids:
        rows = model.model.visual(patches, grid_thw=thw).pooler_output
        found |= {"patches": patches, "grids": thw.int(), "vision": rows.detach()}
    return found, -(weights * log_probs).sum()


def gradients(model) -> dict:
    """By published name; for every parameter."""
    short = lambda name: name.replace("model.visual.", "visual.").replace("model.language_model.", "model.")
    return {f"gradient.{short(name)}": value.grad.contiguous() for name, value in model.named_parameters()}


def header(command: str) -> dict:
    return {
        "command": command,
        "versions": f"python {sys.version.split()[0]}, torch {torch.__version__}, transformers {transformers.__version__}",
        "loss": "- sum over cases and t of sin(t) * log p(token t+1)",
    }


def write(folder: Path, tied: bool) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    flat = config_dict(tied)
    model = Qwen2_5_VLForConditionalGeneration._from_config(
        Qwen2_5_VLConfig(**json.loads(json.dumps(flat))), attn_implementation="eager"
    )
    randomize(model)
    if tied:
        model.save_pretrained(folder)
        (folder / "config.json").write_text(json.dumps(flat, indent=1) + "\n")
    else:
        model.to(torch.bfloat16).save_pretrained(folder, max_shard_size="12KB")
    model = Qwen2_5_VLForConditionalGeneration.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    tensors, loss = {}, 0
    for seed, (name, grids) in enumerate(CASES.items()):
        found, case_loss = run_case(model, grids, seed)
        tensors |= {f"{name}.{key}": value.contiguous() for key, value in found.items()}
        loss = loss + case_loss
    loss.backward()
    tensors |= gradients(model)
    tensors["loss"] = loss.detach()
    save_file(tensors, folder / "golden.safetensors", metadata=header(COMMAND))


if __name__ == "__main__":
    torch.manual_seed(0)
    write(ROOT / "tied", tied=True)
    write(ROOT / "untied", tied=False)
