"""Runs a job's folder through the real source of its stack (EasyR1 b44b311, or the released R1-ShareVL code da7388e) as far
as that goes without GPUs. usage: course.py STACK, in the job's folder, with the stack's source, this project's package and
this folder (vLLM's stand-in) on PYTHONPATH, and `config=run.yaml`.

Real: OmegaConf's merge, tokenizer, processor, data loader, the rollout's handling of rows, reward manager, the trainer's whole
loop with its logger. Stand-ins: vLLM's engine, which answers by a rule, and the workers, which keep what they are given.
Prints COURSE {json}: every row of every update.
"""

import hashlib
import io
import json
import os
import sys
import types

import numpy as np
import ray
import torch

STACK = sys.argv.pop(1)


def answer(prompt, i):
    """What the stand-in says: right, wrong or without a box, by prompt and response."""
    digit = int(hashlib.sha256(repr((list(prompt["prompt_token_ids"]), i)).encode()).hexdigest(), 16) % 3
    return ["<think>so</think> \\boxed{A}", "<think>so</think> \\boxed{B}", "none"][digit]


class Engine:
    def __init__(self, tokenizer, n):
        self.tokenizer, self.n, self.seen = tokenizer, n, []

    def generate(self, prompts, **_):
        self.seen.extend(prompts)
        done = []
        for prompt in prompts:
            texts = [answer(prompt, i) for i in range(self.n)]
            ids = [self.tokenizer.encode(text) + [self.tokenizer.eos_token_id] for text in texts]
            done.append(types.SimpleNamespace(outputs=[types.SimpleNamespace(token_ids=one) for one in ids]))
        return done


class Workers:
    """What the trainer asks of GPUs: rows come through the stack's own rollout class, the rest is kept."""

    world_size = 1

    def __init__(self, config, tokenizer):
        from verl.workers.rollout import vLLMRollout

        n = config.worker.rollout.n
        self.tokenizer = tokenizer
        self.rollout = object.__new__(vLLMRollout)
        self.rollout.rank = 0
        self.rollout.config = config.worker.rollout
        self.rollout.pad_token_id = tokenizer.pad_token_id
        self.rollout.sampling_params = types.SimpleNamespace(n=n)
        self.rollout.answer_per_question = n
        self.rollout.lora_kwargs = {}
        self.rollout.use_tqdm = False
        self.rollout.return_video_metadata = False
        self.rollout.inference_engine = Engine(tokenizer, n)
        self.updates, self.saved = [], []

    def generate_sequences(self, prompts):
        prompts.meta_info["eos_token_id"] = self.tokenizer.eos_token_id
        return self.rollout.generate_sequences(prompts)

    def compute_log_probs(self, batch):
        from verl.protocol import DataProto

        shape = batch.batch["responses"].shape
        return DataProto.from_dict(tensors={"old_log_probs": torch.full(shape, -1.0)})

    compute_ref_log_probs = None

    def update_actor(self, batch):
        from verl.protocol import DataProto

        self.updates.append(batch)
        return DataProto(non_tensor_batch={"actor/lr": np.array([1e-6]), "actor/grad_norm": np.array([0.5])})

    def save_checkpoint(self, path, **_):
        os.makedirs(path)
        self.saved.append(path)

    def prepare_rollout_engine(self):
        pass

    release_rollout_engine = prepare_rollout_engine


def pixels(images):
    """Digests of pictures as they reach the model."""
    from PIL import Image

    def one(image):
        if isinstance(image, dict):
            image = Image.open(io.BytesIO(image["bytes"]))
        return hashlib.sha256(np.asarray(image.convert("RGB")).tobytes()).hexdigest()[:16]

    return [one(image) for image in images]


def rows_of(batch, tokenizer):
    tensors, others = batch.batch, batch.non_tensor_batch
    rows = []
    for at in range(len(batch)):
        prompt = tensors["prompts"][at]
        length = int(tensors["response_mask"][at].sum())
        mask = tensors["attention_mask"][at].bool()
        advantages = tensors["advantages"][at]
        row = {
            "prompt": tokenizer.decode(prompt[mask[: prompt.numel()]]),
            "response": tokenizer.decode(tensors["responses"][at][:length], skip_special_tokens=True),
            "reward": float(tensors["token_level_rewards"][at].sum()),
            "advantage": float(advantages[0]),
            "isFlat": bool((advantages[:length] == advantages[0]).all()) and not bool(advantages[length:].any()),
            "groundTruth": str(others["ground_truth"][at]),
        }
        if STACK == "easyr1":
            row["question"], row["variant"] = str(others["question_id"][at]), int(others["variant"][at])
            row["pair"] = [int(others[name][at]) for name in ("pair_k", "pair_j", "pair_i")]
            row["pixels"] = pixels(others["multi_modal_data"][at]["images"])
        else:
            row["question"] = str(others["uid"][at])
            row["variant"], row["isOwn"] = str(others["inter_uid"][at]), bool(others["inter_bool"][at])
        rows.append(row)
    return rows


def positions_agree(batch, processor, config):
    """Whether the positions of a row are those that the whole of prompt and response would be given."""
    from verl.models.transformers.qwen2_vl import get_rope_index
    from verl.utils.dataset import process_image

    tensors = batch.batch
    for at in range(0, len(batch), 5):
        images = [
            process_image(image, config.data.min_pixels, config.data.max_pixels)
            for image in batch.non_tensor_batch["multi_modal_data"][at]["images"]
        ]
        grid = processor.image_processor(images, return_tensors="pt")["image_grid_thw"]
        mask = tensors["attention_mask"][at].bool()
        ids = tensors["input_ids"][at][mask]
        whole = get_rope_index(processor, input_ids=ids, image_grid_thw=grid, attention_mask=torch.ones_like(ids))
        if not torch.equal(whole, tensors["position_ids"][at][-3:][:, mask]):
            return False
    return True


def easyr1_trainer(config, pools, tokenizer, processor):
    from sharegrpo_easyr1.trainer import ShareTrainer, install
    from verl.trainer.data_loader import create_dataloader
    from verl.trainer.ray_trainer import Role
    from verl.workers.reward import AutoRewardManager

    with open("sharegrpo.json", encoding="utf-8") as file:
        install(json.load(file)["advantage"])
    train, validation = create_dataloader(config.data, tokenizer, processor)
    rewards = ray.remote(AutoRewardManager).options(num_cpus=config.worker.reward.num_cpus)
    return ShareTrainer(
        config=config,
        tokenizer=tokenizer,
        processor=processor,
        train_dataloader=train,
        val_dataloader=validation,
        role_worker_mapping={Role.ActorRolloutRef: None},
        resource_pool_manager=pools,
        reward_fn=rewards.remote(config.worker.reward, tokenizer),
    )


def released_trainer(config, pools, tokenizer, processor):
    from sharegrpo_easyr1.rows import printing
    from verl.trainer import ray_trainer
    from verl.workers.reward import FunctionRewardManager

    ray_trainer.Tracker = printing(ray_trainer.Tracker)
    return ray_trainer.RayPPOTrainer(
        config=config,
        tokenizer=tokenizer,
        processor=processor,
        role_worker_mapping={ray_trainer.Role.ActorRollout: None, ray_trainer.Role.RefPolicy: None},
        resource_pool_manager=pools,
        reward_fn=FunctionRewardManager(config=config.worker.reward, tokenizer=tokenizer),
    )


def main():
    import omegaconf
    import sharegrpo_easyr1
    from sharegrpo_easyr1.start import read_settings, require_version

    wanted = sharegrpo_easyr1.EASYR1_VERSION if STACK == "easyr1" else sharegrpo_easyr1.RELEASED_VERSION
    require_version(wanted, STACK)
    config = read_settings()
    if STACK == "r1-sharevl":
        from sharegrpo_easyr1.released import last_checkpoint

        config.trainer.load_checkpoint_path = last_checkpoint(config.trainer.save_checkpoint_path)
    from verl.trainer.ray_trainer import ResourcePoolManager
    from verl.utils.tokenizer import get_processor, get_tokenizer

    model = config.worker.actor.model.model_path
    tokenizer, processor = get_tokenizer(model, use_fast=True), get_processor(model, use_fast=True)
    if STACK == "easyr1":
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    pools = ResourcePoolManager(resource_pool_spec={"all": [1]}, mapping={})
    make = easyr1_trainer if STACK == "easyr1" else released_trainer
    trainer = make(config, pools, tokenizer, processor)
    workers = Workers(config, tokenizer)
    trainer.actor_rollout_ref_wg = trainer.actor_rollout_wg = workers
    trainer.fit()
    told = {
        "omegaconf": omegaconf.__version__,
        "logger": list(config.trainer.logger),
        "updates": [rows_of(batch, tokenizer) for batch in workers.updates],
        "arePositionsWhole": STACK != "easyr1"
        or all(positions_agree(batch, processor, config) for batch in workers.updates),
        "saved": workers.saved,
        "optimizer": [config.worker.actor.optim.training_steps, config.worker.actor.global_batch_size],
    }
    print("COURSE " + json.dumps(told), flush=True)


main()
