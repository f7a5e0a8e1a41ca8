#!/usr/bin/env python3
"""Write a checkpoint in Hugging Face form as a GGUF file, and its numbers as that file has them as safetensors.

    tests/make_gguf.py FOLDER TYPE OUT [--pre NAME] [--wide] [--split]

FOLDER holds a LLaDA, a Dream or a LLaDA-MoE. OUT gets `model.gguf` and `plain/`, the same model in Hugging Face form with the
numbers that the GGUF file holds, so that both must give the same tokens. TYPE is F32, F16, BF16, Q8_0, or `mixed`: blocks of
Q4_K, Q5_K, Q6_K and Q8_0 beside each other, as llama.cpp mixes them. The gguf package writes no k-quants: for `mixed`, which needs
`--wide`, their blocks are drawn. `--wide` draws a LLaDA of rows of 256 numbers with the tokenizer of FOLDER. `--split` cuts the
file into three, the first of which holds no tensor. Of a LLaDA-MoE the layers with experts are written.

Needs `pip install gguf` (tested with 0.19). Tensors are named, stacked and permuted as by llama.cpp's converter, whose own tables
in the package are used where it has them.
"""

import argparse
import json
import pathlib
import shutil
import struct

import gguf
import numpy as np
from gguf.quants import dequantize, quantize

Kind = gguf.GGMLQuantizationType
# What LLaDA's and Dream's converters call things by.
ARCHITECTURES = {
    "LLaDAModelLM": gguf.MODEL_ARCH.LLADA,
    "DreamModel": gguf.MODEL_ARCH.DREAM,
    "LLaDAMoEModelLM": gguf.MODEL_ARCH.LLADA_MOE,
}
WIDE = {
    "d_model": 256, "n_layers": 2, "n_heads": 4, "n_kv_heads": 2, "mlp_hidden_size": 512, "max_sequence_length": 256,
}


def read_safetensors(path):
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, info in header.items():
        first, end = (8 + length + offset for offset in info["data_offsets"])
        raw = data[first:end]
        match info["dtype"]:
            case "F32":
                numbers = np.frombuffer(raw, "<f4")
            case "F16":
                numbers = np.frombuffer(raw, "<f2").astype(np.float32)
            case "BF16":
                numbers = (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
            case other:
                raise SystemExit(f"{name} is stored as {other}")
        tensors[name] = numbers.reshape(info["shape"]).copy()
    return tensors


def write_safetensors(path, tensors):
    header, at = {}, 0
    for name, numbers in tensors.items():
        size = numbers.size * 4
        header[name] = {"dtype": "F32", "shape": list(numbers.shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for numbers in tensors.values():
            file.write(np.ascontiguousarray(numbers, "<f4").tobytes())


def drawn(config, draw):
    """A LLaDA of WIDE's sizes."""
    config.update(WIDE)
    width, hidden, vocab = config["d_model"], config["mlp_hidden_size"], config["embedding_size"]
    keys = width // config["n_heads"] * config["n_kv_heads"]
    shapes = {"wte": (vocab, width), "ff_out": (vocab, width), "ln_f": (width,)}
    for layer in range(config["n_layers"]):
        prefix = f"blocks.{layer}."
        shapes |= {
            prefix + "attn_norm": (width,), prefix + "q_proj": (width, width), prefix + "k_proj": (keys, width),
            prefix + "v_proj": (keys, width), prefix + "attn_out": (width, width), prefix + "ff_norm": (width,),
            prefix + "ff_proj": (hidden, width), prefix + "up_proj": (hidden, width), prefix + "ff_out": (width, hidden),
        }
    tensors = {}
    for name, shape in shapes.items():
        numbers = draw.normal(0, 0.1, shape) if len(shape) > 1 else 1 + draw.normal(0, 0.1, shape)
        tensors[f"model.transformer.{name}.weight"] = numbers.astype(np.float32)
    return tensors


def only_experts(config, tensors):
    """Leaves a LLaDA-MoE the layers with experts, since llama.cpp has no others."""
    has = [layer for layer, flag in enumerate(config["moe_layer_freq"]) if flag]
    for name in [it for it in tensors if it.startswith("model.layers.")]:
        layer, rest = name.removeprefix("model.layers.").split(".", 1)
        numbers = tensors.pop(name)
        if int(layer) in has:
            tensors[f"model.layers.{has.index(int(layer))}.{rest}"] = numbers
    config["num_hidden_layers"], config["moe_layer_freq"] = len(has), [1] * len(has)


def permute(rows, heads):
    """As LLaDA's converter: the halves of a head take turns."""
    shape = rows.shape
    return rows.reshape(heads, 2, shape[0] // heads // 2, *shape[1:]).swapaxes(1, 2).reshape(shape)


def kind_of(name, shape, wanted):
    if len(shape) == 1 or "ffn_gate_inp" in name:
        return Kind.F32
    if wanted != "mixed":
        # As llama.cpp, where rows are not whole blocks.
        return Kind[wanted] if shape[-1] % gguf.GGML_QUANT_SIZES[Kind[wanted]][0] == 0 else Kind.F16
    if "attn_v" in name or name.startswith("output"):
        return Kind.Q6_K
    if "ffn_down" in name:
        return Kind.Q8_0
    return Kind.Q5_K if "ffn_up" in name or "attn_k" in name else Kind.Q4_K


def stored(numbers, kind, draw):
    """The bytes of a tensor."""
    if kind == Kind.F32:
        return numbers
    if kind not in (Kind.Q4_K, Kind.Q5_K, Kind.Q6_K):
        return quantize(numbers, kind)
    # Any bytes are blocks, only the scales of a block are floats.
    length, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = draw.integers(0, 256, (*numbers.shape[:-1], numbers.shape[-1] // length, size), dtype=np.uint8)
    scale = np.float16(2e-4 if kind != Kind.Q6_K else 5e-5)
    if kind == Kind.Q6_K:
        blocks[..., -2:] = np.frombuffer(scale.tobytes(), np.uint8)
    else:
        blocks[..., :2] = np.frombuffer(scale.tobytes(), np.uint8)
        blocks[..., 2:4] = np.frombuffer(np.float16(scale * 7).tobytes(), np.uint8)
    return blocks.reshape(*numbers.shape[:-1], -1)


def add_metadata(writer, config, arch, tokenizer, tokenizer_config, pre):
    get = lambda *names: next((config[name] for name in names if config.get(name) is not None), None)
    heads = get("num_attention_heads", "n_heads")
    width = get("hidden_size", "d_model")
    writer.add_name("test")
    writer.add_context_length(get("max_position_embeddings", "max_sequence_length"))
    writer.add_embedding_length(width)
    writer.add_block_count(get("num_hidden_layers", "n_layers"))
    if get("intermediate_size", "mlp_hidden_size") is not None:
        writer.add_feed_forward_length(get("intermediate_size", "mlp_hidden_size"))
    writer.add_head_count(heads)
    writer.add_head_count_kv(get("num_key_value_heads", "n_kv_heads") or heads)
    writer.add_rope_freq_base(get("rope_theta"))
    writer.add_layer_norm_rms_eps(get("rms_norm_eps"))
    writer.add_vocab_size(get("embedding_size", "vocab_size"))
    writer.add_causal_attention(False)
    if arch == gguf.MODEL_ARCH.LLADA:
        writer.add_rope_dimension_count(width // heads)
    if arch == gguf.MODEL_ARCH.LLADA_MOE:
        writer.add_expert_count(config["num_experts"])
        writer.add_expert_used_count(config["num_experts_per_tok"])
        writer.add_expert_feed_forward_length(config["expert_intermediate_size"])
    if arch != gguf.MODEL_ARCH.DREAM:
        writer.add_diffusion_shift_logits(False)
    added = {token["id"]: token for token in tokenizer["added_tokens"]}
    names = {id_: name for name, id_ in tokenizer["model"]["vocab"].items()} | {i: it["content"] for i, it in added.items()}
    tokens, types = [], []
    for id_ in range(get("embedding_size", "vocab_size")):
        if id_ not in names:
            tokens.append(f"[PAD{id_}]")
            types.append(gguf.TokenType.UNUSED)
        else:
            tokens.append(names[id_])
            special = added.get(id_, {}).get("special")
            types.append({True: gguf.TokenType.CONTROL, False: gguf.TokenType.USER_DEFINED}.get(special, gguf.TokenType.NORMAL))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    merges = tokenizer["model"]["merges"]
    writer.add_token_merges([it if isinstance(it, str) else " ".join(it) for it in merges])
    for key, add in (
        ("bos", writer.add_bos_token_id), ("eos", writer.add_eos_token_id), ("pad", writer.add_pad_token_id),
        ("mask", writer.add_mask_token_id), ("eot", writer.add_eot_token_id),
    ):
        id_ = config.get(f"{key}_token_id")
        if id_ is None:
            name = tokenizer_config.get(f"{key}_token")
            id_ = next((i for i, it in names.items() if it == name), None)
        if id_ is not None:
            add(id_)
    if tokenizer_config.get("chat_template"):
        writer.add_chat_template(tokenizer_config["chat_template"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("type")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--pre", default="qwen2")
    parser.add_argument("--wide", action="store_true")
    parser.add_argument("--split", action="store_true")
    arguments = parser.parse_args()
    draw = np.random.default_rng(20)
    json_of = lambda name: json.loads((arguments.folder / name).read_text())
    config, tokenizer, tokenizer_config = map(json_of, ("config.json", "tokenizer.json", "tokenizer_config.json"))
    arch = ARCHITECTURES[config["architectures"][0]]
    tensors = drawn(config, draw) if arguments.wide else read_safetensors(arguments.folder / "model.safetensors")
    if arch == gguf.MODEL_ARCH.LLADA_MOE:
        only_experts(config, tensors)
    layers = config.get("num_hidden_layers", config.get("n_layers"))
    heads = config.get("num_attention_heads", config.get("n_heads"))
    keys = config.get("num_key_value_heads", config.get("n_kv_heads")) or heads
    table = gguf.get_tensor_name_map(arch, layers)

    # The experts of a layer become one tensor.
    stacked = {}
    for name in [it for it in tensors if ".experts." in it]:
        before, after = name.split(".experts.")
        expert, after = after.split(".", 1)
        stacked.setdefault(f"{before}.experts.{after}", {})[int(expert)] = name
    sources = {name: [name] for name in tensors if ".experts." not in name}
    sources |= {name: [experts[i] for i in sorted(experts)] for name, experts in stacked.items()}

    arguments.out.mkdir(parents=True, exist_ok=True)
    plain = arguments.out / "plain"
    plain.mkdir(exist_ok=True)
    writer = gguf.GGUFWriter(
        arguments.out / "model.gguf", gguf.MODEL_ARCH_NAMES[arch], split_max_tensors=len(sources) // 2 + 1 if arguments.split else 0,
        small_first_shard=arguments.split,
    )
    add_metadata(writer, config, arch, tokenizer, tokenizer_config, arguments.pre)
    numbers_of = {}
    for name, parts in sources.items():
        numbers = np.stack([tensors[it] for it in parts]) if len(parts) > 1 or ".experts." in name else tensors[name]
        short = table.get_name(name, (".weight", ".bias"))
        order = {"attn_q": heads, "attn_k": keys}.get(short.split(".")[-2]) if arch == gguf.MODEL_ARCH.LLADA else None
        if order:
            numbers = permute(numbers, order)
        kind = kind_of(short, numbers.shape, arguments.type)
        data = stored(numbers, kind, draw)
        as_read = data if kind == Kind.F32 else dequantize(data, kind)
        writer.add_tensor(short, data, raw_dtype=kind)
        as_read = as_read.reshape(numbers.shape)
        if order:
            rows = np.empty_like(as_read)
            rows[permute(np.arange(len(rows)), order)] = as_read
            as_read = rows
        pieces = as_read if len(parts) > 1 or ".experts." in name else [as_read]
        numbers_of |= dict(zip(parts, pieces))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    write_safetensors(plain / "model.safetensors", numbers_of)
    (plain / "config.json").write_text(json.dumps(config))
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        if (arguments.folder / name).exists():
            shutil.copy(arguments.folder / name, plain / name)


main()
