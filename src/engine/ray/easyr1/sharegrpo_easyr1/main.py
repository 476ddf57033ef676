"""What the job runs: `python3 -m sharegrpo_easyr1.main config=run.yaml`. EasyR1's own start with another trainer."""

import json

import ray

from . import EASYR1_VERSION
from .start import read_settings, require_version

ENVIRONMENT = {"TOKENIZERS_PARALLELISM": "true", "NCCL_DEBUG": "WARN", "VLLM_LOGGING_LEVEL": "WARN"}


@ray.remote(num_cpus=1)
class Runner:
    def run(self, config, settings):
        from verl.single_controller.ray import RayWorkerGroup
        from verl.trainer.data_loader import create_dataloader
        from verl.trainer.ray_trainer import ResourcePoolManager, Role
        from verl.utils.tokenizer import get_processor, get_tokenizer
        from verl.workers.fsdp_workers import FSDPWorker
        from verl.workers.reward import AutoRewardManager

        from .trainer import ShareTrainer, install

        install(settings["advantage"])
        model = config.worker.actor.model
        reading = {
            "override_chat_template": config.data.override_chat_template,
            "trust_remote_code": model.trust_remote_code,
            "use_fast": True,
        }
        tokenizer = get_tokenizer(model.model_path, **reading)
        processor = get_processor(model.model_path, **reading)
        rewards = ray.remote(AutoRewardManager).options(num_cpus=config.worker.reward.num_cpus)
        train, validation = create_dataloader(config.data, tokenizer, processor)
        pools = ResourcePoolManager(
            resource_pool_spec={"all": [config.trainer.n_gpus_per_node] * config.trainer.nnodes},
            mapping={Role.ActorRolloutRef: "all"},
        )
        trainer = ShareTrainer(
            config=config,
            tokenizer=tokenizer,
            processor=processor,
            train_dataloader=train,
            val_dataloader=validation,
            role_worker_mapping={Role.ActorRolloutRef: ray.remote(FSDPWorker)},
            resource_pool_manager=pools,
            ray_worker_group_cls=RayWorkerGroup,
            reward_fn=rewards.remote(config.worker.reward, tokenizer),
            val_reward_fn=rewards.remote(config.worker.reward, tokenizer) if settings["validates"] else None,
        )
        trainer.init_workers()
        trainer.fit()


def main():
    require_version(EASYR1_VERSION, "EasyR1 b44b311")
    config = read_settings()
    with open("sharegrpo.json", encoding="utf-8") as file:
        settings = json.load(file)
    if not ray.is_initialized():
        ray.init(runtime_env={"env_vars": ENVIRONMENT})
    ray.get(Runner.remote().run.remote(config, settings))


if __name__ == "__main__":
    main()
