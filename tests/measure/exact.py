"""Makes exact.json: log-likelihoods of tiny models with every mask, by numpy in float64 and Eq. 6 read literally.

python3 tests/measure/exact.py > tests/measure/exact.json
"""

import itertools
import json
import pathlib

import numpy as np

MODELS = pathlib.Path(__file__).resolve().parent.parent / "golden" / "models"
TYPES = {"F32": "<f4"}


def weights(folder):
    data = (folder / "model.safetensors").read_bytes()
    size = int.from_bytes(data[:8], "little")
    table = json.loads(data[8 : 8 + size])
    table.pop("__metadata__", None)
    read = {}
    for name, it in table.items():
        start, end = (8 + size + offset for offset in it["data_offsets"])
        read[name] = np.frombuffer(data[start:end], TYPES[it["dtype"]]).reshape(it["shape"]).astype(np.float64)
    return {name.removeprefix("model.transformer."): value for name, value in read.items()}


def rms(x, weight, eps):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * weight


def log_probabilities(tokens, w, config):
    """LLaDA's network: bidirectional attention with rotary positions, SwiGLU. [position, vocabulary]"""
    heads, kv_heads, eps = config["n_heads"], config["n_kv_heads"], config["rms_norm_eps"]
    x = w["wte.weight"][tokens]
    width = x.shape[1] // heads
    frequencies = config["rope_theta"] ** (-np.arange(0, width, 2) / width)
    angles = np.outer(np.arange(len(tokens)), np.concatenate([frequencies, frequencies]))
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]

    def rotated(x):
        half = x.shape[-1] // 2
        return x * cos + np.concatenate([-x[..., half:], x[..., :half]], -1) * sin

    for layer in range(config["n_layers"]):
        def linear(x, name):
            return x @ w[f"blocks.{layer}.{name}.weight"].T

        h = rms(x, w[f"blocks.{layer}.attn_norm.weight"], eps)
        q = rotated(linear(h, "q_proj").reshape(len(tokens), heads, width))
        k = rotated(linear(h, "k_proj").reshape(len(tokens), kv_heads, width))
        v = linear(h, "v_proj").reshape(len(tokens), kv_heads, width)
        k, v = (np.repeat(it, heads // kv_heads, 1) for it in (k, v))
        scores = np.einsum("ihd,jhd->hij", q, k) / np.sqrt(width)
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        x = x + linear(np.einsum("hij,jhd->ihd", shares, v).reshape(len(tokens), -1), "attn_out")
        h = rms(x, w[f"blocks.{layer}.ff_norm.weight"], eps)
        gate = linear(h, "ff_proj")
        x = x + linear(gate / (1 + np.exp(-gate)) * linear(h, "up_proj"), "ff_out")
    x = rms(x, w["ln_f.weight"], eps)
    logits = x @ w["wte.weight" if config["weight_tying"] else "ff_out.weight"].T
    logits -= logits.max(-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def exact(context, continuation, w, config):
    """-E over the number k of masked tokens, 1 to L alike, and over the sets of k, of (L / k) times their cross-entropy."""
    length, total = len(continuation), 0.0
    for k in range(1, length + 1):
        losses = []
        for masked in itertools.combinations(range(length), k):
            tokens = np.array(context + continuation)
            tokens[[len(context) + at for at in masked]] = config["mask_token_id"]
            log_p = log_probabilities(tokens, w, config)
            losses.append(-sum(log_p[len(context) + at, continuation[at]] for at in masked) * length / k)
        total += np.mean(losses) / length
    return -total


cases = []
random = np.random.default_rng(18)
for name in ("tiny-llada-a", "tiny-llada-gqa"):
    folder = MODELS / name
    config, w = json.loads((folder / "config.json").read_text()), weights(folder)
    for before, behind in ((0, 3), (5, 1), (7, 4), (12, 8)):
        context, continuation = (random.integers(0, 450, count).tolist() for count in (before, behind))
        ll = exact(context, continuation, w, config)
        cases.append({"model": name, "context": context, "continuation": continuation, "ll": round(ll, 9)})
print("[\n" + ",\n".join(map(json.dumps, cases)) + "\n]")
