#!/usr/bin/env python3
"""Makes the cases of this folder with the authors' own code, which is not copied here; see README.md.

    make.py --dllm DLLM --llada LLADA --illada ILLADA

DLLM: a checkout of ZHZisZZ/dllm. LLADA: one of ML-GSAI/LLaDA. ILLADA: `modeling_illada.py` of GSAI-ML/iLLaDA-8B-Base.
"""

import argparse
import importlib
import json
import pathlib
import subprocess
import sys
import tempfile
import types

import numpy
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import PretrainedConfig

HERE = pathlib.Path(__file__).resolve().parent
DLLM = "ca176752fbceec49c6b4777a2c18ae88e4eb10ed"
LLADA = "b7e6c3565f194352da44b38dd12b6970597309f3"
# A sequence of rounding errors that no decision of a case may flip under.
JITTER, JITTERS = 2e-6, 3
TEXTS = ["Why was Alice tired?", "What color is the roof?", "Tell me about the sea.", "Return the sum of 7 and 5.",
         "Name a fruit.", "How many days has a week?", "Who wrote this letter?", "Is it late?"]


def at(repository, commit, path):
    return subprocess.run(["git", "-C", repository, "show", f"{commit}:{path}"], check=True, capture_output=True, text=True).stdout


class Draws:
    """`torch.multinomial` by its own rule on a CPU, argmax of p / e with e ~ Exp(1), whose draws are kept and made again."""

    def __init__(self):
        self.kept, self.next = [], None

    def again(self):
        self.next = 0

    def __call__(self, probabilities, num_samples):
        assert num_samples == 1
        if self.next is None:
            draws = torch.empty_like(probabilities, dtype=torch.float32).exponential_(1)
            self.kept.append(draws)
        else:
            draws, self.next = self.kept[self.next], self.next + 1
        return (probabilities / draws).argmax(-1, keepdim=True)


def close_runs(model, run):
    """What `run(model)` gives, if it gives the same in float64 and with weights that are off by a little; else None."""
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    first = run(model, True)
    others = [{name: tensor * (1 + JITTER * torch.randn(tensor.shape, generator=torch.Generator().manual_seed(seed)))
               for name, tensor in weights.items()} for seed in range(JITTERS)]
    agrees = True
    for other in others:
        model.load_state_dict(other)
        agrees = agrees and run(model, False) == first
    model.load_state_dict(weights)
    agrees = agrees and run(model.double(), False) == first
    model.float().load_state_dict(weights)
    return first if agrees else None


def history(canvases, width):
    padded = numpy.full((len(canvases), 1, width), -1, dtype=numpy.int32)
    for row, canvas in zip(padded, canvases, strict=True):
        row[0, : len(canvas)] = canvas
    return torch.from_numpy(padded)


class Set:
    def __init__(self):
        self.cases = []
        (HERE / "data").mkdir(exist_ok=True)

    def add(self, case, arrays):
        case["data"] = f"data/{case['id']}.safetensors"
        save_file({name: array.contiguous() for name, array in arrays.items()}, HERE / case["data"])
        self.cases.append(case)
        print(case["id"])


# LLaDA2 with a temperature

def llada2_models(options, folder):
    """The modelling code as the reference suite has it: its mask in the model's own type."""
    models = {}
    for name in ("llada2", "llada21"):
        package = pathlib.Path(folder) / name
        package.mkdir()
        (package / "__init__.py").touch()
        for part in ("configuration", "modeling"):
            text = at(options.dllm, DLLM, f"dllm/pipelines/{name}/models/{part}_{name}_moe.py")
            text = text.replace(".to(torch.bfloat16)", ".to(self.dtype)")
            (package / f"{part}_{name}_moe.py").write_text(text)
        module = importlib.import_module(f"{name}.modeling_{name}_moe")
        config = importlib.import_module(f"{name}.configuration_{name}_moe").LLaDA2MoeConfig
        models[name] = (module, config)
    return models


def llada2_case(made, code, kind, tiny, number, settings):
    module, config_class = code
    tiny_folder = HERE.parent / "models" / tiny
    config = config_class.from_pretrained(tiny_folder)
    config._attn_implementation = "sdpa"
    model = module.LLaDA2MoeModelLM(config).eval()
    model.load_state_dict({name: tensor.float() for name, tensor in load_file(tiny_folder / "model.safetensors").items()})
    ids = dict(mask_id=config.mask_token_id, eos_id=config.eos_token_id)
    tokenizer = Tokenizer.from_file(str(tiny_folder / "tokenizer.json"))
    for attempt in range(200):
        text = TEXTS[(number + attempt) % len(TEXTS)]
        prompt = tokenizer.encode(text, add_special_tokens=False).ids
        torch.manual_seed(50_000 + 1_000 * number + attempt)
        draws = Draws()
        canvases, shown = [], [None]

        def run(model, is_first):
            canvases.clear()
            if not is_first:
                draws.again()
            plain = type(model).forward.__get__(model)

            def forward(x, **more):
                canvases.append(x[0].tolist())
                shown[0] = x
                return plain(x, **more)

            model.forward = forward
            real, torch.multinomial = torch.multinomial, draws
            try:
                given = model.generate(torch.tensor([prompt]), **settings, **ids)
            finally:
                torch.multinomial = real
                del model.forward
            # What it shows the network is a view of the canvas, which holds the result by now.
            return given[0].tolist(), [*canvases, shown[0][0].tolist()]

        found = close_runs(model, run)
        if found is None:
            continue
        returned, canvases = found
        length = -(-(len(prompt) + settings["gen_length"]) // settings["block_length"]) * settings["block_length"]
        case = dict(
            id=f"{kind.removesuffix('_generate')}-{tiny}-t{number}-temp{settings['temperature']}", kind=kind, model=f"../models/{tiny}",
            reference=f"ZHZisZZ/dllm @ {DLLM[:7]} {module.__name__.split('.')[-1]}.generate", settings=settings, ids=ids,
            input=dict(text=text, prompt_ids=[prompt]), expected=dict(returned_ids=[returned], forward_calls=len(canvases) - 1),
            noise=dict(exponential="[forward, block position, vocab]: token = argmax(probs / exponential)"),
            tolerance=dict(ids="exact", x_history="exact"))
        made.add(case, dict(x_history=history(canvases, length), exponential=torch.stack(draws.kept)))
        return
    sys.exit(f"no draws found for {kind} {settings}")


def llada2(made, options, folder):
    models = llada2_models(options, folder)
    common = dict(minimal_topk=1, eos_early_stop=False)
    plain = [
        ("tiny-llada2", dict(temperature=0.7, top_p=None, top_k=None, block_length=8, steps=8, gen_length=16, threshold=0.95)),
        ("tiny-llada2-b", dict(temperature=1.0, top_p=None, top_k=20, block_length=8, steps=4, gen_length=16, threshold=0.3)),
        ("tiny-llada2-b", dict(temperature=0.5, top_p=0.9, top_k=30, block_length=16, steps=16, gen_length=32, threshold=0.6)),
        ("tiny-llada2", dict(temperature=1.3, top_p=0.8, top_k=None, block_length=8, steps=8, gen_length=24, threshold=0.4)),
    ]
    for number, (tiny, settings) in enumerate(plain):
        llada2_case(made, models["llada2"], "llada2_generate", tiny, number, {**common, **settings})
    edited = [
        ("tiny-llada2", dict(temperature=0.6, top_p=None, top_k=None, block_length=8, steps=8, gen_length=16, threshold=0.5,
                             editing_threshold=0.4, max_post_steps=4, num_to_transfer=1)),
        ("tiny-llada2-b", dict(temperature=0.8, top_p=0.9, top_k=10, block_length=8, steps=8, gen_length=16, threshold=0.4,
                               editing_threshold=0.3, max_post_steps=3, num_to_transfer=2)),
    ]
    for number, (tiny, settings) in enumerate(edited, 10):
        llada2_case(made, models["llada21"], "llada21_generate", tiny, number, {**common, **settings})


# iLLaDA

class ILLaDAConfig(PretrainedConfig):
    """What the modelling code reads; the published class was not at hand."""

    model_type = "illada"

    def __init__(self, **keys):
        wanted = dict(hidden_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, intermediate_size=96,
                      vocab_size=512, max_position_embeddings=512, rms_norm_eps=1e-06, rope_theta=500000.0, rope_scaling=None,
                      hidden_act="silu", attention_bias=False, mlp_bias=False, layer_norm_eps=None, attention_dropout=0.0,
                      resid_pdrop=0.0, initializer_range=0.02)
        for name, usual in wanted.items():
            setattr(self, name, keys.pop(name, usual))
        super().__init__(**keys)


def illada_model(options, folder):
    """A tiny checkpoint with the published one's habits: the mask is a token of the tokenizer alone, and the head is tied."""
    package = pathlib.Path(folder) / "illada"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "modeling_illada.py").write_text(pathlib.Path(options.illada).read_text())
    configuration = types.ModuleType("illada.configuration_illada")
    configuration.ILLaDAConfig = ILLaDAConfig
    sys.modules["illada.configuration_illada"] = configuration
    module = importlib.import_module("illada.modeling_illada")

    out, donor = HERE / "models" / "tiny-illada", HERE.parent / "models" / "tiny-llada-gqa"
    out.mkdir(parents=True, exist_ok=True)
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        (out / name).write_text((donor / name).read_text().replace("<|mdm_mask|>", "<[MASK]>"))
    tokenizer = Tokenizer.from_file(str(out / "tokenizer.json"))
    ids = {name: tokenizer.token_to_id(token) for name, token in
           dict(mask_id="<[MASK]>", eos_id="<|endoftext|>", eot_id="<|eot_id|>", bos_id="<|startoftext|>").items()}
    config = ILLaDAConfig(architectures=["ILLaDAForCausalLM"], bos_token_id=ids["bos_id"], eos_token_id=ids["eos_id"],
                          pad_token_id=ids["eos_id"], tie_word_embeddings=True)
    config._attn_implementation = "sdpa"
    torch.manual_seed(7)
    model = module.ILLaDAForCausalLM(config).eval()
    model.lm_head.weight = model.model.embed_tokens.weight
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            spread = 0.35 if "embed" in name else 1.5 * tensor.shape[-1] ** -0.5
            tensor.copy_(1 + 0.2 * torch.randn(tensor.shape) if tensor.dim() == 1 else spread * torch.randn(tensor.shape))
            tensor.copy_(tensor.bfloat16().float())
    kept = {name: tensor.bfloat16() for name, tensor in model.state_dict().items() if name != "lm_head.weight"}
    save_file(kept, out / "model.safetensors", metadata=dict(format="pt"))
    text = {key: value for key, value in config.to_dict().items() if key in vars(config) and key not in vars(PretrainedConfig())}
    text.update(architectures=config.architectures, bos_token_id=ids["bos_id"], eos_token_id=ids["eos_id"], model_type="illada",
                pad_token_id=ids["eos_id"], tie_word_embeddings=True, torch_dtype="bfloat16", transformers_version="4.57.1")
    (out / "config.json").write_text(json.dumps(text, indent=2, sort_keys=True) + "\n")
    return model, tokenizer, ids


@torch.no_grad()
def illada(made, options, folder):
    model, tokenizer, ids = illada_model(options, folder)
    # Kept as a module of its own: the published file loads a checkpoint only when it is run.
    generate = types.ModuleType("generate")
    exec(compile(at(options.llada, LLADA, "generate.py"), "generate.py", "exec"), generate.__dict__)
    reference = "GSAI-ML/iLLaDA-8B-Base modeling_illada.py"
    encode = lambda text: tokenizer.encode(text, add_special_tokens=False).ids
    tolerance = dict(logits_abs=0.0002, logits_rel=0.0001, padding="compare only rows with attention_mask 1")

    rows = [encode(TEXTS[0]) + [ids["mask_id"]] * 6, encode(TEXTS[2]) + [ids["mask_id"]] * 4]
    width = max(map(len, rows))
    padded = [[ids["eos_id"]] * (width - len(row)) + row for row in rows]
    mask = [[0] * (width - len(row)) + [1] * len(row) for row in rows]
    for name, x, seen in (("b1", rows[:1], None), ("leftpad", padded, mask)):
        logits = model(torch.tensor(x), attention_mask=None if seen is None else torch.tensor(seen)).logits
        case = dict(id=f"fwd-tiny-illada-{name}", kind="forward", model="models/tiny-illada", reference=reference, ids=ids,
                    input=dict(input_ids=x, attention_mask=seen, position_ids=None),
                    expected=dict(logits_shape=list(logits.shape)), tolerance=tolerance)
        made.add(case, dict(logits=logits))

    for number, settings in enumerate([
        dict(gen_length=16, block_length=8, steps=16, cfg_scale=0.0),
        dict(gen_length=24, block_length=8, steps=12, cfg_scale=0.0),
        dict(gen_length=16, block_length=16, steps=8, cfg_scale=1.0),
    ]):
        settings = dict(settings, temperature=0.0, remasking="low_confidence")
        for attempt in range(100):
            text = TEXTS[(number + attempt) % len(TEXTS)] + " " * (attempt // len(TEXTS))
            prompt = encode(text)
            canvases = []

            def run(model, is_first):
                canvases.clear()

                def forward(x, attention_mask=None):
                    canvases.append(x[0].tolist())
                    return model(x, attention_mask=attention_mask)

                forward.device = torch.device("cpu")
                prompts = torch.tensor([prompt])
                given = generate.generate(forward, prompts, torch.ones_like(prompts), mask_id=ids["mask_id"], **settings)
                return given[0].tolist(), [list(canvas) for canvas in canvases]

            found = close_runs(model, run)
            if found is not None:
                break
        else:
            sys.exit(f"no prompt found for {settings}")
        given, before = found
        case = dict(id=f"gen-tiny-illada-{number}-g{settings['gen_length']}-b{settings['block_length']}-s{settings['steps']}",
                    kind="generate", model="models/tiny-illada", reference=f"{reference} under ML-GSAI/LLaDA @ {LLADA[:7]} generate.py",
                    settings=dict(settings, logits_eos_inf=False, confidence_eos_eot_inf=False), ids=ids,
                    input=dict(text=text, prompt_ids=[prompt], attention_mask=None), expected=dict(ids=[given]),
                    tolerance=dict(ids="exact", x_history="exact"))
        made.add(case, dict(x_history=history([*before, given], len(given))))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("dllm", "llada", "illada"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    made = Set()
    with tempfile.TemporaryDirectory() as folder:
        sys.path.insert(0, folder)
        llada2(made, options, folder)
        illada(made, options, folder)
    index = dict(format=1, suite="made here with the authors' code; see README.md", cases=made.cases)
    (HERE / "index.json").write_text(json.dumps(index, indent=1) + "\n")


if __name__ == "__main__":
    main()
