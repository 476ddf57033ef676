"""Trains the bundled vision policy with the official SDK (tinker 0.24.1). usage: tinkerSdk.py URL PNG

Prints one JSON document: what the server serves, greedy tokens, the loss of a target before each of 6 steps and after."""

import json
import os
import sys

os.environ["TINKER_API_KEY"] = "tml-none"
import tinker
from tinker import types

url, path = sys.argv[1:]
with open(path, "rb") as file:
    png = file.read()
service = tinker.ServiceClient(base_url=url)
models = [model.model_name for model in service.get_server_capabilities().supported_models]
training = service.create_lora_training_client(base_model=models[0], rank=8)
image = types.ImageChunk(data=png, format="png", expected_tokens=4)
prompt = [types.EncodedTextChunk(tokens=[5, 6]), image, types.EncodedTextChunk(tokens=[7, 8, 9])]
target = [10, 11, 12]
whole = prompt[:-1] + [types.EncodedTextChunk(tokens=[7, 8, 9] + target[:-1])]
targets = [6] + [0] * 4 + [7, 8, 9] + target
weights = [0.0] * (len(targets) - len(target)) + [1.0] * len(target)
datum = types.Datum(
    model_input=types.ModelInput(chunks=whole),
    loss_fn_inputs={
        "target_tokens": types.TensorData(data=targets, dtype="int64", shape=[len(targets)]),
        "weights": types.TensorData(data=weights, dtype="float32", shape=[len(weights)]),
    },
)


def loss():
    output = training.forward([datum], "cross_entropy").result()
    return -sum(output.loss_fn_outputs[0]["logprobs"].data[-len(target):])


losses = [loss()]
for _ in range(6):
    training.forward_backward([datum], "cross_entropy").result()
    training.optim_step(types.AdamParams(learning_rate=3e-4)).result()
    losses.append(loss())
sampler = training.save_weights_and_get_sampling_client()
answer = sampler.sample(
    prompt=types.ModelInput(chunks=prompt),
    num_samples=2,
    sampling_params=types.SamplingParams(max_tokens=3, temperature=0.0),
).result()
print(json.dumps({"models": models, "losses": losses, "tokens": [list(one.tokens) for one in answer.sequences]}))
