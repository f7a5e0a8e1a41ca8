#!/usr/bin/env bash
# Builds and tests the MLX backend on Linux, on the processor: `backends/mlx/linux/cargo.sh test` (or `build`, `clippy` …).
#
# `setup` alone makes what is missing under target/mlx and nothing else. It fetches MLX's Linux library with pip, compiles
# the C interface that mlx-sys carries, makes its Rust bindings, and writes a Cargo configuration that puts all this in the
# place of mlx-sys's own build, which knows Apple's systems only. Needs python3 with pip, a C++20 compiler (GCC 11 or later)
# and, the first time, five minutes. Ends with 3 if the packages cannot be had.
#
# Every other word is a Cargo command for the backend with the feature `linux-cpu`. It shares the target folder with what is
# built without: only the backend and what links it are made anew.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
made="$root/target/mlx"
feature=unmask-backend-mlx/linux-cpu
bindgen_version=0.72.1

say() { echo "mlx: $*" >&2; }

# Thin wrappers and a tool that runs once: neither is worth the time of an optimiser.
# Everything that the result depends on, so that a change makes it anew.
stamp() {
    { cat "$here"/{cargo.sh,requirements.txt,shim.h}; grep -A 2 -x 'name = "mlx-sys"' "$root/Cargo.lock"; } | sha256sum
}

fetch() {
    rm -rf "$made/wheels" "$made/python"
    if ! python3 -m pip download --quiet --no-deps --only-binary=:all: --require-hashes \
        --dest "$made/wheels" --requirement "$here/requirements.txt"; then
        say "pip could not fetch the packages of ${here#"$root"/}/requirements.txt; is there a network, and pip?"
        exit 3
    fi
    for wheel in "$made"/wheels/*.whl; do
        python3 -m zipfile --extract "$wheel" "$made/python"
    done
    rm -r "$made/wheels"
}

# The folder of mlx-sys's sources, as Cargo has fetched them.
sources() {
    cd "$root"
    cargo metadata --format-version 1 --features "$feature" | python3 -c '
import json, os, sys
for package in json.load(sys.stdin)["packages"]:
    if package["name"] == "mlx-sys":
        print(os.path.join(os.path.dirname(package["manifest_path"]), "src", "mlx-c"))'
}

compile() {
    local from=$1 flags=(-std=gnu++20 -O0 -fPIC -include "$here/shim.h" -I"$1" -isystem "$made/python/mlx/include")
    rm -rf "$made/objects" && mkdir -p "$made/objects" "$made/lib"
    find "$from/mlx/c" -name '*.cpp' -print0 | xargs -0 -P "$(nproc)" -I{} bash -c \
        'file=$1; out=$2; shift 2; "${CXX:-c++}" "$@" -c "$file" -o "$out/$(basename "$file").o"' \
        compile {} "$made/objects" "${flags[@]}"
    rm -f "$made/lib/libmlxc.a"
    ar rcs "$made/lib/libmlxc.a" "$made"/objects/*.o
    rm -r "$made/objects"
}

bind() {
    local from=$1
    if ! "$made/tools/bin/bindgen" --version 2>/dev/null | grep -qF "$bindgen_version"; then
        cargo install --quiet --locked --debug --root "$made/tools" bindgen-cli --version "$bindgen_version"
    fi
    mkdir -p "$made/bindings"
    (cd "$from" && printf '#include "%s"\n' "$here/shim.h" mlx/c/*.h) >"$made/bindings/all.h"
    LIBCLANG_PATH=$(dirname "$(find "$made/python" -name libclang.so)") "$made/tools/bin/bindgen" "$made/bindings/all.h" \
        --output "$made/bindings/bindings.rs" --rust-target 1.85 \
        --blocklist-function '(m|re)alloc' --blocklist-type 'float16_t' \
        --raw-line '#[repr(transparent)] #[derive(Debug, Default, Clone, Copy, PartialEq)] pub struct float16_t(pub u16);' \
        -- -I"$from" -isystem "$("${CXX:-c++}" -print-file-name=include)"
}

configure() {
    local host libraries="$made/python/mlx/lib"
    host=$(rustc -vV | sed -n 's/^host: //p')
    cat >"$made/config.toml" <<TOML
# Made by ${here#"$root"/}/cargo.sh.
[target.$host.mlx]
rustc-link-search = ["native=$made/lib", "native=$libraries"]
rustc-link-lib = ["static=mlxc", "dylib=mlx", "dylib=stdc++"]
rustc-env = { OUT_DIR = "$made/bindings" }
libraries = "$libraries"
TOML
}

setup() {
    local now from
    now=$(stamp)
    if [ -f "$made/stamp" ] && [ "$(cat "$made/stamp")" = "$now" ]; then
        return
    fi
    mkdir -p "$made"
    say "fetching MLX"
    fetch
    from=$(sources)
    say "compiling its C interface"
    compile "$from"
    say "making the Rust bindings"
    bind "$from"
    configure
    echo "$now" >"$made/stamp"
}

# Runs Cargo's command $1 with the feature, and the rest as it is.
run() {
    local command=$1
    shift
    cd "$root"
    # Behind the command, since clippy hands on only what is there.
    cargo "$command" --config "$made/config.toml" --release \
        --features "$feature" "$@"
}

setup
case ${1:-setup} in
setup) ;;
test)
    # Its own tests, then the suites of all backends, which load it as the program does.
    shift
    # The whole workspace where the program is needed: with `-p` alone Cargo would build all of it anew with fewer features.
    export UNMASK_CONFORMANCE_BACKEND=mlx UNMASK_GOLDEN_BACKEND=mlx UNMASK_REQUIRE_MLX=1
    run test -p unmask-backend-mlx "$@"
    run test --workspace --test conformance --test golden --test mlx "$@"
    ;;
*) run "$1" -p unmask-backend-mlx "${@:2}" ;;
esac
