"""The same requests to `unmask serve` on another machine."""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator

from .pipe import UnmaskError

ITEMS = 64


class Http:
    """A server at `base_url`; its key, if it wants one, is in UNMASK_API_KEY."""

    def __init__(self, base_url: str, model: str | None) -> None:
        self._base, self._model = base_url.rstrip("/").removesuffix("/v1"), model
        served = self._ask("/v1/models", None)["data"]
        found = [it for it in served if model in (None, it["id"])]
        if not found:
            known = ", ".join(it["id"] for it in served)
            raise UnmaskError(f"{base_url} does not serve {model!r}; it serves {known}")
        self._model = found[0]["id"]
        facts = found[0].get("unmask", {})
        self.hello = {"model": {"name": self._model, **facts}, "tokenizer": None, "settings": facts.get("defaults", {})}

    def run(self, requests: list[dict]) -> Iterator[tuple[int, dict]]:
        """Yields each answer with the place of its request, in order."""
        for at, request in enumerate(requests):
            request = dict(request)
            do = request.pop("do")
            for answer in getattr(self, f"_{do}")(request):
                yield at, answer

    def close(self) -> None:
        pass

    def _loglikelihood(self, request: dict) -> Iterator[dict]:
        items = request.pop("items")
        for start in range(0, len(items), ITEMS):
            body = {"model": self._model, "items": items[start : start + ITEMS], **request}
            for answer in self._ask("/unmask/v1/loglikelihood", body)["data"]:
                yield answer | {"index": answer["index"] + start}

    def _rolling(self, request: dict) -> Iterator[dict]:
        texts = [{"context": "", "continuation": it["text"]} for it in request.pop("items")]
        return self._loglikelihood(request | {"items": texts})

    def _generate(self, request: dict) -> Iterator[dict]:
        settings = dict(request.get("settings", {}))
        body = {"model": self._model, "prompt": request["prompt"], "max_tokens": request["max_tokens"]}
        body |= {name: settings.pop(name) for name in ("temperature", "seed") if name in settings}
        # Servers take so many stop strings.
        body |= {"stop": request["until"][:64], "unmask": settings}
        yield {"text": self._ask("/v1/completions", body)["choices"][0]["text"]}

    def _render(self, request: dict) -> Iterator[dict]:
        messages = request["messages"]
        prefill = "" if request["add_generation_prompt"] else messages[-1]["content"]
        messages = messages if request["add_generation_prompt"] else messages[:-1]
        tokens = self._ask("/unmask/v1/tokenize", {"model": self._model, "messages": messages})["tokens"]
        body = {"model": self._model, "tokens": tokens, "skip_special": False}
        yield {"text": self._ask("/unmask/v1/detokenize", body)["text"] + prefill}

    def _ask(self, route: str, body: dict | None) -> dict:
        headers = {"content-type": "application/json"}
        if key := os.environ.get("UNMASK_API_KEY"):
            headers["authorization"] = f"Bearer {key}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._base + route, data, headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")
            raise UnmaskError(f"{self._base}{route}: {error.code} {said}") from error
        except OSError as error:
            raise UnmaskError(f"{self._base} cannot be reached: {error}") from error
