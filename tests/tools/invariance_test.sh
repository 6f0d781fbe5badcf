#!/usr/bin/env bash
# One model, whatever the order of samples, workers, batches, shards, interruptions and processes: for every method.
# invariance_test.sh QCONVERT ROOT [MODEL CALIB [OPTION...]]
set -eu
qconvert=$1
root=$2
model=$(realpath "${3:-$root/examples/digits/model.onnx}")
calib=$(realpath "${4:-$root/examples/digits/calib}")
common=(--scheme static --no-guard --effort fast -q --max-samples "${SAMPLES:-14}" "${@:5}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
fail() { echo "$*"; exit 1; }

# The same samples under names that sort the other way round: all of them, since --max-samples goes by names.
mkdir kept shuffled
n=0
for file in $(ls "$calib" | head -n "${SAMPLES:-14}"); do
  cp "$calib/$file" "kept/$file"
  cp "$calib/$file" "shuffled/$(printf '%05d' $((99999 - n)))_$file"
  n=$((n + 1))
done
calib=$work/kept

methods=(
  "maxmin"
  "percentile --set activation.percentage=99.9999"
  "percentile --set activation.symmetry=true --set activation.signed=true"
  "entropy"
  "mse"
  "auto"
  "diffs --set activation.scale_type=poweroftwo --set activation.symmetry=true --set activation.signed=true"
  "moving_average_abs_max"
  "range_abs_max --set activation.window_size=5"
  "maxmin --set activation.calib_statistic_method=mean"
  "percentile --set activation.calib_statistic_method=median --calib-batch 4"
  "mse --set activation.calib_statistic_method=max --calib-batch 3 --set compat=vitis --set activation.symmetry=true --set activation.signed=true --set input.symmetry=true --set input.signed=true --set input.method=entropy --set input.calib_statistic_method=mean"
)
mpi=()
if command -v mpirun > /dev/null && [ -e "$(dirname "$qconvert")/../lib/libqconvert_mpi.so" ]; then
  mpi=(mpirun --oversubscribe)
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
else
  echo "skipped: the part with mpirun, this build has no MPI component"
fi

# What the tool decides by itself, by comparing plans on some of the samples.
"$qconvert" "$model" --calib "$calib" -q "${@:5}" -o one.onnx
"$qconvert" "$model" --calib "$work/shuffled" -q "${@:5}" -o other.onnx --workers 3
cmp -s one.onnx other.onnx || fail "default: another order of samples changes the model"
for ranks in 1 2; do
  [ "${#mpi[@]}" -gt 0 ] || break
  "${mpi[@]}" -n $ranks "$qconvert" "$model" --calib "$calib" -q "${@:5}" -o other.onnx
  cmp -s one.onnx other.onnx || fail "default: mpirun -n $ranks changes the model"
done
echo "ok default  $(sha256sum one.onnx | cut -c1-16)"

for method in "${methods[@]}"; do
  read -ra settings <<< "--set activation.method=$method"
  settings+=(--set extensions=true)
  run() { "$qconvert" "$model" --calib "$calib" "${settings[@]}" "${common[@]}" "$@"; }
  table() { "$qconvert" calibrate "$model" --calib "$calib" "${settings[@]}" -q --max-samples "${SAMPLES:-14}" "$@"; }
  same() { cmp -s one.onnx "$1" || fail "$method: $2 changes the model"; rm -f "$1"; }
  run -o one.onnx --workers 1
  run -o other.onnx --workers 5
  same other.onnx "5 workers"
  case $method in
    *statistic* | *moving* | *range_abs*) ;;  # these go by batches or the order of samples
    *)
      run -o other.onnx --calib-batch 4
      same other.onnx "--calib-batch 4" ;;
  esac
  case $method in
    *statistic* | *moving* | *range_abs*) ;;
    *)
      "$qconvert" "$model" --calib "$work/shuffled" "${settings[@]}" "${common[@]}" -o other.onnx
      same other.onnx "another order of samples" ;;
  esac
  table -o whole.json
  run -o other.onnx --table whole.json
  same other.onnx "a table"
  for shards in 2 5; do
    for ((i = 0; i < shards; i++)); do table -o "s$i.json" --shard "$i/$shards"; done
    "$qconvert" merge s*.json -o other.json -q
    cmp -s whole.json other.json || fail "$method: $shards shards change the table"
    rm s*.json
  done
  for delay in 0.02 0.04 0.06 0.08; do
    timeout -s KILL $delay "$qconvert" calibrate "$model" --calib "$calib" "${settings[@]}" -q --checkpoint 0 --workers 1 \
      --max-samples "${SAMPLES:-14}" -o resumed.json 2> /dev/null || true
  done 2> /dev/null
  table -o resumed.json --checkpoint 0
  cmp -s whole.json resumed.json || fail "$method: interruptions change the table"
  rm -f resumed.json
  if [ "${#mpi[@]}" -gt 0 ]; then
    "${mpi[@]}" -n 3 "$qconvert" "$model" --calib "$calib" "${settings[@]}" "${common[@]}" -o other.onnx
    same other.onnx "mpirun -n 3"
  fi
  echo "ok $method  $(sha256sum one.onnx | cut -c1-16)"
done
