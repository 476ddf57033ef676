"""Writes tests/golden/qwen3vl: two small random Qwen3-VL checkpoints, a processor, and what transformers makes of them.

    python benchmarks/measured/parity/qwen3vl.py

`tied/`: the layout of published configs, one float32 file, tied head, heads wider than hidden / heads. `untied/`: as
transformers 5 saves it, bfloat16 in several shards, untied head. Beside each checkpoint, golden.safetensors holds what
qwen25vl.py's does, the rows of DeepStack, and greedy tokens. `processor/golden.json`: prompts and pictures through
Qwen3VLProcessor with the settings beside it, and the tokenizer and pictures of tests/golden/processor.
"""

import json
import shutil
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoTokenizer, Qwen3VLConfig, Qwen3VLForConditionalGeneration, Qwen3VLProcessor
from transformers import Qwen3VLVideoProcessor
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
from transformers.models.qwen2_vl.image_processing_qwen2_vl import Qwen2VLImageProcessor

import processor as base
import qwen25vl

ROOT = Path(__file__).resolve().parents[3] / "tests" / "golden" / "qwen3vl"
COMMAND = "python benchmarks/measured/parity/qwen3vl.py"
qwen25vl.IMAGE, qwen25vl.VISION_START, qwen25vl.VISION_END, qwen25vl.VIDEO = IDS = (110, 111, 112, 113)
qwen25vl.WORDS = (3, 100)


def config_dict(tied: bool) -> dict:
    image, start, end, video = IDS
    return {
        "architectures": ["Qwen3VLForConditionalGeneration"],
        "model_type": "qwen3_vl",
        "image_token_id": image,
        "video_token_id": video,
        "vision_start_token_id": start,
        "vision_end_token_id": end,
        "tie_word_embeddings": tied,
        "text_config": {
            "model_type": "qwen3_vl_text",
            "attention_bias": False,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "head_dim": 12 if tied else 8,
            "hidden_act": "silu",
            "hidden_size": 24 if tied else 16,
            "intermediate_size": 32 if tied else 24,
            "max_position_embeddings": 512,
            "num_attention_heads": 4 if tied else 2,
            "num_hidden_layers": 3 if tied else 2,
            "num_key_value_heads": 2 if tied else 1,
            "rms_norm_eps": 1e-6 if tied else 1e-5,
            "rope_scaling": {
                "mrope_interleaved": True,
                "mrope_section": [3, 2, 1] if tied else [2, 1, 1],
                "rope_type": "default",
            },
            "rope_theta": 1000.0 if tied else 5000000.0,
            "tie_word_embeddings": tied,
            "vocab_size": 120,
        },
        "vision_config": {
            "model_type": "qwen3_vl",
            "deepstack_visual_indexes": [0, 2] if tied else [1],
            "depth": 3 if tied else 2,
            "hidden_act": "gelu_pytorch_tanh",
            "hidden_size": 8 if tied else 12,
            "in_channels": 3,
            "intermediate_size": 12 if tied else 16,
            "num_heads": 2 if tied else 1,
            "num_position_embeddings": 25 if tied else 16,
            "out_hidden_size": 24 if tied else 16,
            "patch_size": 4,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
        },
    }


def with_deepstack(model, grids: list, found: dict) -> dict:
    if not grids:
        return found
    seen = model.model.visual(found["patches"], grid_thw=found["grids"].long())
    return found | {"deep": torch.stack(seen.deepstack_features).detach()}


def greedy(model, found: dict) -> torch.Tensor:
    """The 16 most likely tokens one after another, by transformers' own generation; image markers never."""
    tokens = found["tokens"].long()[None]
    images = {}
    if "grids" in found:
        types = (tokens == qwen25vl.IMAGE).int()
        images = {"pixel_values": found["patches"], "image_grid_thw": found["grids"].long(), "mm_token_type_ids": types}
    model.generation_config.eos_token_id = None
    settings = {"do_sample": False, "max_new_tokens": 16, "suppress_tokens": list(IDS), "pad_token_id": 0}
    return model.generate(tokens, **images, **settings)[0, tokens.shape[1] :].int()


def write(folder: Path, tied: bool) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    published = config_dict(tied)
    model = Qwen3VLForConditionalGeneration._from_config(
        Qwen3VLConfig(**json.loads(json.dumps(published))), attn_implementation="eager"
    )
    qwen25vl.randomize(model)
    if tied:
        model.save_pretrained(folder)
        (folder / "config.json").write_text(json.dumps(published, indent=1) + "\n")
    else:
        model.to(torch.bfloat16).save_pretrained(folder, max_shard_size="8KB")
    model = Qwen3VLForConditionalGeneration.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    tensors, loss = {}, 0
    for seed, (name, grids) in enumerate(qwen25vl.CASES.items()):
        found, case_loss = qwen25vl.run_case(model, grids, seed)
        found = with_deepstack(model, grids, found) | {"greedy": greedy(model, found)}
        tensors |= {f"{name}.{key}": value.contiguous() for key, value in found.items()}
        loss = loss + case_loss
    loss.backward()
    tensors |= qwen25vl.gradients(model)
    tensors["loss"] = loss.detach()
    save_file(tensors, folder / "golden.safetensors", metadata=qwen25vl.header(COMMAND))


PROMPTS = [
    (["kept-84x112.png"], "<image>What is drawn?"),
    (["alpha-90x61.png", "grey-64x100.png"], "First <image> then\n<image>, 12 + 30?"),
    (["down-301x200.png", "thin-155x7.png", "photo-97x65.jpg"], "<image><image> and <image>. <think> first"),
    ([], "No picture: 12 + 30?"),
]


def prompt_case(made_by, model, names: list, text: str) -> dict:
    parts = []
    for at, words in enumerate(text.split("<image>")):
        parts += ([{"type": "image"}] if at else []) + ([{"type": "text", "text": words}] if words else [])
    chat = made_by.apply_chat_template([{"role": "user", "content": parts}], add_generation_prompt=True)
    images = [base.opened(base.IMAGES / name) for name in names] or None
    made = made_by(text=[chat], images=images, return_tensors="pt")
    tokens, grids = made["input_ids"], made.get("image_grid_thw")
    positions, _ = model.get_rope_index(tokens, made["mm_token_type_ids"], image_grid_thw=grids)
    return {
        "text": text,
        "images": names,
        "tokens": tokens[0].tolist(),
        "grids": [] if grids is None else grids.tolist(),
        "positions": positions[:, 0].flatten().tolist(),
    }


def write_processor(folder: Path) -> None:
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    tokenizer = AutoTokenizer.from_pretrained(base.MODEL)
    template = (folder / "chat_template.jinja").read_text()
    pillow, default = (kind.from_pretrained(folder) for kind in (Qwen2VLImageProcessorPil, Qwen2VLImageProcessor))
    made_by = Qwen3VLProcessor(default, tokenizer, Qwen3VLVideoProcessor(), chat_template=template)
    model = Qwen3VLForConditionalGeneration.from_pretrained(ROOT / "tied").model
    golden = {
        "command": COMMAND,
        "transformers": transformers.__version__,
        "settings": {name: settings[name] for name in ("patch_size", "size")},
        "chats": [
            {
                "messages": chat,
                "open": made_by.apply_chat_template(chat, tokenize=False, add_generation_prompt=True),
                "closed": made_by.apply_chat_template(chat, tokenize=False, add_generation_prompt=False),
            }
            for chat in base.CHATS
        ],
        "images": [base.image_case(path, pillow, default) for path in sorted(base.IMAGES.iterdir())],
        "prompts": [prompt_case(made_by, model, *prompt) for prompt in PROMPTS],
    }
    (folder / "golden.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    torch.manual_seed(0)
    write(ROOT / "tied", tied=True)
    write(ROOT / "untied", tied=False)
    write_processor(ROOT / "processor")
