"""The real harness with a stub worker; with UNMASK_BINARY also with the program itself: `python -m unittest discover tests`."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import types
import unittest
import unittest.mock
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

# Nothing is fetched; what the harness keeps is gone with the tests.
os.environ |= {"HF_DATASETS_OFFLINE": "1", "HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1", "LMEVAL_LOG_LEVEL": "ERROR"}
KEPT = tempfile.TemporaryDirectory()
os.environ.setdefault("HF_HOME", KEPT.name)

from lm_eval import simple_evaluate
from lm_eval.tasks import TaskManager

from lm_eval_unmask.cli import register
from lm_eval_unmask.model import UnmaskLM
from lm_eval_unmask.pipe import UnmaskError

register()
HERE = pathlib.Path(__file__).resolve().parent
FOLDER = HERE.parent
STUB = str(HERE / "stub_worker.py")
BINARY = os.environ.get("UNMASK_BINARY")


def request(*args):
    return types.SimpleNamespace(args=args)


def harness(tasks, *, model_args=f"binary={STUB}", environment=(), **more):
    """Runs the harness on tasks of this folder, without its own thousands; gives its results, with every sample."""
    before = os.getcwd()
    with unittest.mock.patch.dict(os.environ, environment):
        os.chdir(FOLDER)
        try:
            manager = TaskManager(include_path="tasks", include_defaults=False)
            said = dict(task_manager=manager, log_samples=True, bootstrap_iters=0, **more)
            return simple_evaluate("unmask", model_args, tasks=tasks, **said)
        finally:
            os.chdir(before)


class WithFolder(unittest.TestCase):
    def setUp(self):
        self.out = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def model(self, **said):
        model = UnmaskLM(**{"binary": STUB, **said})
        self.addCleanup(model.unmask.close)
        return model

    def asked(self, path):
        return [json.loads(line) for line in path.read_text().splitlines()]


class Requests(WithFolder):
    def test_answers_keep_the_order_of_the_questions(self):
        model = self.model()
        many = [request("a context", f" word {at}") for at in range(150)]
        together = model.loglikelihood(many)
        alone = [model.loglikelihood([it])[0] for it in many[:3] + many[-3:]]
        self.assertEqual(together[:3] + together[-3:], alone)
        self.assertEqual(len(set(together)), 150)
        self.assertEqual({greedy for _, greedy in together}, {False})

    def test_greedy_is_told_if_it_is_asked(self):
        told = self.model(check_greedy=True).loglikelihood([request("a", "xx"), request("a", "xxx")])
        self.assertEqual([greedy for _, greedy in told], [True, False])

    def test_what_the_worker_refuses_says_which_text(self):
        with self.assertRaisesRegex(UnmaskError, "has no tokens; write one: .*the context"):
            self.model().loglikelihood([request("a", " b"), request("the context", "")])

    def test_a_worker_that_dies_is_told_with_what_is_missing(self):
        with unittest.mock.patch.dict(os.environ, STUB_MOST="3"):
            model = self.model()
            with self.assertRaisesRegex(UnmaskError, "ended with code 9; 3 answers are missing"):
                model.loglikelihood([request("a", f"{at}") for at in range(5)])

    def test_a_worker_that_refuses_its_arguments_is_told(self):
        with self.assertRaisesRegex(UnmaskError, "code 2 before it was ready"):
            self.model(model="missing")
        with self.assertRaisesRegex(UnmaskError, "binary=PATH"):
            self.model(binary="/nowhere/unmask")

    def test_unknown_arguments_are_refused_and_the_harness_s_own_ignored(self):
        with self.assertRaisesRegex(ValueError, "unknown --model_args stpes; known are .*steps"):
            self.model(stpes=3)
        with self.assertRaisesRegex(ValueError, "check_greedy is 'yes'"):
            self.model(check_greedy="yes")
        self.model(device="cuda:0", max_batch_size=None)

    def test_the_batch_is_the_stratum_unless_nobody_said_it(self):
        for said, strata in [
            ({"batch_size": 8}, 8), ({"batch_size": "8"}, 8), ({"batch_size": 1}, None), ({"batch_size": "auto"}, None),
            ({"batch_size": 8, "strata": 4}, 4), ({"batch_size": 1, "samples": 1}, 1), ({"batch_size": 1, "strata": 1}, 1),
        ]:
            self.assertEqual(self.model(**said).measure.get("strata"), strata, said)

    def test_flags_and_settings_reach_the_worker(self):
        model = self.model(model="demo", precision="q8_0", threads=2, preset="gsm8k", length=64, samples="exact", cfg=0.5)
        flags = ["worker", "--jsonl", "--model", "demo", "--precision", "q8_0", "--threads", "2", "--preset", "gsm8k"]
        self.assertEqual(model.unmask.hello["arguments"], flags)
        measure = {"samples": "exact", "cfg_scale": 0.5, "seed": 0, "greedy": False}
        self.assertEqual((model.settings, model.measure), ({"length": 64}, measure))

    def test_sampling_has_a_seed_of_its_own_for_each_repeat(self):
        log = self.out / "log"
        said = {"until": "END", "max_gen_toks": 8, "do_sample": True, "temperature": 0.7}
        with unittest.mock.patch.dict(os.environ, STUB_LOG=str(log)):
            for _ in range(2):
                texts = self.model(seed=5).generate_until([request("a", said), request("a", said), request("b", {})])
        self.assertEqual(texts, ["A then ", "A then ", "B then END more"])
        asked = [it for it in self.asked(log) if it["do"] == "generate"]
        seeds = [it["settings"]["seed"] for it in asked]
        self.assertEqual(seeds[:3], seeds[3:], "they follow from seed, prompt and repeat")
        self.assertEqual(len(set(seeds[:3])), 3)
        self.assertEqual([it["settings"]["temperature"] for it in asked[:3]], [0.7, 0.7, 0.0])
        self.assertEqual([it["max_tokens"] for it in asked[:3]], [8, 8, 256])
        self.assertEqual(asked[0]["until"], ["END"])

    def test_an_answer_that_is_begun_is_gone_on_with(self):
        said = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
        model = self.model()
        self.assertEqual(model.apply_chat_template(said[:1]), "[user]a[assistant]")
        self.assertEqual(model.apply_chat_template(said, add_generation_prompt=False), "[user]a[assistant]b")


class Served(WithFolder):
    def test_a_server_is_asked_for_the_same(self):
        asked = []

        class Stub(BaseHTTPRequestHandler):
            def answer(self, body):
                route = self.path
                asked.append((route, body, self.headers.get("authorization")))
                name = route.removeprefix("/v1/models/")
                said = {"id": "demo"} if name in ("demo", "an%20alias") else {"error": {"message": f"this server has no model `{name}`"}}
                if route.endswith("/state"):
                    facts = {"model": {"key": "demo", "name": "demo"}, "tokenizer": None, "backend": None, "context": 256}
                    said = {"active": "demo", "loaded": facts | {"settings": {"block_length": 96}}}
                if route.endswith("loglikelihood"):
                    items = enumerate(body["items"])
                    said = {"data": [{"index": at, "ll": -len(it["continuation"]), "greedy": None} for at, it in items]}
                elif route.endswith("completions"):
                    # A capital is a special token.
                    said = {"unmask": {"tokens": [*b"onXe, two. three"]}}
                elif route.endswith("/tokenize"):
                    said = {"tokens": [ord(it) for it in body.get("text") or "".join(it["content"] for it in body["messages"])]}
                elif route.endswith("/detokenize"):
                    text = "".join(map(chr, body["tokens"]))
                    said = {"text": "".join(it for it in text if not (body["skip_special"] and it.isupper()))}
                self.send_response(404 if "error" in said else 200)
                self.end_headers()
                self.wfile.write(json.dumps(said).encode())

            def do_GET(self):
                self.answer(None)

            def do_POST(self):
                self.answer(json.loads(self.rfile.read(int(self.headers["content-length"]))))

            def log_message(self, *_):
                pass

        server = HTTPServer(("127.0.0.1", 0), Stub)
        self.addCleanup(server.server_close)
        Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        url = f"http://127.0.0.1:{server.server_port}/v1"
        with unittest.mock.patch.dict(os.environ, UNMASK_API_KEY="k"):
            model = self.model(base_url=url, model="demo", samples=16, steps=4)
            many = [request("a", "x" * at) for at in range(1, 101)]
            self.assertEqual(model.loglikelihood(many), [(-at, False) for at in range(1, 101)])
            self.assertEqual(model.loglikelihood_rolling([request("four")]), [-4])
            self.assertEqual(model.loglikelihood([request("", "two")]), [(-3, False)])
            many = [f"{at}" for at in range(70)]
            for until, text in ((["\n"], "one, two. three"), (["X"], "on"), ([*many, "."], "one, two"), ([".", ","], "one"), ([], "one, two. three")):
                self.assertEqual(model.generate_until([request("a", {"until": until})]), [text])
            said = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
            self.assertEqual(model.apply_chat_template(said, add_generation_prompt=False), "ab")
        measured = [body for route, body, _ in asked if route == "/unmask/v1/loglikelihood"]
        self.assertLessEqual(max(len(body["items"]) for body in measured), 64)
        self.assertEqual({key for *_, key in asked}, {"Bearer k"})
        answer = next(body for route, body, _ in asked if route == "/v1/completions")
        self.assertEqual((answer["unmask"], answer["temperature"]), ({"steps": 4, "length": 192, "stream": "steps"}, 0.0))
        items = [item for body in measured for item in body["items"]]
        self.assertIn({"context": "", "continuation": "four"}, items, "a whole text")
        self.assertIn({"context": [], "continuation": [*b"two"]}, items, "a text behind nothing")
        with self.assertRaisesRegex(UnmaskError, "has no model `other`"):
            self.model(base_url=url, model="other")
        for named in ({"model": "an alias"}, {}):
            self.assertEqual(self.model(base_url=url, **named).loglikelihood([request("a", "b")]), [(-1, False)])
            self.assertEqual({body["model"] for route, body, _ in asked if body}, {"demo"})
        with self.assertRaisesRegex(ValueError, "precision are the server's own"):
            self.model(base_url=url, precision="f32")


class Harness(WithFolder):
    def test_the_command_line_is_the_harness_s(self):
        said = ["--model", "unmask", "--model_args", f"binary={STUB}", "--tasks", "unmask_capitals", "--include_path", "tasks"]
        said += ["--limit", "2", "--batch_size", "8", "--device", "cuda:0", "--output_path", str(self.out)]
        command = [sys.executable, "-m", "lm_eval_unmask.cli", *said]
        ended = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        (path,) = self.out.glob("**/results_*.json")
        config = json.loads(path.read_text())["config"]
        self.assertEqual((config["unmask"]["model"]["name"], config["unmask_measure"]["strata"]), ("stub", 8))

    def test_the_harness_runs_every_kind_of_task(self):
        results = harness(["unmask_capitals", "unmask_sums", "unmask_poems"], limit=4)
        self.assertEqual({len(it) for it in results["samples"].values()}, {3, 4})
        for sample in results["samples"]["unmask_capitals"]:
            lls = [float(it[0][0]) for it in sample["resps"]]
            best = max(range(len(lls)), key=lls.__getitem__)
            self.assertEqual(sample["acc"], float(best == sample["doc"]["answer"]))

    def test_a_cache_lets_a_broken_run_go_on_and_takes_no_other_model_s_answers(self):
        said, log = {"limit": 6, "use_cache": str(self.out / "cache")}, self.out / "log"
        with self.assertRaisesRegex(UnmaskError, "answers are missing"):
            harness(["unmask_capitals"], environment={"STUB_MOST": "9"}, **said)
        results = harness(["unmask_capitals"], environment={"STUB_LOG": str(log)}, **said)
        again = [it for it in self.asked(log) if "samples" not in it]
        self.assertEqual(sum(len(it["items"]) for it in again), 24 - 8, "one of the nine was the probe")
        whole = harness(["unmask_capitals"], limit=6)
        self.assertEqual(results["results"], whole["results"])
        with self.assertRaisesRegex(UnmaskError, "answers of another model"):
            harness(["unmask_capitals"], environment={"STUB_IDENTITY": "sha256:other"}, **said)

    def test_chat_templates_are_the_worker_s(self):
        results = harness(["unmask_capitals"], limit=2, apply_chat_template=True)
        context, continuation = results["samples"]["unmask_capitals"][0]["arguments"][0]
        self.assertRegex(context, r"^\[user\]What is the capital of [\w ]+\?\[assistant\]$")
        self.assertTrue(continuation.startswith("The capital"), "without a leading blank")

    def test_wrong_arguments_end_the_harness_with_a_sentence(self):
        with self.assertRaisesRegex(ValueError, "unknown --model_args stpes"):
            harness(["unmask_sums"], model_args=f"binary={STUB},stpes=4")


def number(answer):
    """What was answered, out of the lists and tuples around it."""
    while isinstance(answer, (list, tuple)):
        answer = answer[0]
    return float(answer)


@unittest.skipUnless(BINARY, "UNMASK_BINARY names no program: nothing is measured")
class Program(WithFolder):
    def test_accuracies_are_those_of_score(self):
        said = f"binary={BINARY},model=builtin:demo,samples=32,strata=8,seed=3"
        tasks = ["unmask_capitals", "unmask_sums", "unmask_poems"]
        results = harness(tasks, model_args=said, limit=12, apply_chat_template=True)
        samples = results["samples"]
        flags = ["--samples", "32", "--strata", "8", "--seed", "3", "-q", "--format", "json"]
        for task in ("unmask_capitals", "unmask_poems"):
            lines = []
            for sample in samples[task]:
                asked = sample["arguments"]
                line = {"text": asked[0][0]}
                if task == "unmask_capitals":
                    choices = [continuation for _, continuation in asked]
                    line = {"context": asked[0][0], "choices": choices, "answer": sample["doc"]["answer"]}
                lines.append(json.dumps(line) + "\n")
            command = [BINARY, "score", "-", "-m", "builtin:demo", *flags]
            said = subprocess.run(command, input="".join(lines), capture_output=True, text=True)
            self.assertEqual(said.returncode, 0, said.stderr)
            report = json.loads(said.stdout)
            for sample, ours in zip(samples[task], report["texts"]):
                theirs = [number(it) for it in sample["resps"]]
                lls = [it["ll"] for it in ours.get("choices", [ours])]
                for one, other in zip(theirs, lls, strict=True):
                    self.assertAlmostEqual(one, other, places=9)
            if task == "unmask_capitals":
                got = results["results"][task]
                self.assertEqual(got["acc,none"], report["all"]["accuracy"])
                self.assertEqual(got["acc_norm,none"], report["all"]["accuracy_norm"])
                self.assertGreater(got["acc,none"], 0.5, "the demo knows capitals")
        self.assertGreater(results["results"]["unmask_sums"]["exact_match,none"], 0.25, "and some sums")

    def test_a_server_answers_as_the_worker_does(self):
        served = subprocess.Popen([BINARY, "serve", "--port", "0"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(served.communicate)
        self.addCleanup(served.terminate)
        at = {"base_url": served.stdout.readline().strip() + "/v1", "model": "demo"}
        here = {"binary": BINARY, "model": "builtin:demo"}
        said = {"samples": 32, "strata": 8, "seed": 3}
        tasks = ["unmask_capitals", "unmask_sums", "unmask_poems"]
        of_server, of_worker = (
            harness(tasks, model_args=where | said, limit=4, apply_chat_template=True)["samples"] for where in (at, here)
        )
        for task in tasks:
            for one, other in zip(of_server[task], of_worker[task], strict=True):
                self.assertEqual((one["arguments"], one["resps"]), (other["arguments"], other["resps"]))
        drawn = {"until": [], "max_gen_toks": 40, "do_sample": True, "temperature": 0.8}
        of_server, of_worker = (self.model(**where, **said, check_greedy=True) for where in (at, here))
        self.assertEqual(of_server._identity(), of_worker._identity())
        for ask in (
            lambda model: model.loglikelihood([request("", "Paris"), request("The capital of France is", " Paris")]),
            lambda model: model.generate_until([request("The capital of France", drawn)]),
            lambda model: model.generate_until([request("The capital of France is", drawn | {"until": stops}) for stops in (["<|eot_id|>"], [f"{at}" for at in range(70)] + ["a"])]),
        ):
            self.assertEqual(ask(of_server), ask(of_worker))


if __name__ == "__main__":
    unittest.main()
