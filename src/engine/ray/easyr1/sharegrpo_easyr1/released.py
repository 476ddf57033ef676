"""What the job runs on the released R1-ShareVL code: `python3 -m sharegrpo_easyr1.released config=run.yaml`.

Its own trainer, unchanged, with three things around it: rows are printed, the newest checkpoint is gone on from, and no
validation is asked for (the code's own stops the job after the last step, before its last checkpoint).
"""

import os

import ray

from . import RELEASED_VERSION
from .start import read_settings, require_version

ENVIRONMENT = {"TOKENIZERS_PARALLELISM": "true", "NCCL_DEBUG": "WARN", "VLLM_LOGGING_LEVEL": "INFO"}


def last_checkpoint(folder):
    """The newest checkpoint that was written whole, or None."""
    from verl.utils.checkpoint import CHECKPOINT_TRACKER

    tracker = os.path.join(folder, CHECKPOINT_TRACKER)
    if not os.path.isfile(tracker):
        return None
    with open(tracker, encoding="utf-8") as file:
        path = os.path.join(folder, f"global_step_{file.read().strip()}")
    return path if os.path.isdir(path) else None


@ray.remote(num_cpus=1)
class Runner:
    def run(self, config):
        from verl.single_controller.ray import RayWorkerGroup
        from verl.trainer import ray_trainer
        from verl.trainer.ray_trainer import RayPPOTrainer, ResourcePoolManager, Role
        from verl.utils.tokenizer import get_processor, get_tokenizer
        from verl.workers.fsdp_workers import FSDPWorker
        from verl.workers.reward import FunctionRewardManager

        from .rows import printing

        ray_trainer.Tracker = printing(ray_trainer.Tracker)
        model = config.worker.actor.model
        reading = {"trust_remote_code": model.trust_remote_code, "use_fast": True}
        tokenizer = get_tokenizer(model.model_path, **reading)
        roles = [Role.ActorRollout, Role.RefPolicy]
        pools = ResourcePoolManager(
            resource_pool_spec={"all": [config.trainer.n_gpus_per_node] * config.trainer.nnodes},
            mapping={role: "all" for role in roles},
        )
        trainer = RayPPOTrainer(
            config=config,
            tokenizer=tokenizer,
            processor=get_processor(model.model_path, **reading),
            role_worker_mapping={role: ray.remote(FSDPWorker) for role in roles},
            resource_pool_manager=pools,
            ray_worker_group_cls=RayWorkerGroup,
            reward_fn=FunctionRewardManager(config=config.worker.reward, tokenizer=tokenizer),
            val_reward_fn=None,
        )
        trainer.init_workers()
        trainer.fit()


def main():
    require_version(RELEASED_VERSION, "R1-ShareVL da7388e")
    config = read_settings()
    if config.trainer.load_checkpoint_path is None:
        config.trainer.load_checkpoint_path = last_checkpoint(config.trainer.save_checkpoint_path)
    if not ray.is_initialized():
        ray.init(runtime_env={"env_vars": ENVIRONMENT})
    ray.get(Runner.remote().run.remote(config))


if __name__ == "__main__":
    main()
