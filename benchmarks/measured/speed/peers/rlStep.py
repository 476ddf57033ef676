"""A whole RL step by TRL's GRPOTrainer: rollouts, rewards, advantages, loss, AdamW; the decoder of the benchmark's
checkpoint, prompts of ordinary tokens, as many new tokens as asked for.

The trainer's loop runs in a thread of its own and waits before every step until it is told to go on.
"""

import json
import os
import queue
import random
import tempfile
import threading
import time

import torch
from safetensors.torch import load_file


def decoder(folder):
    """The checkpoint's decoder as the text model that it is."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    with open(os.path.join(folder, "config.json")) as file:
        config = json.load(file)
    names = "vocab_size hidden_size intermediate_size num_hidden_layers num_attention_heads num_key_value_heads"
    kept = names.split() + ["rms_norm_eps", "max_position_embeddings", "tie_word_embeddings"]
    sizes = {name: config[name] for name in kept}
    ends = {"bos_token_id": None, "eos_token_id": config["vocab_size"] - 1, "pad_token_id": 0}
    rope = {"rope_type": "default", "rope_theta": config["rope_theta"]}
    model = Qwen2ForCausalLM(Qwen2Config(**sizes, **ends, rope_parameters=rope))
    weights = load_file(os.path.join(folder, "model.safetensors"))
    text = {name: value for name, value in weights.items() if not name.startswith("visual.")}
    missing = model.load_state_dict(text, strict=False)
    assert not missing.unexpected_keys and set(missing.missing_keys) <= {"lm_head.weight"}, missing
    return model


def tokenizer(size):
    """One word per token: `t0` to `t{size - 1}`, separated by blanks."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel({f"t{at}": at for at in range(size)}, unk_token="t0"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=words, pad_token="t0", eos_token=f"t{size - 1}")


class RlStep:
    # What GRPOConfig is told of the machine.
    options = {"use_cpu": True, "bf16": False}

    def setup(self, model, **request):
        return self.begin(decoder(model), **request)

    def begin(self, network, prompts, responses, newTokens, learningRate):
        import trl
        from datasets import Dataset
        from transformers import TrainerCallback

        self.go, self.done = queue.Queue(), queue.Queue()
        outer = self

        class Steps(TrainerCallback):
            """Waits before a step, and says how long it took."""

            def on_step_begin(self, args, state, control, **kwargs):
                outer.go.get()
                outer.start = time.perf_counter()

            def on_step_end(self, args, state, control, **kwargs):
                outer.done.put(1000 * (time.perf_counter() - outer.start))

        rewards = random.Random(1)

        def reward(completion_ids, **kwargs):
            outer.lengths = [len(ids) for ids in completion_ids]
            return [float(rewards.random() < 0.5) for _ in completion_ids]

        rows = [{"prompt": " ".join(f"t{token}" for token in prompt)} for prompt in prompts]
        config = trl.GRPOConfig(
            output_dir=tempfile.mkdtemp(prefix="sharegrpo-trl-"),
            **self.options,
            fp16=False,
            gradient_checkpointing=False,
            per_device_train_batch_size=len(prompts) * responses,
            gradient_accumulation_steps=1,
            steps_per_generation=1,
            num_iterations=1,
            num_generations=responses,
            max_completion_length=newTokens,
            generation_kwargs={"min_new_tokens": newTokens},
            temperature=1.0,
            top_p=1.0,
            top_k=0,
            beta=0.0,
            learning_rate=learningRate,
            lr_scheduler_type="constant",
            max_steps=10_000,
            logging_steps=10_000,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            optim="adamw_torch_fused",
        )
        trainer = trl.GRPOTrainer(
            model=network,
            reward_funcs=reward,
            args=config,
            train_dataset=Dataset.from_list(rows),
            processing_class=tokenizer(network.config.vocab_size),
            callbacks=[Steps()],
        )
        threads = torch.get_num_threads()

        def loop():
            torch.set_num_threads(threads)  # a thread has its own number
            try:
                trainer.train()
            except Exception as error:  # told to the asking thread
                self.done.put(error)

        threading.Thread(target=loop, daemon=True).start()
        self.expected = [newTokens] * (len(prompts) * responses)
        return {"trl": trl.__version__}

    def run(self):
        self.go.put(True)
        found = self.done.get()
        if isinstance(found, Exception):
            raise found
        assert self.lengths == self.expected, f"expected {self.expected[:1]} new tokens, got {self.lengths}"
        return {"ms": found}
