"""Serves a random llama of one layer by llama.cpp (xllamacpp). usage: llamaServer.py FILE PORT"""

import sys
import time

import gguf
import numpy as np
import xllamacpp

path, port = sys.argv[1], int(sys.argv[2])
rng = np.random.default_rng(0)
V, H, I, HEADS = 320, 64, 128, 4
writer = gguf.GGUFWriter(path, "llama")
writer.add_name("toy")
writer.add_context_length(256)
writer.add_embedding_length(H)
writer.add_block_count(1)
writer.add_feed_forward_length(I)
writer.add_head_count(HEADS)
writer.add_head_count_kv(HEADS)
writer.add_layer_norm_rms_eps(1e-5)
writer.add_rope_dimension_count(H // HEADS)
writer.add_vocab_size(V)
writer.add_tokenizer_model("llama")
tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
tokens += [f"w{at}" for at in range(V - len(tokens))]
kinds = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL] + [gguf.TokenType.BYTE] * 256
kinds += [gguf.TokenType.NORMAL] * (V - len(kinds))
writer.add_token_list(tokens)
writer.add_token_scores([0.0] * V)
writer.add_token_types(kinds)
writer.add_bos_token_id(1)
writer.add_eos_token_id(2)
writer.add_unk_token_id(0)


def tensor(name, *shape):
    writer.add_tensor(name, (rng.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32))


def ones(name, size):
    writer.add_tensor(name, np.ones(size, dtype=np.float32))


tensor("token_embd.weight", V, H)
for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
    tensor(f"blk.0.{name}.weight", H, H)
tensor("blk.0.ffn_gate.weight", I, H)
tensor("blk.0.ffn_up.weight", I, H)
tensor("blk.0.ffn_down.weight", H, I)
ones("blk.0.attn_norm.weight", H)
ones("blk.0.ffn_norm.weight", H)
ones("output_norm.weight", H)
tensor("output.weight", V, H)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()

params = xllamacpp.CommonParams()
params.model.path = path
params.hostnames = ["127.0.0.1"]
params.port = port
params.n_ctx = 256
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
while True:
    time.sleep(1)
