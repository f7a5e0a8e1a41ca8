#!/usr/bin/env python3
"""Write a LLaDA checkpoint of random numbers, to measure speed and memory without the real one.

    tests/make_checkpoint.py OUT --shape 8b            16 GB, the sizes of GSAI-ML/LLaDA-8B-Instruct
    tests/make_checkpoint.py OUT --shape mini          0.4 GB
    tests/make_checkpoint.py OUT --shape 8b --layers 2 --tokenizer FOLDER

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
    "8b": dict(d_model=4096, n_layers=32, n_heads=32, n_kv_heads=32, mlp_hidden_size=12288, vocab=126464),
    "mini": dict(d_model=1024, n_layers=8, n_heads=16, n_kv_heads=16, mlp_hidden_size=3072, vocab=32768),
}
# Ids of the published tokenizer; a smaller vocabulary has them at its end.
IDS = dict(mask_token_id=126336, eos_token_id=126081, pad_token_id=126081)
TOKENIZER_FILES = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "generation_config.json"]
SHARD_BYTES = 5 * 10**9
POOL = 1 << 20


def config(shape):
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


def tensors(shape):
    """(name, shape) of every tensor, layer by layer."""
    width, mlp, vocab = shape["d_model"], shape["mlp_hidden_size"], shape["vocab"]
    keys = width // shape["n_heads"] * shape["n_kv_heads"]
    yield "wte.weight", (vocab, width)
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
            yield f"blocks.{layer}.{name}.weight", size
    yield "ln_f.weight", (width,)
    yield "ff_out.weight", (vocab, width)


def shards(shape):
    """The tensors, split where a file would pass SHARD_BYTES."""
    found, size = [[]], 0
    for name, dimensions in tensors(shape):
        bytes_ = 2 * math.prod(dimensions)
        if size and size + bytes_ > SHARD_BYTES:
            found.append([])
            size = 0
        found[-1].append(("model.transformer." + name, dimensions))
        size += bytes_
    return found


class Numbers:
    """Normal numbers as bfloat16: slices of one pool per spread, since Python draws too slowly for billions."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.normal = [self.random.gauss(0.0, 1.0) for _ in range(POOL)]
        self.pools = {}

    def pool(self, columns):
        if columns not in self.pools:
            scale = columns**-0.5
            packed = struct.pack(f"<{POOL}f", *(value * scale for value in self.normal))
            # The upper half of a float32 is a bfloat16.
            upper = bytearray(2 * POOL)
            upper[0::2], upper[1::2] = packed[2::4], packed[3::4]
            self.pools[columns] = bytes(upper)
        return self.pools[columns]

    def write(self, file, dimensions):
        left = math.prod(dimensions)
        if len(dimensions) == 1:
            file.write(b"\x80\x3f" * left)
            return
        pool = self.pool(dimensions[1])
        while left:
            start = self.random.randrange(POOL)
            count = min(left, POOL - start)
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
        for _, dimensions in members:
            numbers.write(file, dimensions)
    return start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path, metavar="OUT", help="folder to create")
    parser.add_argument("--shape", choices=SHAPES, required=True)
    parser.add_argument("--layers", type=int, help="other than the shape's")
    parser.add_argument("--tokenizer", type=pathlib.Path, metavar="DIR", help="folder to copy the tokenizer from")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    shape = dict(SHAPES[options.shape])
    if options.layers is not None:
        shape["n_layers"] = options.layers
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
        for name in TOKENIZER_FILES:
            if (options.tokenizer / name).exists():
                shutil.copy(options.tokenizer / name, options.out / name)
    print(f"{options.out}: {total / 1e9:.2f} GB")


if __name__ == "__main__":
    main()
