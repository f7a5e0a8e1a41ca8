#!/usr/bin/env python3
"""Measure unmask beside llama.cpp on random weights of one shape, and print the table of README.

    tests/peers/run.py                                              everything: fetch, build, make weights, measure
    tests/peers/run.py --ours candle:int8 candle:int4 onnx:int8 --theirs Q5_K Q4_K --rounds 5
    tests/peers/run.py --checkpoint FOLDER --no-build               weights and programs that are there already

Nothing of llama.cpp is kept here: its source comes from the source package of llama-cpp-python on the Python index, which
carries it, and is built under target/peers. Runs alternate, so that what else the machine does hits all alike; each is a
process of its own, whose peak of memory is its own; figures are medians over the rounds. Linux; 16 GB of disk for the
checkpoint of the 8B shape, 5.6 GB for Q5_K. Nothing else should run meanwhile.

What is compared is a forward over 192 positions. `llama-diffusion-cli` computes the head for all 192 rows and forwards the
whole canvas at every step. Ours computes head and last layer for the rows whose output a step asks for: a block of 32, or all
128 of an answer that is one block; with a cache it forwards a block of 32. Its time for sampling is left out, as ours is.

Built by GCC 12 for a processor with a matrix unit (AMX), that version ends with an illegal instruction (`tilezero`); without it:
    --cmake=-DCMAKE_C_FLAGS="-mno-amx-tile -mno-amx-int8 -mno-amx-bf16" --cmake=-DCMAKE_CXX_FLAGS="…the same…"
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
PEER = "llama-cpp-python==0.3.36"
CANVAS = 192
ANSWER = 128
BLOCK = 32


def tell(*words):
    print(*words, file=sys.stderr, flush=True)


def must(command, **more):
    tell("$", " ".join(map(str, command)))
    subprocess.run(list(map(str, command)), check=True, **more)


def tools(work):
    """A Python environment with what builds and writes; returns its folder of programs."""
    programs = work / "venv" / "bin"
    if not (programs / "ninja").exists():
        must([sys.executable, "-m", "venv", work / "venv"])
        must([programs / "pip", "-q", "install", "cmake", "ninja", "gguf", "scikit-build-core"])
    return programs


def source(work, programs, package):
    """The folder of llama.cpp's source."""
    version = package.split("==")[-1]
    folder = work / f"source-{version}"
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=work) as fetched:
            must([programs / "pip", "-q", "download", "--no-deps", "--no-binary", ":all:", "--no-build-isolation",
                  "--dest", fetched, package])
            unpacked = pathlib.Path(fetched) / "unpacked"
            with tarfile.open(next(pathlib.Path(fetched).glob("*.tar.gz"))) as archive:
                archive.extractall(unpacked, filter="data")
            (next(unpacked.iterdir()) / "vendor" / "llama.cpp").rename(folder)
    return folder


def build_peer(work, programs, package, options):
    """The path of llama-diffusion-cli, built for this processor."""
    others = "".join(sorted(options))
    name = f"build-{package.split('==')[-1]}" + (f"-{zlib.crc32(others.encode()):08x}" if others else "")
    build = work / name
    program = build / "bin" / "llama-diffusion-cli"
    if not program.exists():
        path = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
        off = ["BUILD_SHARED_LIBS", "LLAMA_CURL", "LLAMA_OPENSSL", "LLAMA_BUILD_TESTS", "LLAMA_BUILD_SERVER"]
        must(["cmake", "-S", source(work, programs, package), "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
              "-DGGML_NATIVE=ON", *[f"-D{name}=OFF" for name in off], *options], env=path)
        must(["cmake", "--build", build, "--target", "llama-diffusion-cli"], env=path)
    return program


def build_ours():
    """The path of `steps`, with every backend beside it."""
    must(["cargo", "build", "--release", "--workspace"], cwd=ROOT)
    return ROOT / "target" / "release" / "steps"


def checkpoint(work, shape):
    folder = work / f"checkpoint-{shape}"
    if not (folder / "config.json").exists():
        making = work / f"checkpoint-{shape}.partial"
        shutil.rmtree(making, ignore_errors=True)
        must([sys.executable, ROOT / "tests" / "make_checkpoint.py", making, "--shape", shape])
        making.rename(folder)
    return folder


def gguf(work, programs, folder, kind):
    file = work / f"{folder.name}-{kind}.gguf"
    if not file.exists():
        must([programs / "python", HERE / "write_gguf.py", folder / "config.json", file, "--type", kind])
    return file


def measured(command):
    """Runs a command: its output, seconds of processors, and the peak of memory in bytes."""
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(list(map(str, command)), stdout=out, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read().decode(errors="replace")
    if process.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} ended with {process.returncode}:\n{text[-2000:]}")
    return text, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def run_theirs(program, file, threads, steps):
    """Seconds and seconds of processors a forward, and the peak."""
    def run(steps, tries=5):
        text, cpu, peak = measured([
            program, "-m", file, "-p", "a" * 40, "-c", CANVAS, "-b", CANVAS, "-ub", CANVAS, "-t", threads, "-tb", threads,
            "-ngl", 0, "--temp", 0, "--top-k", 1, "--diffusion-algorithm", 4, "--diffusion-eps", 0.001,
            "--diffusion-steps", steps])
        found = re.search(r"total time: ([\d.]+)ms, time per step: ([\d.]+)ms, sampling time per step: ([\d.]+)ms", text)
        if not found and tries > 1:
            # Its log is written by a thread, whose last lines are lost now and then.
            return run(steps, tries - 1)
        if not found:
            sys.exit(f"{program} tells no times:\n{text[-2000:]}")
        total, _, sampling = map(float, found.groups())
        return (total / 1000 - sampling / 1000 * steps), sampling / 1000 * steps, cpu, peak

    # What a run costs beside its forwards, and the first forward, which reads the file, are in the short run too.
    short, long = run(1), run(1 + steps)
    return {
        "step": (long[0] - short[0]) / steps,
        "cpu": (long[2] - short[2] - (long[1] - short[1])) / steps,
        "peak": long[3],
    }


def run_ours(program, name, folder, cache, threads, passes):
    """As `run_theirs`, with a block of 32, and the seconds until the model was ready."""
    backend, precision = name.split(":")
    text, _, _ = measured([program, backend, precision, folder, cache, "--fed", f"{CANVAS}:{BLOCK},{CANVAS}:{ANSWER},{BLOCK}",
                           "--threads", threads, "--passes", passes, "--json"])
    told = json.loads(text.strip().splitlines()[-1])
    step, open_step, block = told["passes"]
    return {
        "step": step["median"], "cpu": step["cpu"], "open": open_step["median"], "open_cpu": open_step["cpu"],
        "block": block["median"], "block_cpu": block["cpu"], "start": told["load"]["wall"], "peak": told["peak"],
    }


def table(runs, first_starts):
    """Markdown: medians, and how many times the step of the best of theirs goes into each."""
    def median(name, what):
        values = [run[what] for run in runs[name] if what in run]
        return statistics.median(values) if values else None

    best = min((median(name, "step") for name in runs if name.startswith("llama.cpp ")), default=None)
    names = list(runs)
    rows = [["", *names]]

    def row(title, cell):
        rows.append([title, *[cell(name) for name in names]])

    def seconds(what, cpu):
        def cell(name):
            value, of_cpu = median(name, what), median(name, cpu)
            return "" if value is None else f"{value:.2f} s ({of_cpu:.1f})"
        return cell

    def times(what):
        def cell(name):
            value = median(name, what)
            return "" if value is None or best is None else f"{best / value:.2f}"
        return cell

    row(f"a step over {CANVAS} positions (of processors)", seconds("step", "cpu"))
    row("times as fast as llama.cpp's best", times("step"))
    row(f"the same, all {ANSWER} of the answer in one block", seconds("open", "open_cpu"))
    row("times as fast as llama.cpp's best", times("open"))
    row(f"a step over a block of {BLOCK}, the rest cached", seconds("block", "block_cpu"))
    row("times as fast as llama.cpp's step", times("block"))
    row("start with kept weights", lambda name: "" if median(name, "start") is None else f"{median(name, 'start'):.1f} s")
    row("first start", lambda name: f"{first_starts[name]:.0f} s" if name in first_starts else "")
    row("peak of resident memory", lambda name: f"{median(name, 'peak') / 1e9:.1f} GB")
    rows = [cells for cells in rows if any(cells[1:])]
    lines = ["| " + " | ".join(cells) + " |" for cells in rows]
    return "\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:]])


def processor():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def main():
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--ours", nargs="*", default=["candle:int8", "candle:int4", "onnx:int8"], metavar="BACKEND:PRECISION")
    asked.add_argument("--theirs", nargs="*", default=["Q5_K", "Q4_K"], metavar="TYPE")
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--passes", type=int, default=5, help="passes of a run of ours, and steps of one of theirs")
    asked.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    asked.add_argument("--shape", default="8b", choices=["8b", "mini"])
    asked.add_argument("--checkpoint", type=pathlib.Path, help="a checkpoint instead of one that is made")
    asked.add_argument("--work", type=pathlib.Path, default=ROOT / "target" / "peers")
    asked.add_argument("--peer", default=PEER, help="the package that carries llama.cpp's source")
    asked.add_argument("--cmake", action="append", default=[], metavar="-DNAME=VALUE", help="build llama.cpp with this too")
    asked.add_argument("--no-build", action="store_true", help="take the programs under target/release as they are")
    asked = asked.parse_args()

    asked.work.mkdir(parents=True, exist_ok=True)
    programs = tools(asked.work)
    steps = ROOT / "target" / "release" / "steps" if asked.no_build else build_ours()
    folder = asked.checkpoint or checkpoint(asked.work, asked.shape)
    cache = asked.work / "weights"
    peer = build_peer(asked.work, programs, asked.peer, asked.cmake) if asked.theirs else None
    files = {kind: gguf(asked.work, programs, folder, kind) for kind in asked.theirs}

    runs, first_starts = {}, {}
    for name in asked.ours:
        # The weights are made and kept, and read into memory; only how long that took counts.
        shutil.rmtree(cache / name.replace(":", "-"), ignore_errors=True)
        (cache / name.replace(":", "-")).mkdir(parents=True)
        first = run_ours(steps, name, folder, cache / name.replace(":", "-"), asked.threads, 1)
        first_starts[name.replace(":", " ")] = first["start"]
    for turn in range(asked.rounds):
        subjects = [*asked.ours, *asked.theirs]
        for name in subjects if turn % 2 == 0 else reversed(subjects):
            if name in files:
                shown, run = f"llama.cpp {name}", run_theirs(peer, files[name], asked.threads, asked.passes)
            else:
                shown = name.replace(":", " ")
                run = run_ours(steps, name, folder, cache / name.replace(":", "-"), asked.threads, asked.passes)
            runs.setdefault(shown, []).append(run)
            tell(f"round {turn + 1}: {shown}: {json.dumps(run)}")

    version = re.search(r'^version = "(.+?)"', (ROOT / "Cargo.toml").read_text(), re.M).group(1)
    peer = f" {asked.peer.replace('==', ' ')}," if asked.theirs else ""
    print(f"LLaDA's shape ({asked.shape}), random weights, {asked.threads} threads of {processor()}, unmask {version},{peer} "
          f"{datetime.date.today()}, medians of {asked.rounds} alternating rounds "
          f"(`{' '.join(['tests/peers/run.py', *sys.argv[1:]])}`):\n")
    print(table(runs, first_starts))


if __name__ == "__main__":
    main()
