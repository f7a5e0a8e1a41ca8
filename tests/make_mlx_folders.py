#!/usr/bin/env python3
"""Write tiny quantised LLaDA folders and their logits with Python's MLX, as the MLX backend is tested with.

    tests/make_mlx_folders.py tests/mlx

Needs `pip install "mlx[cpu]==0.32.2" numpy` on Linux, `mlx` on a Mac. Two folders, different in everything that a folder may
choose: `q8` is what mlx-lm makes of a bfloat16 checkpoint, with names of its own; `q4` has the reference's names, float32
scales, groups of 32, down projections of 6 bits and embeddings that are not quantised. `logits.safetensors` in each holds
the fed `ids` and the logits of all of them. The numbers are the same at every run.
"""

import argparse
import json
import pathlib

import mlx.core as mx
import numpy as np

CONFIG = {
    "model_type": "llada",
    "d_model": 64,
    "n_layers": 2,
    "n_heads": 4,
    "n_kv_heads": 2,
    "mlp_hidden_size": 128,
    "vocab_size": 64,
    "embedding_size": 64,
    "max_sequence_length": 256,
    "rope_theta": 10000.0,
    "rms_norm_eps": 1e-5,
    "weight_tying": False,
    "activation_type": "silu",
    "block_type": "llama",
    "layer_norm_type": "rms",
    "rope": True,
    "alibi": False,
    "mask_token_id": 63,
    "eos_token_id": 61,
    "pad_token_id": 61,
}
IDS = [(7 * at * at + 3 * at + 5) % CONFIG["vocab_size"] for at in range(19)]

# mlx-lm's names for the reference's, both behind what all of a folder's names begin with.
CONVERTED = {"wte": "embed_tokens", "ln_f": "norm", "ff_out": "lm_head"}


class Folder:
    """How a folder is quantised and named."""

    def __init__(self, dtype, group, bits, prefix, converted, bits_of=None, dense=()):
        self.dtype, self.group, self.bits = dtype, group, bits
        self.prefix, self.converted = prefix, converted
        self.bits_of, self.dense = bits_of or {}, dense

    def spell(self, name):
        if self.converted:
            name = CONVERTED.get(name, name.replace("blocks.", "layers."))
        return self.prefix + name

    def bits_for(self, name):
        if name in self.dense:
            return None
        last = name.split(".")[-1] if "." in name else None
        return self.bits_of.get(last, self.bits)


FOLDERS = {
    "q8": Folder(mx.bfloat16, 64, 8, "model.", True),
    "q4": Folder(mx.float32, 32, 4, "model.transformer.", False, {"ff_out": 6}, ("wte",)),
}


def weights():
    """Every tensor of the network by its short name, float32."""
    random = np.random.default_rng(2502_09992)
    width, mlp, vocab = CONFIG["d_model"], CONFIG["mlp_hidden_size"], CONFIG["vocab_size"]
    keys = width // CONFIG["n_heads"] * CONFIG["n_kv_heads"]

    def matrix(rows, columns):
        return random.normal(0, columns**-0.5, (rows, columns)).astype(np.float32)

    def norm():
        return random.uniform(0.8, 1.2, width).astype(np.float32)

    tensors = {"wte": matrix(vocab, width) * 4, "ln_f": norm(), "ff_out": matrix(vocab, width) * 2}
    for layer in range(CONFIG["n_layers"]):
        block = {
            "attn_norm": norm(),
            "q_proj": matrix(width, width) * 2,
            "k_proj": matrix(keys, width) * 2,
            "v_proj": matrix(keys, width),
            "attn_out": matrix(width, width),
            "ff_norm": norm(),
            "ff_proj": matrix(mlp, width),
            "up_proj": matrix(mlp, width),
            "ff_out": matrix(width, mlp),
        }
        tensors |= {f"blocks.{layer}.{name}": tensor for name, tensor in block.items()}
    return tensors


def quantised(folder, tensors):
    """What the file holds, by short name: one array, or numbers, scales and biases with their bits."""
    out = {}
    for name, tensor in tensors.items():
        array = mx.array(tensor).astype(folder.dtype)
        bits = folder.bits_for(name) if tensor.ndim == 2 else None
        out[name] = array if bits is None else (*mx.quantize(array, folder.group, bits), bits)
    return out


class Network:
    """The forward pass, in the numerics of the reference: rotary positions in float32, no mask."""

    def __init__(self, folder, tensors):
        self.folder, self.tensors = folder, tensors

    def linear(self, x, name):
        weight = self.tensors[name]
        if isinstance(weight, mx.array):
            return x @ weight.T
        numbers, scales, biases, bits = weight
        group = self.folder.group
        return mx.quantized_matmul(x, numbers, scales, biases, transpose=True, group_size=group, bits=bits)

    def embed(self, ids):
        table = self.tensors["wte"]
        if isinstance(table, mx.array):
            return table[ids]
        numbers, scales, biases, bits = table
        return mx.dequantize(numbers[ids], scales[ids], biases[ids], self.folder.group, bits)

    def norm(self, x, name):
        return mx.fast.rms_norm(x, self.tensors[name], CONFIG["rms_norm_eps"])

    def heads(self, x, count, turned):
        dim = CONFIG["d_model"] // CONFIG["n_heads"]
        x = x.reshape(1, -1, count, dim).transpose(0, 2, 1, 3)
        if not turned:
            return x
        turn = mx.fast.rope(
            x.astype(mx.float32), dim, traditional=False, base=CONFIG["rope_theta"], scale=1.0, offset=0
        )
        return turn.astype(x.dtype)

    def block(self, x, at):
        of = lambda name: f"blocks.{at}.{name}"
        queries, keys = CONFIG["n_heads"], CONFIG["n_kv_heads"]
        normed = self.norm(x, of("attn_norm"))
        q = self.heads(self.linear(normed, of("q_proj")), queries, True)
        k = self.heads(self.linear(normed, of("k_proj")), keys, True)
        v = self.heads(self.linear(normed, of("v_proj")), keys, False)
        scale = (CONFIG["d_model"] // queries) ** -0.5
        seen = mx.fast.scaled_dot_product_attention(q, k, v, scale=scale)
        x = x + self.linear(seen.transpose(0, 2, 1, 3).reshape(x.shape), of("attn_out"))
        normed = self.norm(x, of("ff_norm"))
        gate, up = self.linear(normed, of("ff_proj")), self.linear(normed, of("up_proj"))
        return x + self.linear(gate * mx.sigmoid(gate) * up, of("ff_out"))

    def logits(self, ids):
        x = self.embed(mx.array(ids))
        for at in range(CONFIG["n_layers"]):
            x = self.block(x, at)
        return self.linear(self.norm(x, "ln_f"), "ff_out").astype(mx.float32)


def write(path, folder, tensors):
    path.mkdir(parents=True, exist_ok=True)
    stored = quantised(folder, tensors)
    file = {}
    for name, value in stored.items():
        spelt = folder.spell(name)
        if isinstance(value, mx.array):
            file[f"{spelt}.weight"] = value
        else:
            file |= zip((f"{spelt}.weight", f"{spelt}.scales", f"{spelt}.biases"), value[:3])
    mx.save_safetensors(str(path / "model.safetensors"), file, {"format": "mlx"})
    quantisation = {"group_size": folder.group, "bits": folder.bits}
    for name, value in stored.items():
        if isinstance(value, tuple) and value[3] != folder.bits:
            quantisation[folder.spell(name)] = {"group_size": folder.group, "bits": value[3]}
    config = CONFIG | {"quantization": quantisation, "quantization_config": quantisation}
    (path / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    logits = Network(folder, stored).logits(IDS)
    mx.save_safetensors(str(path / "logits.safetensors"), {"ids": mx.array(IDS), "logits": logits})
    spread = logits.max(axis=-1) - logits.min(axis=-1)
    print(f"{path}: {len(IDS)} rows of logits, {spread.min().item():.2f} to {spread.max().item():.2f} wide")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path, help="where the folders are written")
    out = parser.parse_args().out
    mx.set_default_device(mx.cpu)
    for name, folder in FOLDERS.items():
        write(out / name, folder, weights())


if __name__ == "__main__":
    main()
