#!/usr/bin/env bash
# Installs the clients that `unmask serve` is tried with into target/clients; what could not be fetched is left out, by name.
# Exits 3 if something is missing. What is there in the wanted version stays.
set -uo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
root="$(cd "$here/../../.." && pwd)/target/clients"
mkdir -p "$root"
missing=0

# environment NAME FILE: a virtual environment with what the file lists, which lies in it once all of it is there.
environment() {
    local folder="$root/$1" wanted="$here/$2"
    cmp -s "$wanted" "$folder/requirements.txt" && return
    rm -rf "$folder"
    python3 -m venv "$folder" &&
        timeout 75 "$folder/bin/python" -m pip install --quiet --no-compile --disable-pip-version-check -r "$wanted" ||
        return 1
    cp "$wanted" "$folder/requirements.txt"
}
# A mark beside each client says that it is there; the tests look for it.
python() {
    environment python requirements.txt && touch "$root/python/"{openai,litellm,langchain,llm}
}
node() {
    command -v npm >/dev/null || return 1
    local wanted="$here/package.json"
    cmp -s "$wanted" "$root/node/package.json" && [ -e "$root/node/openai" ] && return
    mkdir -p "$root/node"
    cp "$wanted" "$root/node/package.json"
    (cd "$root/node" && timeout 35 npm install --silent --no-audit --no-fund --ignore-scripts) || return 1
    touch "$root/node/"{openai,ai}
}
environment schemathesis schemathesis.txt &
checker=$!
python || { echo "left out: the Python clients, which could not be fetched"; missing=3; }
node || { echo "left out: the Node clients, which could not be fetched"; missing=3; }
wait "$checker" || { echo "left out: schemathesis, which could not be fetched"; missing=3; }
exit "$missing"
