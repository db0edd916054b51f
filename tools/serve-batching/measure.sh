#!/usr/bin/env bash
# How much faster a server answers many requests at once than one after the other: rounds of both in turn, on one server.
# usage: measure.sh URL REQUESTS TOKENS ROUNDS
set -euo pipefail
url=$1 requests=$2 tokens=$3 rounds=$4

# The prompts are shorter than a cache block, so no round finds anything of an earlier one.
ask() { # AT_ONCE
  seq 1 "$requests" | xargs -P "$1" -I{} curl -sf -o /dev/null "$url/v1/completions" \
    -d '{"prompt":[1,{},17,23,42,99,7,{}],"max_tokens":'"$tokens"',"ignore_eos":true,"temperature":0}'
}

seconds() { # AT_ONCE
  local start
  start=$(date +%s%N)
  ask "$1"
  awk -v n=$(($(date +%s%N) - start)) 'BEGIN { printf "%.3f", n / 1e9 }'
}

ask "$requests"
for round in $(seq 1 "$rounds"); do
  alone=$(seconds 1)
  together=$(seconds "$requests")
  awk -v r="$round" -v a="$alone" -v t="$together" -v n=$((requests * tokens)) \
    'BEGIN { printf "round %d: one at a time %.1f tok/s, together %.1f tok/s, ratio %.2f\n", r, n / a, n / t, a / t }'
done
