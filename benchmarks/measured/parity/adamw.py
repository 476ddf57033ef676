"""Three AdamW steps and two clipped gradients by PyTorch, as JSON: python adamw.py > tests/golden/adamw.json"""
import json
import torch

generator = torch.Generator().manual_seed(3)
STEPS, LEARNING_RATES = 4, [0.01, 0.02, 0.0, 0.005]
params = {"matrix": torch.randn(2, 3, generator=generator), "bias": torch.randn(3, generator=generator)}
grads = [
    {name: torch.randn(value.shape, generator=generator) * 10.0**-step for name, value in params.items()}
    for step in range(STEPS)
]


def listed(tensors):
    return {name: {"shape": list(value.shape), "values": value.flatten().tolist()} for name, value in tensors.items()}


def run(weight_decay):
    own = {name: value.clone().double().requires_grad_() for name, value in params.items()}
    optimizer = torch.optim.AdamW(own.values(), betas=(0.9, 0.999), eps=1e-8, weight_decay=weight_decay)
    after = []
    for step in range(STEPS):
        optimizer.param_groups[0]["lr"] = LEARNING_RATES[step]
        for name, value in own.items():
            value.grad = grads[step][name].clone().double()
        optimizer.step()
        after.append(listed({name: value.detach() for name, value in own.items()}))
    moments = {name: optimizer.state[value] for name, value in own.items()}
    return {
        "weightDecay": weight_decay,
        "after": after,
        "first": listed({name: moment["exp_avg"] for name, moment in moments.items()}),
        "second": listed({name: moment["exp_avg_sq"] for name, moment in moments.items()}),
    }


def clip(max_norm):
    own = {name: value.clone().double().requires_grad_() for name, value in params.items()}
    for name, value in own.items():
        value.grad = grads[0][name].clone().double()
    norm = torch.nn.utils.clip_grad_norm_(own.values(), max_norm)
    return {
        "maxNorm": max_norm,
        "norm": norm.item(),
        "grads": listed({name: value.grad for name, value in own.items()}),
    }


print(
    json.dumps(
        {
            "command": "python benchmarks/measured/parity/adamw.py > tests/golden/adamw.json",
            "made with": f"torch {torch.__version__.split('+')[0]}, float64 arithmetic on float32 inputs",
            "learningRates": LEARNING_RATES,
            "params": listed(params),
            "grads": [listed(step) for step in grads],
            "runs": [run(0.0), run(0.1)],
            "clips": [clip(0.5), clip(100.0)],
        },
        indent=1,
    )
)
