#!/usr/bin/env python3
"""Write a tiny checkpoint, a LoRA for it as PEFT saves one, and the two merged as PEFT's `merge_and_unload` does.

    tests/make_adapter.py tests/adapter

Needs nothing but Python 3. The base is bfloat16; the adapter's halves are float32 and bfloat16, one pair with the adapter's name
in it as older versions write it, and `modules_to_save` holds a whole norm. Sums are made in double precision and kept as
float32, so that nothing is rounded to the base's type: `model.merged.safetensors`. The numbers are the same at every run.
"""

import json
import pathlib
import random
import struct
import sys

WIDTH, ROWS, RANK, ALPHA = 24, 40, 4, 6.0
TARGETS = {"model.layers.0.self_attn.q_proj": "", "model.layers.0.mlp.down_proj": ".default"}


def bf16(values):
    """The upper halves of float32, which is what the values become."""
    words = [struct.unpack("<I", struct.pack("<f", value))[0] & 0xFFFF0000 for value in values]
    return [struct.unpack("<f", struct.pack("<I", word))[0] for word in words]


def pack(dtype, values):
    if dtype == "F32":
        return struct.pack(f"<{len(values)}f", *values)
    return b"".join(struct.pack("<f", value)[2:] for value in values)


def write(path, tensors):
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, (dtype, shape, values) in tensors.items():
        numbers = pack(dtype, values)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(numbers)]}
        data += numbers
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    draw = random.Random(19)

    def normal(count):
        return bf16([draw.gauss(0.0, 0.5) for _ in range(count)])

    base = {f"{name}.weight": ("BF16", [ROWS, WIDTH], normal(ROWS * WIDTH)) for name in TARGETS}
    base["model.layers.0.self_attn.k_proj.weight"] = ("BF16", [ROWS, WIDTH], normal(ROWS * WIDTH))
    base["model.norm.weight"] = ("BF16", [WIDTH], normal(WIDTH))
    adapter, merged = {}, {name: ("F32", shape, values) for name, (_, shape, values) in base.items()}
    for name, word in TARGETS.items():
        a = [draw.gauss(0.0, 0.3) for _ in range(RANK * WIDTH)]
        a = list(struct.unpack(f"<{len(a)}f", struct.pack(f"<{len(a)}f", *a)))
        b = normal(ROWS * RANK)
        adapter[f"base_model.model.{name}.lora_A{word}.weight"] = ("F32", [RANK, WIDTH], a)
        adapter[f"base_model.model.{name}.lora_B{word}.weight"] = ("BF16", [ROWS, RANK], b)
        values = list(merged[f"{name}.weight"][2])
        for row in range(ROWS):
            for column in range(WIDTH):
                delta = sum(b[row * RANK + k] * a[k * WIDTH + column] for k in range(RANK))
                values[row * WIDTH + column] += delta * ALPHA / RANK
        merged[f"{name}.weight"] = ("F32", [ROWS, WIDTH], values)
    norm = normal(WIDTH)
    adapter["base_model.model.model.norm.weight"] = ("BF16", [WIDTH], norm)
    merged["model.norm.weight"] = ("F32", [WIDTH], norm)

    write(out / "model.safetensors", base)
    write(out / "adapter_model.safetensors", adapter)
    write(out / "model.merged.safetensors", merged)
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": ".",
        "r": RANK,
        "lora_alpha": ALPHA,
        "lora_dropout": 0.05,
        "target_modules": ["q_proj", "down_proj"],
        "modules_to_save": ["norm"],
        "bias": "none",
        "fan_in_fan_out": False,
        "use_rslora": False,
        "use_dora": False,
        "rank_pattern": {},
        "alpha_pattern": {},
        "init_lora_weights": True,
        "inference_mode": True,
    }
    (out / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")


if __name__ == "__main__":
    main()
