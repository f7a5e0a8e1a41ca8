"""The same requests to `unmask serve` on another machine."""

import http.client
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator

from .pipe import UnmaskError

ITEMS = 64


class Http:
    """A server at `base_url`; its key, if it wants one, is in UNMASK_API_KEY."""

    def __init__(self, base_url: str, model: str | None) -> None:
        self._base = base_url.rstrip("/").removesuffix("/v1")
        # By its key or an alias; without either, the one that answers whoever names none.
        self._model = (
            self._ask("/unmask/v1/state", None)["active"]
            if model is None
            else self._ask(f"/v1/models/{urllib.parse.quote(model)}", None)["id"]
        )
        # Only of a loaded model is more known than its name.
        self._tokens("a")
        loaded = self._ask("/unmask/v1/state", None)["loaded"]
        if not loaded or loaded["model"]["key"] != self._model:
            raise UnmaskError(f"{base_url} has loaded another model meanwhile; try again")
        self.hello = {name: loaded[name] for name in ("model", "tokenizer", "backend", "context", "settings")}

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
        def item(it):
            # As text, what stands behind nothing would be a whole text.
            return it if it["context"] else {"context": [], "continuation": self._tokens(it["continuation"])}

        return self._measure(request | {"items": [item(it) for it in request["items"]]})

    def _rolling(self, request: dict) -> Iterator[dict]:
        texts = [{"context": "", "continuation": it["text"]} for it in request["items"]]
        return self._measure(request | {"items": texts})

    def _measure(self, request: dict) -> Iterator[dict]:
        items = request.pop("items")
        for start in range(0, len(items), ITEMS):
            body = {"model": self._model, "items": items[start : start + ITEMS], **request}
            for answer in self._ask("/unmask/v1/loglikelihood", body)["data"]:
                yield answer | {"index": answer["index"] + start}

    def _generate(self, request: dict) -> Iterator[dict]:
        """With the length and the steps that the worker has: a server's own follow from `max_tokens` in another way."""
        settings, most = dict(request["settings"]), request["max_tokens"]
        block = min(settings.get("block_length", self.hello["settings"]["block_length"]), most)
        length = settings.setdefault("length", most - most % block)
        if isinstance(length, int):
            settings.setdefault("steps", length)
        body = {"model": self._model, "prompt": request["prompt"]}
        body |= {name: settings.pop(name) for name in ("temperature", "seed") if name in settings}
        # Steps, since an answer that tells them tells its tokens.
        answer = self._ask("/v1/completions", body | {"unmask": settings | {"stream": "steps"}})
        yield {"text": self._until(answer["unmask"]["tokens"], request["until"])}

    def _until(self, tokens: list[int], stops: list[str]) -> str:
        """The text before the stops, however many, as the worker finds it: special tokens are written out meanwhile."""
        text = self._text(tokens, skip_special=False)
        for stop in filter(None, stops):
            text = text.split(stop)[0]
        return self._text(self._tokens(text), skip_special=True)

    def _text(self, tokens: list[int], skip_special: bool) -> str:
        body = {"model": self._model, "tokens": tokens, "skip_special": skip_special}
        return self._ask("/unmask/v1/detokenize", body)["text"]

    def _tokens(self, text: str) -> list[int]:
        return self._ask("/unmask/v1/tokenize", {"model": self._model, "text": text})["tokens"]

    def _render(self, request: dict) -> Iterator[dict]:
        messages = request["messages"]
        prefill = "" if request["add_generation_prompt"] else messages[-1]["content"]
        messages = messages if request["add_generation_prompt"] else messages[:-1]
        tokens = self._ask("/unmask/v1/tokenize", {"model": self._model, "messages": messages})["tokens"]
        yield {"text": self._text(tokens, skip_special=False) + prefill}

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
        except (OSError, http.client.HTTPException) as error:
            raise UnmaskError(f"{self._base} cannot be reached, or broke off: {error}") from error
