"""Writes tests/golden/processor/sizes.json: what transformers' image processor makes of 1,000 sizes and of 8 pictures.

    python benchmarks/measured/parity/imageSizes.py

Sizes are drawn from 1 x 1 to 5000 x 300, with the published pixel limits. A row is height, width, rows and columns of
patches, tokens; where the processor refuses a size, the last three are missing. Pictures are drawn by a formula that the
test repeats; kept is the SHA-256 of their bytes in patch order, by Pillow's resampling.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import transformers
from PIL import Image
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil, smart_resize

TARGET = Path(__file__).resolve().parents[3] / "tests" / "golden" / "processor" / "sizes.json"
LIMITS = {"shortest_edge": 56 * 56, "longest_edge": 28 * 28 * 16384}
PATCH, MERGE = 14, 2
PICTURES = [(1, 1), (27, 29), (480, 640), (333, 1999), (300, 1500), (1234, 567), (90, 3000), (57, 55)]


def sizes(count: int) -> list[tuple[int, int]]:
    rng = np.random.default_rng(12)
    flat = [(int(rng.integers(1, 301)), int(rng.integers(1, 5001))) for _ in range(count // 2 - 1)]
    even = np.exp(rng.uniform(0, np.log(5000), (count // 2 - 1, 2))).astype(int)
    both = [(1, 1), (300, 5000), *flat, *((int(h), int(w)) for h, w in even)]
    return [(w, h) if at % 2 else (h, w) for at, (h, w) in enumerate(both)]


def row(height: int, width: int) -> list[int]:
    try:
        h, w = smart_resize(height, width, PATCH * MERGE, LIMITS["shortest_edge"], LIMITS["longest_edge"])
    except ValueError:
        return [height, width]
    h, w = h // PATCH, w // PATCH
    return [height, width, h, w, h * w // MERGE**2]


def pattern(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    planes = [(x * 7 + y * 3) % 256, ((x // 3 + y // 5) % 2) * 255, (x * x + 2 * y * y + 11 * x * y) % 256]
    return np.stack(planes, axis=-1).astype(np.uint8)


def picture(height: int, width: int) -> dict:
    image = Image.fromarray(pattern(height, width))
    h, w = smart_resize(height, width, PATCH * MERGE, LIMITS["shortest_edge"], LIMITS["longest_edge"])
    # Rows, then columns: the order of torchvision and of Pillow before 13, whatever Pillow is installed.
    rows = image.resize((w, height), Image.Resampling.BICUBIC)
    pillow = Qwen2VLImageProcessorPil(size=LIMITS, patch_size=PATCH, merge_size=MERGE)
    made = pillow(images=[rows.resize((w, h), Image.Resampling.BICUBIC)], do_resize=False, return_tensors="np")
    std, mean = (np.array(value, np.float64)[None, :, None] for value in (pillow.image_std, pillow.image_mean))
    values = made["pixel_values"].astype(np.float64).reshape(len(made["pixel_values"]), 3, -1)
    data = np.rint((values * std + mean) * 255).astype(np.uint8)
    return {
        "height": height,
        "width": width,
        "grid": made["image_grid_thw"][0].tolist(),
        "sha256": hashlib.sha256(data.tobytes()).hexdigest(),
    }


golden = {
    "command": "python benchmarks/measured/parity/imageSizes.py",
    "transformers": transformers.__version__,
    "limits": LIMITS,
    "sizes": [row(h, w) for h, w in sizes(1000)],
    "pictures": [picture(h, w) for h, w in PICTURES],
}
TARGET.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
