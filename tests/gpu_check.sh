#!/usr/bin/env bash
# What a person with a GPU runs, to paste what it prints into an issue (the form "It ran on a machine you do not have"):
#   tests/gpu_check.sh [webgpu] [cuda]              # both if none is named
# For each: the adapter, an answer of the demo model with its milliseconds a step in f32, int4 and, where there is, f16; the
# reference's logits and trajectories; the contract's promises. It fetches what the device needs and builds what is missing.
# Minutes, on a GPU in software up to an hour.
set -uo pipefail
cd "$(dirname "$0")/.."

failed=()
step() { # what it is, its command
    local what=$1 code=0
    shift
    echo "== $what"
    "$@" || code=$?
    [ "$code" -eq 0 ] || { failed+=("$what"); echo "FAILED ($code)"; }
    return "$code"
}

# An answer of the demo model in a precision that not every adapter has. The first tells of the machine too.
answer() { # its device, the precision
    local said code=0
    said=$(target/release/unmask doctor --report --backend onnx --device "$1" --precision "$2" 2>&1) || code=$?
    case $2/$said in
    f32/*) echo "$said" ;;
    *"has no precision"*)
        grep "has no precision" <<<"$said"
        return 0
        ;;
    *"test answer"*) sed -n '/^demo on /,$p' <<<"$said" ;;
    *) echo "$said" ;;
    esac
    return "$code"
}

# Without the marks of Markdown, as all stands between two; the user's name; progress.
for_others() {
    local home=${HOME:-}
    # A home of one letter or none is in every path.
    [ ${#home} -gt 2 ] || home=$PWD
    sed -u -e '/^```/d' -e '/^unmasking [0-9]* %$/d' -e "s|$PWD|.|g" -e "s|$home|~|g"
}

check() { # its flavour, its id
    # Without it there is nothing to test.
    step "$1: installing" target/release/unmask backends install --quiet onnx --gpu "$1" || return
    # What is beside each other is chosen by the newest: name the one that is meant.
    unset ORT_DYLIB_PATH
    if [ "$1" = cuda ]; then
        for library in "${XDG_DATA_HOME:-$HOME/.local/share}"/unmask/runtimes/onnx/*-cuda/libonnxruntime.so*; do
            export ORT_DYLIB_PATH=$library
        done
    fi
    # What gives no answer at all passes nothing else either.
    step "$1 f32: an answer" answer "$2" f32 || return
    for precision in int4 f16; do
        step "$1 $precision: an answer" answer "$2" "$precision"
    done
    export UNMASK_GOLDEN_BACKEND=onnx UNMASK_GOLDEN_DEVICE=$2 UNMASK_CONFORMANCE_BACKEND=onnx UNMASK_CONFORMANCE_DEVICE=$2
    step "$1: the reference's numbers" cargo test --quiet --release --workspace --test golden
    step "$1: the contract" cargo test --quiet --release --workspace --test conformance
}

report() { # the flavours
    local device
    git log -1 --format="== unmask at %h of %cs"
    for device in "$@"; do
        case $device in
        webgpu) check webgpu webgpu ;;
        cuda) check cuda cuda:0 ;;
        esac
    done
    echo "== failed"
    printf '%s\n' "${failed[@]:-nothing}"
    [ ${#failed[@]} -eq 0 ]
}

[ $# -gt 0 ] || set -- webgpu cuda
for device in "$@"; do
    case $device in
    webgpu | cuda) ;;
    *) echo "there is webgpu and cuda, not $device" >&2; exit 2 ;;
    esac
done
# As the tests want it: nothing is built twice.
cargo test --quiet --release --workspace --no-run || exit
echo '```text'
report "$@" 2>&1 | for_others
code=$?
echo '```'
exit "$code"
