#!/bin/bash
# A minute of the whole recipe: the objectives, samples, training from nothing, export, an answer; then fine-tuning.
#   PY=python UNMASK=path/to/unmask ./smoke.sh WORK
# Fails if the loss does not fall, or if what was exported does not load and answer.
set -euo pipefail
work=$(realpath -m "$1"); PY=${PY:-python3}; UNMASK=${UNMASK:?the program to try the weights with}
PY=$(realpath -s "$PY" 2>/dev/null || command -v "$PY"); UNMASK=$(realpath "$UNMASK")
cd "$(dirname "$0")"
rm -rf "$work"; mkdir -p "$work/out"
export OMP_NUM_THREADS=1
"$PY" test_objective.py
UNMASK=$UNMASK "$PY" test_score.py
cp ../tokenizer.json ../tokenizer_config.json "$work/out/"
"$PY" build.py ../tokenizer.json "$work/train.npz" 8000 2
for objective in low-variance sft pretrain; do
  # Half of the batches of pre-training are cut, so that the smoke sees some.
  "$PY" train.py --objective $objective --data "$work/train.npz" --out "$work/$objective" --minutes 0.25 --every 3 --ranks 2 --layers 2 --micro 1024 --compile 0 --cut 0.5 | tee "$work/$objective.log"
  # The first line against the last.
  grep -o 'loss [0-9.]*' "$work/$objective.log" | awk '{ if (NR == 1) first = $2; last = $2 } END { if (NR < 2 || last >= first) { print "the loss did not fall"; exit 1 } }'
done
"$PY" export.py "$work/low-variance/ckpt.pt" "$work/out" bf16
"$UNMASK" generate -q -m "$work/out" --len 16 --block 16 --steps 16 "Hello!" > "$work/answer.txt"
cat > "$work/mine.jsonl" <<'LINES'
{"messages": [{"role": "user", "content": "Which word is yours?"}, {"role": "assistant", "content": "My word is moon."}]}
{"messages": [{"role": "user", "content": "Which word is mine?"}, {"role": "assistant", "content": "Your word is sun. It was always the sun, and it will be the sun tomorrow."}]}
LINES
"$PY" sft.py .. "$work/mine.jsonl" "$work/mine" --steps 40 --batch 4 --lr 3e-4 --threads 2
"$UNMASK" generate -q -m "$work/mine" --len 32 --steps 32 "Which word is yours?" | tee "$work/mine.txt"
grep -q "My word is moon." "$work/mine.txt"
echo "the recipe runs"
