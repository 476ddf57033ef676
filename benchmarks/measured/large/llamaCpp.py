"""Tokens a second of llama.cpp's greedy decoding with random Q8_0 weights in a decoder's shape.

python llamaCpp.py FOLDER SHAPE: SHAPE is JSON of the decoder's sizes, batches and tokens; the model is written into
FOLDER. Prompts are short, because every slot reads its own and only decoding is timed. Needs
`pip install xllamacpp gguf`. The last line printed is JSON: rates, one number a batch, and what the library was built for.
"""

import json
import re
import sys
import threading
import time
from pathlib import Path

import gguf
import numpy as np
import xllamacpp as xlc

BLOCK = 32
POOL = 64
PROMPT_TOKENS = 4


def q8(columns, most, draws):
    """[most, bytes] of Q8_0: per 32 numbers a float16 scale and 32 bytes; a pool of random rows, repeated."""
    blocks = columns // BLOCK
    pool = draws.integers(0, 256, (POOL, blocks, BLOCK + 2), dtype=np.uint8)
    scale = np.array([0.02 / 74], np.float16).view(np.uint8)  # 74: deviation of uniform bytes
    pool[:, :, :2] = scale
    return np.tile(pool.reshape(POOL, -1), (-(-most // POOL), 1))


def write_model(path, shape, draws):
    hidden, layers, vocabulary = shape["hiddenSize"], shape["layers"], shape["vocabSize"]
    keys = shape["keyValueHeads"] * shape["headSize"]
    queries = shape["heads"] * shape["headSize"]
    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_context_length(32768)
    writer.add_embedding_length(hidden)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(shape["intermediateSize"])
    writer.add_head_count(shape["heads"])
    writer.add_head_count_kv(shape["keyValueHeads"])
    writer.add_rope_freq_base(shape["ropeTheta"])
    writer.add_layer_norm_rms_eps(shape["rmsNormEps"])
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list([f"t{token}" for token in range(vocabulary)])
    writer.add_token_types([gguf.TokenType.NORMAL] * vocabulary)
    writer.add_token_merges(["t 1"])
    writer.add_eos_token_id(vocabulary - 1)

    # Matrices of a width are views of one array: nothing is drawn or copied twice.
    intermediate = shape["intermediateSize"]
    most = {queries: hidden, intermediate: hidden, hidden: max(vocabulary, queries, intermediate)}
    drawn = {columns: q8(columns, rows, draws) for columns, rows in most.items()}

    def matrix(name, rows, columns):
        writer.add_tensor(f"{name}.weight", drawn[columns][:rows], raw_dtype=gguf.GGMLQuantizationType.Q8_0)

    def vector(name, size, value):
        writer.add_tensor(name, np.full(size, value, np.float32))

    matrix("token_embd", vocabulary, hidden)
    if not shape["tieWordEmbeddings"]:
        matrix("output", vocabulary, hidden)
    vector("output_norm.weight", hidden, 1)
    for layer in range(layers):
        at = f"blk.{layer}"
        for part, rows in (("q", queries), ("k", keys), ("v", keys)):
            matrix(f"{at}.attn_{part}", rows, hidden)
            vector(f"{at}.attn_{part}.bias", rows, 0)
        matrix(f"{at}.attn_output", hidden, queries)
        matrix(f"{at}.ffn_gate", intermediate, hidden)
        matrix(f"{at}.ffn_up", intermediate, hidden)
        matrix(f"{at}.ffn_down", hidden, intermediate)
        vector(f"{at}.attn_norm.weight", hidden, 1)
        vector(f"{at}.ffn_norm.weight", hidden, 1)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def server(path, slots, context):
    params = xlc.CommonParams()
    params.model.path = str(path)
    params.n_parallel = slots
    params.n_ctx = slots * context
    params.n_gpu_layers = 0
    params.cont_batching = True
    params.cache_prompt = False
    params.fit_params = False
    params.warmup = False
    return xlc.Server(params)


def seconds(engine, prompt, slots, tokens):
    request = {"prompt": prompt, "n_predict": tokens, "temperature": 0, "samplers": ["top_k"], "top_k": 1,
               "ignore_eos": True, "cache_prompt": False}
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(engine.handle_completions(request)))
        for _ in range(slots)
    ]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - started
    print([str(answer)[:200] for answer in answers[:1]], file=sys.stderr)
    return elapsed


def main():
    folder, shape = Path(sys.argv[1]), json.loads(sys.argv[2])
    path = folder / "random.gguf"
    draws = np.random.default_rng(1)
    write_model(path, shape, draws)
    prompt = [int(token) for token in draws.integers(0, 200, PROMPT_TOKENS)]
    rates = []
    for slots in shape["batches"]:
        engine = server(path, slots, PROMPT_TOKENS + shape["tokens"] + 16)
        seconds(engine, prompt, 1, 2)  # pages of the file are in memory
        short = seconds(engine, prompt, slots, 1)
        long = seconds(engine, prompt, slots, shape["tokens"] + 1)
        rates.append(slots * shape["tokens"] / (long - short))
        del engine
    built_for = re.findall(r"((?:AVX|AMX|NEON)\w*) = 1", xlc.get_system_info())
    print(json.dumps({"rates": rates, "build": " ".join(built_for)}))


main()
