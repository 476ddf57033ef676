"""transformers' `generate` as both benchmarks ask for it: sampled, so many tokens, no end token."""

import torch
from transformers import GenerationConfig

SETTINGS = {"do_sample": True, "temperature": 1.0, "top_k": 0, "top_p": 1.0, "eos_token_id": None, "pad_token_id": 0}


def prepare(network):
    """Drops what a checkpoint says of generation."""
    network.generation_config = GenerationConfig(pad_token_id=SETTINGS["pad_token_id"])


def sampler(network, prompts, newTokens):
    """@returns samples a response of `newTokens` tokens to each row of `prompts`"""
    tokens = torch.tensor(prompts, device=network.device)
    settings = GenerationConfig(max_new_tokens=newTokens, min_new_tokens=newTokens, **SETTINGS)

    @torch.inference_mode()
    def run():
        output = network.generate(
            input_ids=tokens, attention_mask=torch.ones_like(tokens), generation_config=settings
        )
        made = output.shape[1] - tokens.shape[1]
        assert made == newTokens, f"expected {newTokens} new tokens, got {made}"

    return run
