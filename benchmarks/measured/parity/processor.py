"""Writes tests/golden/processor: what transformers makes of strings, chats and images with one small model folder.

    python benchmarks/measured/parity/processor.py

Reads tests/golden/processor/model (tokenizer, settings; `writeTinyTokenizer` of a few sentences, and a chat template
with a default system message) and writes images/*.png|jpg (drawn here) and golden.json. Pixels are kept as the SHA-256
of their bytes in patch order by Pillow's resampling, and a few values of the default backend.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import transformers
from PIL import Image
from transformers import AutoProcessor, AutoTokenizer
from transformers.image_transforms import convert_to_rgb
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
from transformers.models.qwen2_vl.image_processing_qwen2_vl import Qwen2VLImageProcessor, smart_resize

ROOT = Path(__file__).resolve().parents[3] / "tests" / "golden" / "processor"
MODEL, IMAGES = ROOT / "model", ROOT / "images"
COMMAND = "python benchmarks/measured/parity/processor.py"

STRINGS = [
    "",
    "a",
    " ",
    "\n",
    "\r\n",
    " \n \n\n  x",
    "How many red circles are there?",
    " leading space",
    "  two leading spaces",
    "trailing space ",
    "trailing spaces   ",
    "tab\tand\t\ttabs",
    "2024",
    "12345.678",
    "3/4 + 1/2 = 5/4",
    "x²+y³=½",
    "don't DON'T we'll We'LL I'm i'M they've",
    "'sup 's 'S '",
    "it’s “quoted” — dash…",
    "\\boxed{42}",
    "<think>red 3, blue 4.\nso 7.</think> \\boxed{7}",
    "<think></think>",
    "<think> </think >",
    "a<|im_end|>b",
    "<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n",
    "<|vision_start|><|image_pad|><|image_pad|><|vision_end|>",
    "<|im_start|",
    "\\frac{1}{2} \\sqrt{3} $x_1$",
    "naïve café Ünïcödé",
    "e\u0301 a\u0308 composed by NFC",
    "\u1e9b\u0323 \u212b \ufb01",
    "日本語のテキスト",
    "한국어 텍스트",
    "العربية ٣٤٥",
    "हिन्दी १२३",
    "😀😃 👩‍👩‍👧‍👦 🇫🇷",
    "𝒳𝓎 𝟙𝟚𝟛",
    "zero\u200bwidth\u200djoiner\ufeffmark",
    "nbsp\u00a0and\u3000ideographic\u2003em\u2028line\u0085next",
    "control \u0000\u0001\u007f",
    "!!!??? ...\n\n---\n",
    "(a) 12; (b) 34; [c] {d}",
    "camelCase snake_case kebab-case",
    "long" * 40,
]

DECODED = [
    [],
    [0, 1, 2],
    [104, 105],
    [195],
    [229, 151],
    [240, 159, 152],
    [72, 999, 73],
]

CHATS = [
    [{"role": "user", "content": "plain words"}],
    [{"role": "user", "content": [{"type": "text", "text": "one part"}]}],
    [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "\nwhat is\n this? "}]}],
    [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "a"}, {"type": "image"}]},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "{{ not jinja }} {% raw %}"},
    ],
]

SIZES = [(h, w) for h in (1, 10, 27, 42, 70, 98, 112, 223, 300) for w in (1, 14, 42, 112, 126, 200, 1000)]
LIMITS = [(28, 56 * 56, 224 * 224), (28, 56 * 56, 28 * 28 * 1280), (28, 262144, 1048576)]


def pattern(height: int, width: int, channels: int) -> np.ndarray:
    """Ramps, stripes and a hard edge: overshoot, clipping and every phase of the filter show."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [(x * 7 + y * 3) % 256, ((x // 3 + y // 5) % 2) * 255, (x * x + 2 * y * y + 11 * x * y) % 256]
    planes.append(np.clip((x + y) * 255 // max(1, width + height - 2), 0, 255))
    return np.stack(planes[:channels], axis=-1).astype(np.uint8)


def draw_images() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    save = lambda image, name, **options: image.save(IMAGES / name, **options)
    save(Image.fromarray(pattern(112, 84, 3)), "kept-84x112.png")
    save(Image.fromarray(pattern(53, 37, 3)), "up-37x53.png")
    save(Image.fromarray(pattern(200, 301, 3)), "down-301x200.png")
    save(Image.fromarray(pattern(7, 155, 3)), "thin-155x7.png")
    save(Image.fromarray(pattern(61, 90, 4), "RGBA"), "alpha-90x61.png")
    save(Image.fromarray(pattern(100, 64, 1)[..., 0], "L"), "grey-64x100.png")
    save(Image.fromarray(pattern(50, 70, 4)[..., [0, 3]], "LA"), "greyAlpha-70x50.png")
    save(Image.fromarray(pattern(66, 58, 3)).quantize(16), "palette-58x66.png", transparency=3)
    save(Image.fromarray(pattern(60, 60, 2)[..., 1] > 0), "bits-60x60.png")
    save(Image.fromarray(pattern(65, 97, 3)), "photo-97x65.jpg", quality=90, subsampling=0)
    exif = Image.Exif()
    exif[274] = 6
    save(Image.fromarray(pattern(65, 97, 3)), "turned-97x65.jpg", quality=90, subsampling=0, exif=exif)


def opened(path: Path) -> Image.Image:
    from PIL import ImageOps

    return ImageOps.exif_transpose(Image.open(path))


def image_case(path: Path, pillow, default) -> dict:
    image = opened(path)
    rgb = Image.fromarray(convert_to_rgb(image, return_numpy=True))
    limits = (pillow.patch_size * pillow.merge_size, pillow.size["shortest_edge"], pillow.size["longest_edge"])
    height, width = smart_resize(rgb.height, rgb.width, *limits)
    # Rows, then columns: the order of torchvision and of Pillow before 13, whatever Pillow is installed.
    rows = rgb.resize((width, rgb.height), Image.Resampling.BICUBIC)
    exact = pillow(images=[rows.resize((width, height), Image.Resampling.BICUBIC)], do_resize=False, return_tensors="np")
    usual = default(images=[image], return_tensors="np")["pixel_values"].reshape(-1)
    std, mean = (np.array(value, np.float64)[None, :, None] for value in (pillow.image_std, pillow.image_mean))
    values = exact["pixel_values"].astype(np.float64).reshape(len(exact["pixel_values"]), 3, -1)
    data = np.rint((values * std + mean) * 255).astype(np.uint8)
    at = np.random.default_rng(5).integers(0, usual.size, 60)
    return {
        "file": path.name,
        "grid": exact["image_grid_thw"][0].tolist(),
        "sha256": hashlib.sha256(data.tobytes()).hexdigest(),
        "samples": [[int(i), float(usual[i])] for i in at],
    }


def main() -> None:
    draw_images()
    tokenizer = AutoTokenizer.from_pretrained(MODEL)
    processor = AutoProcessor.from_pretrained(MODEL)
    pillow = Qwen2VLImageProcessorPil.from_pretrained(MODEL)
    default = Qwen2VLImageProcessor.from_pretrained(MODEL)
    files = sorted(IMAGES.iterdir())
    prompts = []
    for names, text in [
        (["up-37x53.png"], "<image>What is drawn?"),
        (["kept-84x112.png", "thin-155x7.png"], "First <image> then\n<image>"),
        (["alpha-90x61.png", "grey-64x100.png", "down-301x200.png"], "<image><image> and <image>. <think> first"),
        ([], "No picture: 12 + 30?"),
    ]:
        parts = []
        for at, words in enumerate(text.split("<image>")):
            parts += ([{"type": "image"}] if at else []) + ([{"type": "text", "text": words}] if words else [])
        chat = processor.apply_chat_template([{"role": "user", "content": parts}], add_generation_prompt=True)
        images = [opened(IMAGES / name) for name in names] or None
        made = processor(text=[chat], images=images, return_tensors="np")
        prompts.append({"text": text, "images": names, "tokens": made["input_ids"][0].tolist()})
    golden = {
        "command": COMMAND,
        "transformers": transformers.__version__,
        "size": len(tokenizer),
        "class": [type(tokenizer).__name__, type(processor).__name__, type(processor.image_processor).__name__],
        "strings": [{"text": t, "tokens": tokenizer(t, add_special_tokens=False)["input_ids"]} for t in STRINGS],
        "decoded": [
            {"tokens": t, "text": tokenizer.decode(t), "skipped": tokenizer.decode(t, skip_special_tokens=True)}
            for t in DECODED
            + [[*tokenizer("<think>a b</think> \\boxed{é}<|im_end|>")["input_ids"]]]
            + [list(range(len(tokenizer) - 10, len(tokenizer)))]
            + [[i, 97] for i in range(120, 256, 9)]
        ],
        "chats": [
            {
                "messages": chat,
                "open": tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True),
                "closed": tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=False),
            }
            for chat in CHATS
        ],
        "sizes": [
            [h, w, *limits, *smart_resize(h, w, *limits)]
            for limits in LIMITS
            for h, w in SIZES
            if max(h, w) / min(h, w) <= 200
        ],
        "images": [image_case(path, pillow, default) for path in files],
        "prompts": prompts,
    }
    (ROOT / "golden.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
