"""EasyR1's trainer with every response read under every variant's prompt, and Eq. 7's advantages.

Only what is between generation and the update changes: rewards are graded before rows are expanded, and advantages
come from advantage.py. Old log-probs, clipping, aggregation, FSDP and the vision tower are EasyR1's own.
"""

import numpy as np
import ray
import torch
from verl.protocol import DataProto
from verl.trainer import ray_trainer
from verl.trainer.metrics import reduce_metrics

from .advantage import Row, Settings, hierarchical_advantages
from .expand import expansion
from .rows import printing

QUESTION, VARIANT = "question_id", "variant"


def expanded(batch, pairs):
    """The batch's rows as pairs: prompt, mask, positions and images of the one row, the response of the other."""
    prompt_rows = torch.tensor([pair[0] for pair in pairs])
    response_rows = torch.tensor([pair[1] for pair in pairs])
    source = batch.batch
    prompts = source["prompts"][prompt_rows]
    responses = source["responses"][response_rows]
    response_mask = source["response_mask"][response_rows]
    length = prompts.size(1)
    positions = source["position_ids"][prompt_rows][..., :length]
    # All axes of M-RoPE go on by one from the prompt's last position.
    steps = torch.arange(1, responses.size(1) + 1, device=positions.device)
    onward = positions[..., -1:] + steps.expand(*positions.shape[:-1], -1)
    tensors = {
        "prompts": prompts,
        "responses": responses,
        "input_ids": torch.cat([prompts, responses], dim=1),
        "attention_mask": torch.cat([source["attention_mask"][prompt_rows][:, :length], response_mask], dim=1),
        "response_mask": response_mask,
        "position_ids": torch.cat([positions, onward], dim=-1),
        "token_level_scores": source["token_level_scores"][response_rows],
    }
    chosen = prompt_rows.numpy()
    others = {name: values[chosen] for name, values in batch.non_tensor_batch.items()}
    for name, at in (("pair_k", 3), ("pair_j", 4), ("pair_i", 5)):
        others[name] = np.array([pair[at] for pair in pairs], dtype=object)
    return DataProto.from_dict(tensors=tensors, non_tensors=others, meta_info=batch.meta_info)


def advantages_of(batch, settings):
    """Puts `advantages` and `returns` into the batch: each row's advantage at its response tokens."""
    others = batch.non_tensor_batch
    rewards = batch.batch["token_level_rewards"].sum(-1).double().tolist()
    keys = (others[QUESTION], others["pair_k"], others["pair_j"], others["pair_i"], rewards)
    # The score of a response is the same number in all of its rows; its sum in float32 is, too.
    rows = [Row(str(q), int(k), int(j), int(i), reward) for q, k, j, i, reward in zip(*keys)]
    values = torch.tensor(hierarchical_advantages(rows, settings), dtype=torch.float64)
    mask = batch.batch["response_mask"]
    tokens = (values.unsqueeze(-1) * mask).to(batch.batch["token_level_rewards"].dtype)
    batch.batch["advantages"] = tokens
    batch.batch["returns"] = tokens
    return batch


class ShareTrainer(ray_trainer.RayPPOTrainer):
    def _make_batch_data(self, metrics):
        batch = super()._make_batch_data(metrics)
        scores, parts = ray.get(self.reward_fn.compute_reward.remote(batch))
        metrics.update({f"reward/{name}": value for name, value in reduce_metrics(parts).items()})
        batch.batch["token_level_scores"] = scores
        n = self.config.worker.rollout.n
        others = batch.non_tensor_batch
        prompts = slice(None, None, n)
        pairs = expansion(
            [str(question) for question in others[QUESTION][prompts]],
            [int(variant) for variant in others[VARIANT][prompts]],
            n,
        )
        return expanded(batch, pairs)


def install(settings):
    """Puts the advantage and the printing tracker where EasyR1's loop looks for them, in this process."""
    chosen = Settings(**settings)
    ray_trainer.compute_advantage = lambda data, **_: advantages_of(data, chosen)
    ray_trainer.Tracker = printing(ray_trainer.Tracker)
