"""Requests to `unmask worker --jsonl` over a pipe."""

import contextlib
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator


class UnmaskError(RuntimeError):
    """What unmask refuses, or that it is gone."""


class Pipe:
    """A worker of our own, which lives as long as this object."""

    def __init__(self, binary: str, arguments: list[str]) -> None:
        program = shutil.which(binary)
        if program is None:
            raise UnmaskError(
                f"there is no program {binary!r}; put unmask into the PATH, or name it with "
                "--model_args binary=PATH"
            )
        self._worker = subprocess.Popen(
            [program, "worker", "--jsonl", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        self._next = 0
        self.hello = self._read()
        if self.hello.get("event") != "hello" or self.hello.get("v") != 1:
            self.close()
            raise UnmaskError(
                f"{program} speaks other lines than this package; install both of one version"
            )

    def run(self, requests: list[dict]) -> Iterator[tuple[int, dict]]:
        """Yields each answer with the place of its request, as they come; an item's error is one of them."""
        first, self._next = self._next, self._next + len(requests)
        # An answer for each item, and one for what has none.
        missing = [len(request.get("items", [None])) for request in requests]
        lines = [json.dumps({"id": first + at} | it) + "\n" for at, it in enumerate(requests)]
        writer = threading.Thread(target=self._write, args=(lines,), daemon=True)
        writer.start()
        while any(missing):
            answer = self._read(sum(missing))
            at = answer.get("id")
            if not isinstance(at, int) or not first <= at < self._next:
                continue  # Late news of requests that were given up.
            missing[at - first] -= missing[at - first] if "index" not in answer else 1
            yield at - first, answer
        writer.join()

    def close(self) -> None:
        """Ends the worker; what it still computes is given up."""
        self._worker.kill()
        self._worker.wait()
        for pipe in (self._worker.stdin, self._worker.stdout):
            with contextlib.suppress(OSError):  # What is written to nobody.
                pipe.close()

    def _write(self, lines: list[str]) -> None:
        with contextlib.suppress(OSError, ValueError):  # The reader finds the worker gone, and says so.
            for line in lines:
                self._worker.stdin.write(line)
                self._worker.stdin.flush()

    def _read(self, missing: int = 0) -> dict:
        line = self._worker.stdout.readline()
        if line.endswith("\n"):
            return json.loads(line)
        code = self._worker.wait()
        self.close()
        rest = f"; {missing} answers are missing" if missing else " before it was ready"
        raise UnmaskError(f"unmask worker ended with code {code}{rest}; what it said stands above")
