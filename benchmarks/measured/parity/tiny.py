"""Greedy answers of the bundled tiny policy by Python's transformers, for tests/golden/tiny/greedy.json.

    python benchmarks/measured/parity/tiny.py data/models/tiny tests/golden/tiny

The model folder is loaded as it is, by the Auto classes; questions and images are those of questions.json.
"""
import json
import sys

import torch
import transformers
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor

MODEL, FOLDER = sys.argv[1:3]
torch.set_num_threads(2)
processor = AutoProcessor.from_pretrained(MODEL, use_fast=False)
model = AutoModelForImageTextToText.from_pretrained(MODEL, dtype=torch.float32, attn_implementation="eager").eval()

answers = []
for question in json.load(open(f"{FOLDER}/questions.json"))["questions"]:
    words = question["text"].replace("<image>", "", 1)
    content = [{"type": "image"}, {"type": "text", "text": words}]
    prompt = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    image = Image.open(f"{FOLDER}/{question['image']}").convert("RGB")
    inputs = processor(text=[prompt], images=[image], return_tensors="pt")
    with torch.no_grad():
        output = model.generate(**inputs, max_new_tokens=96, do_sample=False)
    tokens = output[0, inputs["input_ids"].shape[1] :]
    answers.append(
        {
            "image": question["image"],
            "promptTokens": inputs["input_ids"][0].tolist(),
            "text": processor.tokenizer.decode(tokens, skip_special_tokens=True),
        }
    )
    print(question["image"], question["gold"], "|", answers[-1]["text"])

golden = {
    "command": "python benchmarks/measured/parity/tiny.py data/models/tiny tests/golden/tiny",
    "transformers": transformers.__version__,
    "answers": answers,
}
with open(f"{FOLDER}/greedy.json", "w") as file:
    json.dump(golden, file, indent=1)
    file.write("\n")
