"""PyTorch's side of `npm run bench -- gpu`: a training step, `generate` and TRL's step on one device.

Usage (by the benchmark): python peer.py DEVICE
"""

import gc
import os
import platform
import sys
import time
from contextlib import nullcontext
from importlib import metadata

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "speed", "peers"))

from serve import answer, serve  # noqa: E402


def version(name):
    """An installed package's version, without loading it."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


class Model:
    """Weights by the rules of model.ts: one number throughout, or draws from `begin` on, times `std`."""

    def __init__(self, device):
        self.device = device

    def setup(self, config, rules, block):
        import torch

        self.config = config
        self.rules = {name: rule for name, rule in rules.items() if not name.startswith("visual.")}
        with open(block, "rb") as file:
            draws = bytearray(file.read())
        self.block = torch.frombuffer(draws, dtype=torch.float32).to(self.device)
        return {}

    def weights(self, dtype):
        import torch

        made = {}
        for name, rule in self.rules.items():
            if "fill" in rule:
                made[name] = torch.full(rule["shape"], rule["fill"], dtype=dtype, device=self.device)
                continue
            count = 1
            for side in rule["shape"]:
                count *= side
            scaled = self.block * rule["std"]
            repeats = (rule["begin"] + count) // len(scaled) + 1
            flat = scaled.to(dtype).repeat(repeats)[rule["begin"] : rule["begin"] + count]
            made[name] = flat.view(rule["shape"]).clone()
        return made

    def network(self, dtype):
        """The text model that transformers has for these weights, which are not copied."""
        import torch
        from transformers import Qwen2Config, Qwen2ForCausalLM

        names = "vocab_size hidden_size intermediate_size num_hidden_layers num_attention_heads num_key_value_heads"
        kept = names.split() + ["rms_norm_eps", "max_position_embeddings", "tie_word_embeddings"]
        sizes = {name: self.config[name] for name in kept}
        ends = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": 0}
        rope = {"rope_type": "default", "rope_theta": self.config["rope_theta"]}
        settings = Qwen2Config(**sizes, **ends, rope_parameters=rope, rope_theta=rope["rope_theta"])
        settings._attn_implementation = "sdpa"
        default = torch.get_default_dtype()
        torch.set_default_dtype(dtype)
        try:
            with torch.device("meta"):
                model = Qwen2ForCausalLM(settings)
        finally:
            torch.set_default_dtype(default)
        found = model.load_state_dict(self.weights(dtype), strict=False, assign=True)
        assert not found.unexpected_keys and set(found.missing_keys) <= {"lm_head.weight"}, found
        model.tie_weights()
        # What is computed from the config alone is not among the weights.
        model.model.rotary_emb = type(model.model.rotary_emb)(settings).to(self.device)
        return model.eval()


def autocast(device, precision):
    """Sets what float32 products compute with; bfloat16 for the products inside."""
    import torch

    torch.set_float32_matmul_precision("highest" if precision == "float32" else "high")
    torch.backends.cudnn.allow_tf32 = precision != "float32"
    return torch.autocast(device, torch.bfloat16) if precision == "bf16" else nullcontext()


class Timer:
    """Runs until as many are counted as asked for, or the time is over; one is counted in any case."""

    def __init__(self, device, warmUp, counted, seconds):
        self.device, self.warm_up, self.counted, self.seconds = device, warmUp, counted, seconds

    def finish(self):
        import torch

        if self.device == "cuda":
            torch.cuda.synchronize()

    def run(self, work):
        import torch

        if self.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        end = time.perf_counter() + self.seconds
        milliseconds, values, rounds = [], [], 0
        while len(milliseconds) < self.counted:
            is_late = time.perf_counter() > end
            if is_late and milliseconds:
                break
            self.finish()
            start = time.perf_counter()
            value = work()
            self.finish()
            elapsed = 1000 * (time.perf_counter() - start)
            if rounds >= (1 if is_late else self.warm_up):
                milliseconds.append(elapsed)
            if value is not None:
                values.append(value)
            rounds += 1
        found = {"milliseconds": milliseconds}
        if values:
            found["values"] = values
        if self.device == "cuda":
            found["bytes"] = torch.cuda.max_memory_allocated()
        return found


def frees(method):
    """Gives the method's memory back to the card when it is over."""

    def run(self, **request):
        import torch

        try:
            return method(self, **request)
        finally:
            gc.collect()
            if self.device == "cuda":
                torch.cuda.empty_cache()

    return run


class Jobs:
    def __init__(self, device, model):
        self.device, self.model = device, model

    @frees
    def step(self, tokens, labels, learningRate, precision, isCompiled, series):
        """Forward, backward and fused AdamW; the loss is read back."""
        import torch
        from trainingStep import Decoder

        tokens = torch.tensor(tokens, device=self.device)
        labels = torch.tensor(labels, device=self.device)
        decoder = Decoder(self.model.config, tokens.shape[1], self.device)
        # In float32 on a card, grouped keys would write the scores out.
        decoder.groups = self.device == "cpu" or precision == "bf16"
        params = {name: value.requires_grad_() for name, value in self.model.weights(torch.float32).items()}
        optimizer = torch.optim.AdamW(params.values(), lr=learningRate, fused=True)

        def loss(p):
            return decoder.loss(p, tokens, labels, "sdpa")

        work = torch.compile(loss) if isCompiled else loss

        def step():
            optimizer.zero_grad(set_to_none=True)
            with autocast(self.device, precision):
                value = work(params)
            value.backward()
            optimizer.step()
            return value.item()

        return Timer(self.device, **series).run(step)

    @frees
    def generate(self, prompts, newTokens, precision, series):
        """transformers' `generate` with sampling and its own cache; bf16: the weights are stored so."""
        import torch
        from generation import prepare, sampler

        dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        autocast(self.device, "float32" if precision == "float32" else "tf32")
        network = self.model.network(dtype)
        prepare(network)
        return Timer(self.device, **series).run(sampler(network, prompts, newTokens))

    @frees
    def rl(self, prompts, responses, newTokens, learningRate, precision, series):
        """TRL's GRPOTrainer, as `bench speed` runs it."""
        import torch
        from rlStep import RlStep

        rl = RlStep()
        rl.options = {"use_cpu": self.device == "cpu", "bf16": precision == "bf16", "tf32": None}
        autocast(self.device, "float32" if precision == "float32" else "tf32")
        network = self.model.network(torch.float32).train()
        rl.begin(network, prompts, responses, newTokens, learningRate)
        return Timer(self.device, **series).run(lambda: rl.run() and None)


def main():
    device, python = sys.argv[1], platform.python_version()
    try:
        import torch
    except ImportError as error:
        answer({"missing": f"{sys.executable}: torch does not load: {error}", "python": python})
        return
    if device == "cuda" and not torch.cuda.is_available():
        answer({"missing": f"{sys.executable}: its torch sees no CUDA device", "python": python})
        return
    found = {name: version(name) for name in ("transformers", "trl")}
    installed = {name: number for name, number in found.items() if number}
    answer({"python": python, "torch": torch.__version__, **installed})
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    model = Model(device)
    serve({"model": model, "time": Jobs(device, model)})


main()
