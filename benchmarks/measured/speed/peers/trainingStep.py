"""The decoder of Qwen2.5-VL on text, in plain PyTorch: forward, backward, AdamW."""

import json
import os
import time

import torch
import torch.nn.functional as F
from safetensors.torch import load_file


def rotate(x, cos, sin):
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat([-second, first], -1) * sin


class Decoder:
    """The forward pass as a function of a dictionary of parameters."""

    def __init__(self, config, length, device="cpu"):
        self.layers = config["num_hidden_layers"]
        self.heads = config["num_attention_heads"]
        self.key_heads = config["num_key_value_heads"]
        self.eps = config["rms_norm_eps"]
        self.size = config["hidden_size"] // self.heads
        # Whether the fused attention takes fewer keys than queries.
        self.groups = True
        rates = config["rope_theta"] ** (-torch.arange(0, self.size, 2) / self.size)
        angles = torch.outer(torch.arange(length), rates).repeat(1, 2)
        self.cos, self.sin = angles.cos().to(device), angles.sin().to(device)
        self.mask = torch.full((length, length), float("-inf"), device=device).triu(1)

    def norm(self, x, weight):
        return F.rms_norm(x, (x.shape[-1],), weight, self.eps)

    def attend(self, q, k, v, attention):
        if attention == "sdpa" and self.groups:
            return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        k, v = (x.repeat_interleave(self.heads // self.key_heads, 1) for x in (k, v))
        if attention == "sdpa":
            return F.scaled_dot_product_attention(q, k, v, is_causal=True)
        scores = q @ k.transpose(-1, -2) * self.size**-0.5 + self.mask
        return scores.softmax(-1) @ v

    def layer(self, p, name, x, attention):
        B, S, _ = x.shape
        h = self.norm(x, p[f"{name}.input_layernorm.weight"])
        attn = f"{name}.self_attn"
        q, k, v = (
            F.linear(h, p[f"{attn}.{each}_proj.weight"], p[f"{attn}.{each}_proj.bias"])
            .view(B, S, -1, self.size)
            .transpose(1, 2)
            for each in "qkv"
        )
        mixed = self.attend(rotate(q, self.cos, self.sin), rotate(k, self.cos, self.sin), v, attention)
        x = x + F.linear(mixed.transpose(1, 2).reshape(B, S, -1), p[f"{attn}.o_proj.weight"])
        h = self.norm(x, p[f"{name}.post_attention_layernorm.weight"])
        gate = F.silu(F.linear(h, p[f"{name}.mlp.gate_proj.weight"]))
        up = F.linear(h, p[f"{name}.mlp.up_proj.weight"])
        return x + F.linear(gate * up, p[f"{name}.mlp.down_proj.weight"])

    def loss(self, p, tokens, labels, attention):
        embedding = p["model.embed_tokens.weight"]
        x = F.embedding(tokens, embedding)
        for at in range(self.layers):
            x = self.layer(p, f"model.layers.{at}", x, attention)
        scores = F.linear(self.norm(x, p["model.norm.weight"]), embedding)
        return F.cross_entropy(scores.flatten(0, 1), labels.flatten())


class TrainingStep:
    def setup(self, model, tokens, labels, learningRate):
        with open(os.path.join(model, "config.json")) as file:
            config = json.load(file)
        weights = load_file(os.path.join(model, "model.safetensors"))
        self.weights = {name: value for name, value in weights.items() if not name.startswith("visual.")}
        self.tokens, self.labels = torch.tensor(tokens), torch.tensor(labels)
        self.decoder = Decoder(config, self.tokens.shape[1])
        self.learning_rate = learningRate
        self.sides = {}
        return {}

    def fresh(self):
        return {name: value.clone().requires_grad_() for name, value in self.weights.items()}

    def side(self, name):
        """Parameters, optimizer and loss function of `sdpa`, `eager` or `compiled`."""
        if name not in self.sides:
            params = self.fresh()
            optimizer = torch.optim.AdamW(params.values(), lr=self.learning_rate, fused=True)
            attention = "eager" if name == "eager" else "sdpa"

            def loss(p):
                return self.decoder.loss(p, self.tokens, self.labels, attention)

            self.sides[name] = (params, optimizer, torch.compile(loss) if name == "compiled" else loss)
        return self.sides[name]

    def step(self, side):
        params, optimizer, loss = self.side(side)
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        value = loss(params)
        value.backward()
        optimizer.step()
        return {"ms": 1000 * (time.perf_counter() - start), "loss": value.item()}

    def check(self, attention):
        """Loss and gradient norms at the initial weights."""
        params = self.fresh()
        value = self.decoder.loss(params, self.tokens, self.labels, attention)
        value.backward()
        return {
            "loss": value.item(),
            "gradNorms": {name: param.grad.norm().item() for name, param in params.items()},
        }
