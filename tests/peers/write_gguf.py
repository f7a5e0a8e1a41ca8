#!/usr/bin/env python3
"""Write random weights of the shape of a LLaDA checkpoint as GGUF, for `run.py`; needs the package `gguf`.

    tests/peers/write_gguf.py CONFIG_JSON OUT --type Q5_K

Blocks of random bits with scales that keep activations finite: for time and memory, which do not depend on them. Norms are
ones. As `llama-quantize` does, the head and the matrices of one type alone are of that type; embeddings too.
"""

import argparse
import json
import os
import pathlib

import gguf
import numpy

SCALE = numpy.float16(2e-4)


def scales(kind):
    """Where in a block its 16-bit scales stand, and what they are: the minima are 0."""
    return {
        "Q4_0": [(0, SCALE)],
        "Q8_0": [(0, SCALE / 16)],
        "Q4_K": [(0, SCALE / 32), (2, numpy.float16(0))],
        "Q5_K": [(0, SCALE / 64), (2, numpy.float16(0))],
        "Q6_K": [(208, SCALE / 512)],
    }[kind]


def blocks(kind, rows, columns):
    """Random blocks of a matrix, as bytes of `[rows, bytes of a row]`."""
    size, bytes_of = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[kind]]
    count = rows * columns // size
    # A part is drawn and repeated: drawing all takes minutes.
    drawn = numpy.frombuffer(os.urandom(min(count, 1 << 16) * bytes_of), dtype=numpy.uint8).reshape(-1, bytes_of).copy()
    for at, scale in scales(kind):
        drawn[:, at:at + 2] = numpy.frombuffer(numpy.float16(scale).tobytes(), dtype=numpy.uint8)
    repeated = numpy.resize(drawn, (count, bytes_of))
    return repeated.reshape(rows, columns // size * bytes_of)


def matrices(config):
    width, mlp, vocab = config["d_model"], config["mlp_hidden_size"], config["vocab_size"]
    keys = width // config["n_heads"] * (config.get("n_kv_heads") or config["n_heads"])
    yield "token_embd.weight", vocab, width
    for layer in range(config["n_layers"]):
        yield f"blk.{layer}.attn_norm.weight", width, None
        yield f"blk.{layer}.attn_q.weight", width, width
        yield f"blk.{layer}.attn_k.weight", keys, width
        yield f"blk.{layer}.attn_v.weight", keys, width
        yield f"blk.{layer}.attn_output.weight", width, width
        yield f"blk.{layer}.ffn_norm.weight", width, None
        yield f"blk.{layer}.ffn_gate.weight", mlp, width
        yield f"blk.{layer}.ffn_up.weight", mlp, width
        yield f"blk.{layer}.ffn_down.weight", width, mlp
    yield "output_norm.weight", width, None
    yield "output.weight", vocab, width


def byte_symbols():
    """The symbols of GPT-2's tokenizers for the 256 bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = (chr(256 + at) for at in range(256 - len(plain)))
    return [chr(byte) if byte in plain else next(others) for byte in range(256)]


def describe(writer, config):
    width, vocab = config["d_model"], config["vocab_size"]
    writer.add_context_length(config.get("max_sequence_length", 4096))
    writer.add_embedding_length(width)
    writer.add_block_count(config["n_layers"])
    writer.add_feed_forward_length(config["mlp_hidden_size"])
    writer.add_head_count(config["n_heads"])
    writer.add_head_count_kv(config.get("n_kv_heads") or config["n_heads"])
    writer.add_rope_dimension_count(width // config["n_heads"])
    writer.add_rope_freq_base(config.get("rope_theta", 500000.0))
    writer.add_layer_norm_rms_eps(config.get("rms_norm_eps", 1e-5))
    writer.add_vocab_size(vocab)
    writer.add_causal_attention(False)
    writer.add_diffusion_shift_logits(False)
    symbols = byte_symbols()
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([*symbols, *(f"[PAD{at}]" for at in range(256, vocab))])
    kinds = [gguf.TokenType.NORMAL] * 256 + [gguf.TokenType.UNUSED] * (vocab - 256)
    writer.add_token_types(kinds)
    writer.add_token_merges([f"{symbols[ord('q')]} {symbols[ord('q')]}"])
    writer.add_bos_token_id(vocab - 3)
    writer.add_eos_token_id(vocab - 2)
    writer.add_mask_token_id(vocab - 1)
    writer.add_add_bos_token(True)


def main():
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("config", type=pathlib.Path)
    asked.add_argument("out", type=pathlib.Path)
    asked.add_argument("--type", default="Q5_K")
    asked = asked.parse_args()
    config = json.loads(asked.config.read_text())
    kind = gguf.GGMLQuantizationType[asked.type]
    making = asked.out.with_suffix(".partial")
    writer = gguf.GGUFWriter(making, "llada")
    describe(writer, config)
    shapes = list(matrices(config))
    for name, rows, columns in shapes:
        if columns is None:
            writer.add_tensor_info(name, [rows], numpy.dtype(numpy.float32), rows * 4)
            continue
        size, bytes_of = gguf.GGML_QUANT_SIZES[kind]
        row = columns // size * bytes_of
        writer.add_tensor_info(name, [rows, row], numpy.dtype(numpy.uint8), rows * row, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for _, rows, columns in shapes:
        data = numpy.ones(rows, dtype=numpy.float32) if columns is None else blocks(asked.type, rows, columns)
        writer.write_tensor_data(data)
    writer.close()
    making.rename(asked.out)


if __name__ == "__main__":
    main()
