#!/usr/bin/env python3
"""Puts what a package holds into one folder, and makes an archive of it.

    cargo build --release --locked
    tui/packaging/stage.py                      # target/package/unmask-VERSION-TARGET and its .tar.gz or .zip

Beside the program lie its backends, without which it runs nothing; then completions, the manual, the licences of unmask and of
every crate that is linked into it. The program says what it can do itself, so it has to run on this machine.
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHELLS = {"bash": "unmask.bash", "zsh": "_unmask", "fish": "unmask.fish", "powershell": "_unmask.ps1", "elvish": "unmask.elv"}
# How libraries are called: before the name, behind it.
LIBRARY = {"linux": ("lib", ".so"), "darwin": ("lib", ".dylib"), "win32": ("", ".dll")}
LICENCES = ("licen", "copying", "notice", "unlicense", "copyright")


def output(*command):
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def host():
    lines = output("rustc", "-vV").splitlines()
    return next(line.split(": ")[1] for line in lines if line.startswith("host: "))


def licences(target, folder):
    """A folder for each crate that is linked, with what it says of its licence."""
    metadata = json.loads(output("cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", target))
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    wanted, linked = list(metadata["workspace_default_members"]), set()
    while wanted:
        name = wanted.pop()
        if name not in linked:
            linked.add(name)
            for dependency in nodes[name]["deps"]:
                if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                    wanted.append(dependency["pkg"])
    lines, silent = [], []
    for package in sorted((packages[name] for name in linked), key=lambda it: it["name"]):
        if package["source"] is None:
            continue
        called = f'{package["name"]}-{package["version"]}'
        lines.append(f'{called}: {package["license"] or "see its file"} ({package["repository"] or "no address"})')
        files = [file for file in pathlib.Path(package["manifest_path"]).parent.iterdir()
                 if file.is_file() and file.name.lower().startswith(LICENCES)]
        if not files:
            silent.append(called)
        for file in files:
            (folder / called).mkdir(parents=True, exist_ok=True)
            shutil.copy(file, folder / called / file.name)
    (folder / "CRATES.txt").write_text("\n".join(lines) + "\n")
    if silent:
        print(f"without a file of their own, by their licence's name alone: {', '.join(silent)}", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--built", type=pathlib.Path, default=ROOT / "target/release", help="the folder that cargo built into")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "target/package")
    parser.add_argument("--target", default=host(), help="what the archive is called by; this machine's if left out")
    arguments = parser.parse_args()
    before, behind = LIBRARY[sys.platform]
    program = "unmask.exe" if sys.platform == "win32" else "unmask"
    version = output(arguments.built / program, "--version").split()[1]
    folder = arguments.out / f"unmask-{version}-{arguments.target}"
    shutil.rmtree(folder, ignore_errors=True)
    for part in ("completions", "man", "licences"):
        (folder / part).mkdir(parents=True)
    shutil.copy(arguments.built / program, folder)
    backends = sorted(arguments.built.glob(f"{before}unmask_backend_*{behind}"))
    if not backends:
        sys.exit(f"there are no backends in {arguments.built}; run `cargo build --release --locked` first")
    for file in backends:
        shutil.copy(file, folder)
    for shell, name in SHELLS.items():
        (folder / "completions" / name).write_text(output(arguments.built / program, "completions", shell))
    output(arguments.built / program, "man", folder / "man")
    for name in ("README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT", "model_config.toml"):
        shutil.copy(ROOT / name, folder)
    licences(arguments.target, folder / "licences")
    kind = "zip" if sys.platform == "win32" else "gztar"
    print(folder)
    print(shutil.make_archive(str(folder), kind, arguments.out, folder.name))


if __name__ == "__main__":
    main()
