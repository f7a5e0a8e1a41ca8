#!/usr/bin/env python3
"""Write a checkpoint of random numbers, to measure speed and memory without the real one.

    tests/make_checkpoint.py OUT --shape 8b            16 GB, the sizes of GSAI-ML/LLaDA-8B-Instruct
    tests/make_checkpoint.py OUT --shape mini          0.4 GB
    tests/make_checkpoint.py OUT --shape 8b --layers 2 --tokenizer FOLDER
    tests/make_checkpoint.py OUT --small               16 MB: every shape in miniature, a folder each, ready to be loaded

Other families, in the sizes of their published checkpoints: illada-8b (15 GB), llada-moe (15 GB), llada2-mini (32 GB), dream-7b (15 GB),
sdar-1.7b (4 GB), sdar-4b (9 GB), fdv2-1.5b (4 GB), fdv2-7b (15 GB). Fewer --layers make them smaller.

Needs nothing but Python 3. Streams: memory stays below 100 MB.
"""

import argparse
import json
import math
import pathlib
import random
import shutil
import struct
import sys

SHAPES = {
    "8b": dict(family="llada", d_model=4096, n_layers=32, n_heads=32, n_kv_heads=32, mlp_hidden_size=12288, vocab=126464),
    "mini": dict(family="llada", d_model=1024, n_layers=8, n_heads=16, n_kv_heads=16, mlp_hidden_size=3072, vocab=32768),
    "illada-8b": dict(family="illada", width=4096, layers=32, heads=32, keys=8, dim=128, mlp=14336, vocab=155136, tied=True),
    "llada-moe": dict(family="llada_moe", width=2048, layers=16, heads=16, keys=16, dim=128, mlp=8192, vocab=157184,
                      experts=64, chosen=8, expert=1024),
    "llada2-mini": dict(family="llada2", width=2048, layers=20, heads=16, keys=4, dim=128, mlp=5120, vocab=157184,
                        experts=256, chosen=8, expert=512),
    "dream-7b": dict(family="dream", width=3584, layers=28, heads=28, keys=4, dim=128, mlp=18944, vocab=152064),
    "sdar-1.7b": dict(family="sdar", width=2048, layers=28, heads=16, keys=8, dim=128, mlp=6144, vocab=151936, tied=True),
    "sdar-4b": dict(family="sdar", width=2560, layers=36, heads=32, keys=8, dim=128, mlp=9728, vocab=151936, tied=True),
    "fdv2-1.5b": dict(family="fast_dllm_v2", width=1536, layers=28, heads=12, keys=2, dim=128, mlp=8960, vocab=151936,
                      tied=True),
    "fdv2-7b": dict(family="fast_dllm_v2", width=3584, layers=28, heads=28, keys=4, dim=128, mlp=18944, vocab=152064),
}
# What `config.json` says of a family beside its sizes.
FAMILIES = {
    # The base of its rotary positions and what its norms add are not published in a place that was at hand.
    "illada": dict(architectures=["ILLaDAForCausalLM"], model_type="illada", rms_norm_eps=1e-06, rope_theta=10000.0,
                   max_position_embeddings=8192, attention_bias=False, mlp_bias=False, layer_norm_eps=None, mask_token_id=5,
                   eos_token_id=2),
    "llada_moe": dict(architectures=["LLaDAMoEModelLM"], model_type="llada", rms_norm_eps=1e-05, rope_theta=50000.0,
                      max_position_embeddings=8192, qk_layernorm=True, mask_token_id=156895, eos_token_id=156892),
    "llada2": dict(architectures=["LLaDA2MoeModelLM"], model_type="llada2_moe", rms_norm_eps=1e-06, rope_theta=600000.0,
                   max_position_embeddings=16384, partial_rotary_factor=0.5, n_group=8, topk_group=4, num_shared_experts=1,
                   first_k_dense_replace=1, routed_scaling_factor=2.5, score_function="sigmoid",
                   moe_router_enable_expert_bias=True, use_qkv_bias=False, use_bias=False, mask_token_id=156895,
                   eos_token_id=156892),
    "dream": dict(architectures=["DreamModel"], model_type="Dream", rms_norm_eps=1e-06, rope_theta=1000000.0,
                  max_position_embeddings=131072, mask_token_id=151666, eos_token_id=151643),
    "sdar": dict(architectures=["SDARForCausalLM"], model_type="sdar", rms_norm_eps=1e-06, rope_theta=1000000.0,
                 max_position_embeddings=32768, attention_bias=False, block_size=4, mask_token_id=151669,
                 eos_token_id=151645),
    "fast_dllm_v2": dict(architectures=["Fast_dLLM_QwenForCausalLM"], model_type="Fast_dLLM_Qwen", rms_norm_eps=1e-06,
                         rope_theta=1000000.0, max_position_embeddings=32768, bd_size=32, mask_token_id=151665,
                         eos_token_id=151645),
}
# Ids of the published tokenizer; a smaller vocabulary has them at its end.
IDS = dict(mask_token_id=126336, eos_token_id=126081, pad_token_id=126081)
# Of miniatures: where each family's reference model lies.
GOLDEN = pathlib.Path(__file__).parent / "golden"
REFERENCES = dict(llada="models/tiny-llada-a", illada="further/models/tiny-illada", llada_moe="models/tiny-llada-moe",
                  llada2="models/tiny-llada2", dream="models/tiny-dream", sdar="models/tiny-sdar", fast_dllm_v2="models/tiny-fdv2")
# And the width of a head, of what need not be as wide as all heads, of gated layers, and of an expert.
SMALL = dict(dim=32, width=256, mlp=256, expert=128)
TOKENIZER_FILES = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "generation_config.json"]
# What the names of LLaDA's tensors begin with.
PREFIX = "model.transformer."
SHARD_BYTES = 5 * 10**9
POOL = 1 << 20
SMALL_POOL = 1 << 14


def config(shape):
    if shape["family"] != "llada":
        return config_hf(shape)
    vocab = shape["vocab"]
    ids = {key: value - (126464 - vocab) for key, value in IDS.items()}
    return {
        "architectures": ["LLaDAModelLM"],
        "model_type": "llada",
        "torch_dtype": "bfloat16",
        "d_model": shape["d_model"],
        "n_layers": shape["n_layers"],
        "n_heads": shape["n_heads"],
        "n_kv_heads": shape["n_kv_heads"],
        "mlp_hidden_size": shape["mlp_hidden_size"],
        "mlp_ratio": 4,
        "vocab_size": vocab,
        "embedding_size": vocab,
        "max_sequence_length": 4096,
        "rope": True,
        "rope_theta": 500000.0,
        "rope_full_precision": True,
        "rms_norm_eps": 1e-05,
        "layer_norm_type": "rms",
        "layer_norm_with_affine": True,
        "weight_tying": False,
        "scale_logits": False,
        "input_emb_norm": False,
        "include_bias": False,
        "include_qkv_bias": False,
        "bias_for_layer_norm": False,
        "attention_layer_norm": False,
        "activation_type": "silu",
        "alibi": False,
        "block_type": "llama",
        "block_group_size": 1,
        "multi_query_attention": None,
        **ids,
    }


def config_hf(shape):
    """With the names of Hugging Face's library."""
    experts = {}
    if shape["family"] == "llada_moe":
        experts = dict(num_experts=shape["experts"], num_experts_per_tok=shape["chosen"],
                       expert_intermediate_size=shape["expert"], dense_intermediate_size=shape["mlp"],
                       moe_layer_freq=[1] * shape["layers"])
    if shape["family"] == "llada2":
        experts = dict(num_experts=shape["experts"], num_experts_per_tok=shape["chosen"],
                       moe_intermediate_size=shape["expert"])
    return {
        "torch_dtype": "bfloat16",
        "hidden_act": "silu",
        "hidden_size": shape["width"],
        "num_hidden_layers": shape["layers"],
        "num_attention_heads": shape["heads"],
        "num_key_value_heads": shape["keys"],
        "head_dim": shape["dim"],
        "intermediate_size": shape["mlp"],
        "vocab_size": shape["vocab"],
        "tie_word_embeddings": shape.get("tied", False),
        **FAMILIES[shape["family"]],
        **experts,
    }


def tensors(shape):
    """(name, shape) of every tensor, layer by layer."""
    return tensors_llada(shape) if shape["family"] == "llada" else tensors_hf(shape)


def gated(name, width, hidden):
    yield f"{name}.gate_proj.weight", (hidden, width)
    yield f"{name}.up_proj.weight", (hidden, width)
    yield f"{name}.down_proj.weight", (width, hidden)


def tensors_hf(shape):
    family, width, dim = shape["family"], shape["width"], shape["dim"]
    queries, keys = shape["heads"] * dim, shape["keys"] * dim
    is_llada2 = family == "llada2"
    embedding = "model.word_embeddings" if is_llada2 else "model.embed_tokens"
    yield f"{embedding}.weight", (shape["vocab"], width)
    for layer in range(shape["layers"]):
        prefix = f"model.layers.{layer}"
        yield f"{prefix}.input_layernorm.weight", (width,)
        yield f"{prefix}.post_attention_layernorm.weight", (width,)
        if is_llada2:
            yield f"{prefix}.attention.query_key_value.weight", (queries + 2 * keys, width)
            yield f"{prefix}.attention.dense.weight", (width, queries)
            norms = ["attention.query_layernorm", "attention.key_layernorm"]
        else:
            for name, rows in (("q", queries), ("k", keys), ("v", keys)):
                yield f"{prefix}.self_attn.{name}_proj.weight", (rows, width)
                if family in ("dream", "fast_dllm_v2"):
                    yield f"{prefix}.self_attn.{name}_proj.bias", (rows,)
            yield f"{prefix}.self_attn.o_proj.weight", (width, queries)
            norms = ["self_attn.q_norm", "self_attn.k_norm"] if family in ("sdar", "llada_moe") else []
        for norm in norms:
            yield f"{prefix}.{norm}.weight", (dim,)
        if "experts" not in shape or (is_llada2 and layer == 0):
            yield from gated(f"{prefix}.mlp", width, shape["mlp"])
            continue
        yield f"{prefix}.mlp.gate.weight", (shape["experts"], width)
        for expert in range(shape["experts"]):
            yield from gated(f"{prefix}.mlp.experts.{expert}", width, shape["expert"])
        if is_llada2:
            yield f"{prefix}.mlp.gate.expert_bias", (shape["experts"],)
            yield from gated(f"{prefix}.mlp.shared_experts", width, shape["expert"])
    yield "model.norm.weight", (width,)
    if not shape.get("tied"):
        yield "lm_head.weight", (shape["vocab"], width)


def tensors_llada(shape):
    width, mlp, vocab = shape["d_model"], shape["mlp_hidden_size"], shape["vocab"]
    keys = width // shape["n_heads"] * shape["n_kv_heads"]
    yield PREFIX + "wte.weight", (vocab, width)
    for layer in range(shape["n_layers"]):
        block = {
            "attn_norm": (width,),
            "q_proj": (width, width),
            "k_proj": (keys, width),
            "v_proj": (keys, width),
            "attn_out": (width, width),
            "ff_norm": (width,),
            "ff_proj": (mlp, width),
            "up_proj": (mlp, width),
            "ff_out": (width, mlp),
        }
        for name, size in block.items():
            yield f"{PREFIX}blocks.{layer}.{name}.weight", size
    yield PREFIX + "ln_f.weight", (width,)
    yield PREFIX + "ff_out.weight", (vocab, width)


def shards(shape):
    """The tensors, split where a file would pass SHARD_BYTES."""
    found, size = [[]], 0
    for name, dimensions in tensors(shape):
        bytes_ = 2 * math.prod(dimensions)
        if size and size + bytes_ > SHARD_BYTES:
            found.append([])
            size = 0
        found[-1].append((name, dimensions))
        size += bytes_
    return found


class Numbers:
    """Normal numbers as bfloat16: slices of one pool per spread, since Python draws too slowly for billions."""

    def __init__(self, seed, size=POOL):
        self.random = random.Random(seed)
        self.normal = [self.random.gauss(0.0, 1.0) for _ in range(size)]
        self.pools = {}

    def pool(self, columns):
        if columns not in self.pools:
            scale = columns**-0.5
            packed = struct.pack(f"<{len(self.normal)}f", *(value * scale for value in self.normal))
            # The upper half of a float32 is a bfloat16.
            upper = bytearray(2 * len(self.normal))
            upper[0::2], upper[1::2] = packed[2::4], packed[3::4]
            self.pools[columns] = bytes(upper)
        return self.pools[columns]

    def write(self, file, name, dimensions):
        left = math.prod(dimensions)
        if len(dimensions) == 1:
            # Norms are 1, biases 0.
            file.write((b"\0\0" if name.endswith("bias") else b"\x80\x3f") * left)
            return
        pool, size = self.pool(dimensions[1]), len(self.normal)
        while left:
            start = self.random.randrange(size)
            count = min(left, size - start)
            file.write(pool[2 * start : 2 * (start + count)])
            left -= count


def write_shard(path, members, numbers):
    header, start = {"__metadata__": {"format": "pt"}}, 0
    for name, dimensions in members:
        end = start + 2 * math.prod(dimensions)
        header[name] = {"dtype": "BF16", "shape": list(dimensions), "data_offsets": [start, end]}
        start = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, dimensions in members:
            numbers.write(file, name, dimensions)
    return start


def miniature(shape, vocab):
    """The shape with its heads, keys and chosen experts, all else small, and the words of a reference model."""
    small = dict(shape, vocab=vocab)
    if shape["family"] == "llada":
        return dict(small, n_layers=2, d_model=shape["n_heads"] * SMALL["dim"], mlp_hidden_size=SMALL["mlp"])
    is_even = shape["width"] == shape["heads"] * shape["dim"]
    width = shape["heads"] * SMALL["dim"] if is_even else SMALL["width"]
    small.update(layers=2, dim=SMALL["dim"], width=width, mlp=SMALL["mlp"])
    if "experts" in shape:
        small.update(experts=2 * shape["chosen"], expert=SMALL["expert"])
    return small


def write_miniature(out, name, seed):
    """Such a model in the folder `name` of `out`, with the tokenizer and the ids of its family's reference model."""
    reference = GOLDEN / REFERENCES[SHAPES[name]["family"]]
    known = json.loads((reference / "config.json").read_text())
    shape = miniature(SHAPES[name], known["vocab_size"])
    folder = out / name
    folder.mkdir(parents=True)
    write_shard(folder / "model.safetensors", list(tensors(shape)), Numbers(seed, SMALL_POOL))
    said = {key: value for key, value in config(shape).items() if not key.endswith("_token_id")}
    said.update({key: value for key, value in known.items() if key.endswith("_token_id")})
    (folder / "config.json").write_text(json.dumps(said, indent=2) + "\n")
    copy_tokenizer(reference, folder)


def copy_tokenizer(source, out):
    for name in TOKENIZER_FILES:
        if (source / name).exists():
            shutil.copy(source / name, out / name)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path, metavar="OUT", help="folder to create")
    parser.add_argument("--shape", choices=SHAPES)
    parser.add_argument("--small", action="store_true", help="in miniature; all shapes unless --shape names one")
    parser.add_argument("--layers", type=int, help="other than the shape's")
    parser.add_argument("--tokenizer", type=pathlib.Path, metavar="DIR", help="folder to copy the tokenizer from")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.small:
        for name in [options.shape] if options.shape else SHAPES:
            write_miniature(options.out, name, options.seed)
        return
    if options.shape is None:
        parser.error("--shape is needed, or --small")

    shape = dict(SHAPES[options.shape])
    if options.layers is not None:
        shape["n_layers" if shape["family"] == "llada" else "layers"] = options.layers
    split = shards(shape)
    total = sum(2 * math.prod(dimensions) for members in split for _, dimensions in members)
    options.out.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(options.out).free
    if free < total:
        sys.exit(f"{options.out}: needs {total / 1e9:.1f} GB, but {free / 1e9:.1f} GB are free; choose fewer --layers")

    numbers, weight_map = Numbers(options.seed), {}
    for index, members in enumerate(split, 1):
        name = "model.safetensors" if len(split) == 1 else f"model-{index:05}-of-{len(split):05}.safetensors"
        write_shard(options.out / name, members, numbers)
        weight_map.update({tensor: name for tensor, _ in members})
        print(f"{name}: {len(members)} tensors")
    if len(split) > 1:
        index = {"metadata": {"total_size": total}, "weight_map": weight_map}
        (options.out / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")
    (options.out / "config.json").write_text(json.dumps(config(shape), indent=2) + "\n")
    if options.tokenizer:
        copy_tokenizer(options.tokenizer, options.out)
    print(f"{options.out}: {total / 1e9:.2f} GB")


if __name__ == "__main__":
    main()
