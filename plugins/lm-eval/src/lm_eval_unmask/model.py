"""The model of the harness: every request goes to unmask."""

import hashlib
import json
import logging
import time
from collections import Counter

from lm_eval.api.model import LM
from tqdm import tqdm

from .http import Http
from .pipe import Pipe, UnmaskError

log = logging.getLogger(__name__)

# Items of a request: enough for the rows of many forwards, and a line that stays short.
ITEMS = 64
# Where a harness's cache says whose answers it holds.
CACHE_OWNER = "unmask:identity"
FLAGS = {"model": "--model", "backend": "--backend", "precision": "--precision", "threads": "--threads"}
SETTINGS = ("length", "steps", "block_length", "threshold", "cache")
# What the harness says of its own accord, and what has no meaning here.
IGNORED = ("device", "max_batch_size")
GENERATION = ("until", "max_gen_toks", "do_sample", "temperature")


class UnmaskLM(LM):
    def __init__(
        self, model=None, backend=None, precision=None, threads=None, preset=None, samples=None, strata=None,
        cfg=None, check_greedy=False, length=None, steps=None, block_length=None, threshold=None, cache=None,
        seed=0, binary="unmask", base_url=None, batch_size=None, **unknown,
    ) -> None:
        super().__init__()
        said = dict(locals())
        if unknown := sorted(set(unknown) - set(IGNORED)):
            known = sorted(set(said) - {"self", "unknown", "__class__", "batch_size"})
            raise ValueError(f"unknown --model_args {', '.join(unknown)}; known are {', '.join(known)}")
        if not isinstance(check_greedy, bool):
            raise ValueError(f"--model_args check_greedy is {check_greedy!r}; write True or False")
        self.seed = int(seed)
        self.settings = {name: said[name] for name in SETTINGS if said[name] is not None}
        self.measure = {"samples": samples, "strata": self._strata(strata, samples, batch_size), "cfg_scale": cfg}
        self.measure = {name: value for name, value in self.measure.items() if value is not None}
        self.measure |= {"seed": self.seed, "greedy": check_greedy}
        if base_url:
            unmeant = [name for name in ("backend", "precision", "threads", "preset") if said[name] is not None]
            if unmeant:
                raise ValueError(f"--model_args {', '.join(unmeant)} are the server's own; leave them out with base_url")
            self.unmask = Http(base_url, model)
        else:
            flags = [(flag, said[name]) for name, flag in FLAGS.items()] + [("--preset", preset)]
            self.unmask = Pipe(str(binary), [text for flag, value in flags if value is not None for text in (flag, str(value))])
        self._sampled = Counter()
        self._warned = set()

    @staticmethod
    def _strata(strata, samples, batch_size):
        """`--batch_size` is the stratum, as in the reference; the harness says 1 where nobody said anything."""
        if strata is None and str(batch_size).isdecimal() and int(batch_size) > 1:
            return int(batch_size)
        return 1 if strata is None and samples == 1 else strata

    def _identity(self) -> str:
        hello = self.unmask.hello
        parts = [hello["model"], hello.get("backend"), hello["tokenizer"], hello.get("preset"), self.settings, self.measure]
        parts[0] = {name: parts[0].get(name) for name in ("name", "identity")}
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def set_cache_hook(self, cache_hook) -> None:
        """A cache of the harness does not know whose answers it holds: another model's would be taken for ours."""
        answers, identity = cache_hook.dbdict, self._identity()
        if answers is not None and answers.get(CACHE_OWNER) != identity:
            if len(answers):
                raise UnmaskError(
                    "--use_cache holds answers of another model or other settings; name another file, such as "
                    f"unmask-{identity[:12]}"
                )
            answers[CACHE_OWNER] = identity
        super().set_cache_hook(cache_hook)

    def get_model_info(self) -> dict:
        return {"unmask": self.unmask.hello, "unmask_measure": self.measure, "unmask_settings": self.settings}

    @property
    def tokenizer_name(self) -> str:
        tokenizer = self.unmask.hello["tokenizer"] or {"sha256": self.unmask.hello["model"]["name"]}
        return "unmask-" + "-".join(str(part)[:16] for part in tokenizer.values())

    def chat_template(self, chat_template=False) -> str:
        return f"the template of {self.tokenizer_name}"

    def apply_chat_template(self, chat_history, add_generation_prompt=True) -> str:
        request = {"do": "render", "messages": [{"role": it["role"], "content": it["content"]} for it in chat_history]}
        return self._one(request | {"add_generation_prompt": add_generation_prompt})["text"]

    def loglikelihood(self, requests):
        items = [dict(zip(("context", "continuation"), it.args)) for it in requests]

        def result(answer):
            return answer["ll"], bool(answer["greedy"])

        return self._measured("loglikelihood", requests, items, result)

    def loglikelihood_rolling(self, requests):
        items = [{"text": it.args[0]} for it in requests]
        return self._measured("loglikelihood_rolling", requests, items, lambda answer: answer["ll"], do="rolling")

    def generate_until(self, requests):
        asked = [self._generation(*it.args) for it in requests]
        length = self.settings.get("length")
        self._predict([it["settings"].get("steps") or length or it["max_tokens"] for it in asked], requests[0].args[0])
        results = [None] * len(requests)
        for at, answer in tqdm(self.unmask.run(asked), total=len(asked), desc="unmask: answers"):
            results[at] = self._sound(answer, asked[at])["text"]
            # What is drawn is drawn anew each time.
            if not asked[at]["settings"]["temperature"]:
                self.cache_hook.add_partial("generate_until", requests[at].args, results[at])
        return results

    def _generation(self, prompt: str, said: dict) -> dict:
        for name in sorted(set(said) - set(GENERATION) - self._warned):
            self._warned.add(name)
            log.warning("the task's %s is left out: masked diffusion has no such setting", name)
        until = said.get("until") or []
        settings = dict(self.settings, temperature=0.0, seed=self.seed)
        if said.get("do_sample") and said.get("temperature", 1.0) > 0:
            self._sampled[prompt] += 1
            text = f"{self.seed}\0{self._sampled[prompt]}\0{prompt}"
            seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big")
            settings |= {"temperature": float(said.get("temperature", 1.0)), "seed": seed}
        return {
            "do": "generate",
            "prompt": prompt,
            "until": [until] if isinstance(until, str) else list(until),
            "max_tokens": int(said.get("max_gen_toks", 256)),
            "settings": settings,
        }

    def _measured(self, attribute, requests, items, result, do="loglikelihood"):
        asked = [{"do": do, "items": items[at : at + ITEMS], **self.measure} for at in range(0, len(items), ITEMS)]
        draws = self.measure.get("samples", self.unmask.hello.get("measure", {}).get("samples", 128))
        # Only the worker knows how long a continuation is: all masks are at most those of 12 tokens.
        draws = draws if isinstance(draws, int) else {"auto": 128, "exact": 4095}.get(draws, 128)
        self._predict([draws] * len(items), "".join(items[0].values()))
        results = [None] * len(items)
        with tqdm(total=len(items), desc=f"unmask: {do}") as progress:
            for at, answer in self.unmask.run(asked):
                index = at * ITEMS + answer.get("index", 0)
                results[index] = result(self._sound(answer, items[index]))
                self.cache_hook.add_partial(attribute, requests[index].args, results[index])
                progress.update()
        return results

    def _predict(self, forwards: list[int], text: str) -> None:
        """Says what it will take, from one forward over the beginning of the first text."""
        probe = {"do": "loglikelihood", "items": [{"context": text[-400:] or " ", "continuation": " a"}]}
        began = time.monotonic()
        self._one(probe | {"samples": 1, "strata": 1})
        hours = sum(forwards) * (time.monotonic() - began) / 3600
        log.warning("%d requests, at most %d forwards, about %.1f hours", len(forwards), sum(forwards), hours)

    def _one(self, request: dict) -> dict:
        ((_, answer),) = self.unmask.run([request])
        return self._sound(answer, request)

    @staticmethod
    def _sound(answer: dict, asked: dict) -> dict:
        if (error := answer.get("error")) is None:
            return answer
        sentence = "; ".join(part for part in (error["text"], error["hint"]) if part)
        raise UnmaskError(f"{sentence}: {json.dumps(asked, ensure_ascii=False)[:200]}")
