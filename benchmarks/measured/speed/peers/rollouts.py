"""transformers' `generate` on the benchmark's checkpoint, text prompts, end token off."""

import time

import torch
from transformers import GenerationConfig, Qwen2_5_VLForConditionalGeneration


class Rollouts:
    def setup(self, model):
        self.model = Qwen2_5_VLForConditionalGeneration.from_pretrained(model, dtype=torch.float32).eval()
        self.model.generation_config = GenerationConfig(pad_token_id=0)
        return {}

    @torch.inference_mode()
    def run(self, prompts, newTokens):
        tokens = torch.tensor(prompts)
        settings = GenerationConfig(
            do_sample=True,
            temperature=1.0,
            top_k=0,
            top_p=1.0,
            max_new_tokens=newTokens,
            min_new_tokens=newTokens,
            eos_token_id=None,
            pad_token_id=0,
        )
        start = time.perf_counter()
        output = self.model.generate(
            input_ids=tokens, attention_mask=torch.ones_like(tokens), generation_config=settings
        )
        elapsed = 1000 * (time.perf_counter() - start)
        made = output.shape[1] - tokens.shape[1]
        assert made == newTokens, f"expected {newTokens} new tokens, got {made}"
        return {"ms": elapsed}

    @torch.inference_mode()
    def check(self, prompt):
        """Log-probabilities of every next token but the last prompt token's: `[S - 1]`, natural log."""
        tokens = torch.tensor([prompt])
        scores = self.model(input_ids=tokens, attention_mask=torch.ones_like(tokens)).logits
        logProbs = scores[0, :-1].log_softmax(-1)
        return {"logProbs": logProbs.gather(1, tokens[0, 1:, None])[:, 0].tolist()}
