#!/usr/bin/env python3
"""Measure whole answers: exact, from a dual cache, by a threshold, and both, and print the table of README.

    tests/peers/answers.py                                the demo, then LLaDA-8B's shape with weights that are made
    tests/peers/answers.py --checkpoint FOLDER --precision int4 --length 64 --rounds 1

Random weights never reach a threshold. So the demo answers first, and the forwards that the first block of 32, which holds most of
its answers, takes there are imposed on the other checkpoint as its steps. All blocks are denoised, also after the end of an
answer. Runs alternate; figures are medians over the rounds. `unmask` is taken from target/release. Nothing else should run meanwhile; 16 GB of memory for the 8B shape.
"""

import argparse
import datetime
import json
import pathlib
import statistics
import subprocess

from run import ROOT, checkpoint, processor, tell

BLOCK = 32
THRESHOLD = 0.9
CACHE = ["--cache", "dual"]
MODES = {
    "exact": [],
    "dual cache": CACHE,
    f"threshold {THRESHOLD}": ["--threshold", THRESHOLD],
    "both": [*CACHE, "--threshold", THRESHOLD],
}
QUESTIONS = ROOT / "core" / "runtime" / "demo-model" / "eval" / "eval_public.jsonl"


def answer(model, prompt, *more):
    """Forwards of each block, and seconds of all of them."""
    command = [ROOT / "target" / "release" / "unmask", "generate", "-m", model, "--block", BLOCK, "--format", "jsonl", *more, prompt]
    ran = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True)
    steps = [event for event in map(json.loads, ran.stdout.splitlines()) if event.get("event") == "step"]
    forwards = {}
    for step in steps:
        forwards[step["block"]] = forwards.get(step["block"], 0) + 1
    return list(forwards.values()), sum(step["ms"] for step in steps) / 1000


def questions(count):
    """As many questions whose right answer is long, of all kinds."""
    lines = [json.loads(line) for line in QUESTIONS.read_text().splitlines()]
    long = [line["messages"][-1]["content"] for line in lines if len(line["messages"]) == 1 and len(line["answers"][0]) > 80]
    return long[:: max(1, len(long) // count)][:count]


def main():
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--checkpoint", type=pathlib.Path, help="a checkpoint instead of one that is made")
    asked.add_argument("--shape", default="8b", choices=["8b", "mini"])
    asked.add_argument("--precision", default="int8")
    asked.add_argument("--length", type=int, default=128, help="of an answer, whole blocks")
    asked.add_argument("--rounds", type=int, default=1)
    asked.add_argument("--questions", type=int, default=20, help="that the demo answers in each way")
    asked.add_argument("--work", type=pathlib.Path, default=ROOT / "target" / "peers")
    asked = asked.parse_args()

    asked.work.mkdir(parents=True, exist_ok=True)
    folder = asked.checkpoint or checkpoint(asked.work, asked.shape)
    prompts = questions(asked.questions)
    demo = {name: [] for name in MODES}
    for prompt in prompts:
        for name, flags in MODES.items():
            demo[name].append(answer("builtin:demo", prompt, "--len", 2 * BLOCK, "--no-early-stop", *flags))
    rates = {name: statistics.mean(blocks[0] for blocks, _ in runs) for name, runs in demo.items()}
    tell("forwards a block at the demo:", rates)

    blocks = asked.length // BLOCK
    steps = {name: max(1, round(rate * blocks)) for name, rate in rates.items()}
    large = {name: [] for name in MODES}
    imposed = ["--precision", asked.precision, "--len", asked.length, "--no-early-stop"]
    prompt = "a " * 30
    answer(folder, prompt, *imposed, "--steps", blocks)
    for turn in range(asked.rounds):
        for name in MODES if turn % 2 == 0 else reversed(MODES):
            cache = CACHE if MODES[name][:1] == CACHE[:1] else []
            large[name].append(answer(folder, prompt, *imposed, "--steps", steps[name], *cache))
            tell(f"round {turn + 1}: {name}: {large[name][-1]}")

    def seconds(runs):
        return statistics.median(it for _, it in runs)

    print(f"Whole answers in blocks of {BLOCK}, {processor()}, {datetime.date.today()}: the demo's mean over {len(prompts)} questions in its "
          f"own precision; {asked.length} tokens of {folder.name} in {asked.precision}, random weights, **its forwards imposed from the "
          f"demo's a block**; medians of {asked.rounds} rounds (`tests/peers/answers.py`):\n")
    print("| | demo: forwards a block | demo: seconds for 64 tokens | forwards | seconds | times as fast |")
    print("|---|---|---|---|---|---|")
    for name in MODES:
        own = seconds(large[name])
        print(f"| {name} | {rates[name]:.1f} | {seconds(demo[name]):.2f} | {steps[name]} | {own:.1f} | {seconds(large['exact']) / own:.1f} |")


if __name__ == "__main__":
    main()
