#!/usr/bin/env bash
# Installs the clients that `unmask serve` is tried with into target/clients; what could not be fetched is left out, by name.
# Exits 3 if something is missing. What is there in the wanted version stays.
set -uo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
root="$(cd "$here/../../.." && pwd)/target/clients"
mkdir -p "$root"
missing=0

# A mark beside each client says that it is there; the tests look for it.
python() {
    local wanted="$here/requirements.txt"
    cmp -s "$wanted" "$root/python/requirements.txt" && return
    rm -rf "$root/python"
    python3 -m venv "$root/python" &&
        timeout 75 "$root/python/bin/python" -m pip install --quiet --no-compile --disable-pip-version-check -r "$wanted" ||
        return 1
    touch "$root/python/"{openai,litellm,langchain,llm}
    cp "$wanted" "$root/python/requirements.txt"
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
schemathesis() {
    local wanted="$here/schemathesis.txt"
    cmp -s "$wanted" "$root/schemathesis/requirements.txt" && return
    rm -rf "$root/schemathesis"
    python3 -m venv "$root/schemathesis" &&
        timeout 75 "$root/schemathesis/bin/python" -m pip install --quiet --no-compile --disable-pip-version-check -r "$wanted" ||
        return 1
    cp "$wanted" "$root/schemathesis/requirements.txt"
}
schemathesis &
checker=$!
python || { echo "left out: the Python clients, which could not be fetched"; missing=3; }
node || { echo "left out: the Node clients, which could not be fetched"; missing=3; }
wait "$checker" || { echo "left out: schemathesis, which could not be fetched"; missing=3; }
exit "$missing"
