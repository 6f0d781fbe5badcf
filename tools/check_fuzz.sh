#!/usr/bin/env bash
# Builds the fuzz targets and lets each run for SECONDS (60), as many at a time as there are cores. Target X_fuzz begins
# with the stored inputs tests/fuzz/corpus/X, or all of them, and tests/fuzz/X.dict. What makes it fail is printed and
# stays in build-fuzz/found.
root=$(cd "$(dirname "$0")/.." && pwd)
source "$root/tools/common.sh"
help_or_arguments "tools/check_fuzz.sh [SECONDS]" '[0-9]+' "$@"
cd "$root"
seconds=${1:-60}
found=build-fuzz/found

fuzz() {  # TARGET: runs on a copy of the corpus, into which libFuzzer writes
  local target=$1 name=${1%_fuzz} options=() seeds=tests/fuzz/corpus/${1%_fuzz}
  [ -d "$seeds" ] || seeds=tests/fuzz/corpus
  rm -rf "build-fuzz/corpus/$target"
  mkdir -p "build-fuzz/corpus/$target"
  find "$seeds" -type f -print0 | while read -rd '' file; do
    cp "$file" "build-fuzz/corpus/$target/$(sha1sum < "$file" | cut -c1-40)"
  done
  [ ! -e "tests/fuzz/$name.dict" ] || options+=(-dict="tests/fuzz/$name.dict")
  "build-fuzz/bin/$target" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=10 -print_final_stats=1 "${options[@]}" \
    -artifact_prefix="$found/$target." "build-fuzz/corpus/$target" > "build-fuzz/$target.log" 2>&1 ||
    { tail -n 40 "build-fuzz/$target.log"; return 1; }
  echo "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "build-fuzz/$target.log") inputs"
}

build fuzz build-fuzz fuzz_targets
mkdir -p "$found"
running=()
status=0
for target in build-fuzz/bin/*_fuzz; do
  fuzz "$(basename "$target")" &
  running+=($!)
  [ "${#running[@]}" -lt "$(nproc)" ] || { wait "${running[0]}" || status=1; running=("${running[@]:1}"); }
done
for job in "${running[@]}"; do wait "$job" || status=1; done
exit "$status"
