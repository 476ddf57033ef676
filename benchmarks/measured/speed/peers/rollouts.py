"""transformers' `generate` on the benchmark's checkpoint, text prompts, end token off."""

import time

import torch
from generation import prepare, sampler
from transformers import Qwen2_5_VLForConditionalGeneration


class Rollouts:
    def setup(self, model):
        self.model = Qwen2_5_VLForConditionalGeneration.from_pretrained(model, dtype=torch.float32).eval()
        prepare(self.model)
        return {}

    def run(self, prompts, newTokens):
        run = sampler(self.model, prompts, newTokens)
        start = time.perf_counter()
        run()
        return {"ms": 1000 * (time.perf_counter() - start)}

    @torch.inference_mode()
    def check(self, prompt):
        """Log-probabilities of every next token but the last prompt token's: `[S - 1]`, natural log."""
        tokens = torch.tensor([prompt])
        scores = self.model(input_ids=tokens, attention_mask=torch.ones_like(tokens)).logits
        logProbs = scores[0, :-1].log_softmax(-1)
        return {"logProbs": logProbs.gather(1, tokens[0, 1:, None])[:, 0].tolist()}
