#!/usr/bin/env python3
"""Speaks the lines of `unmask worker --jsonl` without a model: numbers follow from the texts alone."""

import hashlib
import json
import os
import sys

IDENTITY = os.environ.get("STUB_IDENTITY", "sha256:stub")
# Dies without a word after so many answers.
MOST = int(os.environ.get("STUB_MOST", "1000000000"))
LOG = os.environ.get("STUB_LOG")


def number(*parts) -> float:
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).digest()
    return -int.from_bytes(digest[:4], "big") / 2**30


def tell(line: dict) -> None:
    print(json.dumps(line), flush=True)


def answers(request: dict):
    do = request["do"]
    if do == "loglikelihood":
        # In another order than asked.
        for index, item in reversed(list(enumerate(request["items"]))):
            if item["continuation"] == "":
                failure = {"kind": "usage", "text": "a continuation has no tokens", "hint": "write one"}
                yield {"index": index, "error": failure}
                continue
            greedy = len(item["continuation"]) % 2 == 0 if request.get("greedy") else None
            yield {"index": index, "ll": number(item["context"], item["continuation"]), "se": 0.1, "greedy": greedy}
    elif do == "rolling":
        for index, item in enumerate(request["items"]):
            yield {"index": index, "ll": number(item["text"]), "se": None}
    elif do == "generate":
        text = request["prompt"].upper() + " then END more"
        for stop in request["until"]:
            text = text.split(stop)[0]
        yield {"text": text, "reason": "end_token"}
    elif do == "render":
        said = "".join(f"[{it['role']}]{it['content']}" for it in request["messages"])
        yield {"text": said + ("[assistant]" if request["add_generation_prompt"] else "")}


def main() -> None:
    if "--model" in sys.argv and sys.argv[sys.argv.index("--model") + 1] == "missing":
        print("unmask: no model `missing`", file=sys.stderr)
        sys.exit(2)
    hello = {"event": "hello", "v": 1, "program": "stub", "model": {"name": "stub", "identity": IDENTITY}}
    hello |= {"tokenizer": {"sha256": "t" * 64, "template": "u" * 64}, "backend": {"name": "stub"}, "preset": None}
    tell(hello | {"settings": {}, "measure": {"samples": 128}, "arguments": sys.argv[1:]})
    told = 0
    for line in sys.stdin:
        request = json.loads(line)
        if LOG:
            with open(LOG, "a") as log:
                log.write(line)
        for answer in answers(request):
            if told >= MOST:
                os._exit(9)
            told += 1
            tell({"id": request["id"]} | answer)


main()
