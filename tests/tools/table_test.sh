#!/usr/bin/env bash
# Calibration tables: the same bytes for workers and shards, and what is made from them.
set -eu
qconvert=$1
root=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
model=$root/examples/digits/model.onnx
calib=$root/examples/digits/calib
fail() { echo "$*"; exit 1; }
expect() {  # EXIT MESSAGE ARGUMENTS...
  local status=0
  "$qconvert" "${@:3}" > out 2> log || status=$?
  [ "$status" = "$1" ] || { cat log; fail "exit $status, expected $1: ${*:3}"; }
  grep -qF -- "$2" log || { cat log; fail "expected: $2"; }
}

"$qconvert" calibrate "$model" --calib "$calib" -o whole.json -q --workers 1
for workers in 2 4; do
  "$qconvert" calibrate "$model" --calib "$calib" -o other.json -q --workers $workers
  cmp whole.json other.json || fail "$workers workers change the table"
done
for shards in 2 5; do
  for ((i = shards - 1; i >= 0; i--)); do
    "$qconvert" calibrate "$model" --calib "$calib" -o "s$i.json" -q --shard "$i/$shards"
  done
  "$qconvert" merge $(ls s*.json | sort -r) -o merged.json > /dev/null
  cmp whole.json merged.json || fail "$shards shards change the table"
  rm s*.json
done
SLURM_ARRAY_TASK_ID=8 SLURM_ARRAY_TASK_MIN=7 SLURM_ARRAY_TASK_COUNT=3 \
  "$qconvert" calibrate "$model" --calib "$calib" -o slurm.json -q --shard slurm
"$qconvert" calibrate "$model" --calib "$calib" -o plain.json -q --shard 1/3
cmp slurm.json plain.json || fail "a job array's task is another shard"
# --array=7-11:2 has the tasks 7, 9 and 11; of a list like 7,8,11 nobody says which one is the second.
export SLURM_ARRAY_TASK_MIN=7 SLURM_ARRAY_TASK_MAX=11 SLURM_ARRAY_TASK_COUNT=3
SLURM_ARRAY_TASK_ID=9 SLURM_ARRAY_TASK_STEP=2 "$qconvert" calibrate "$model" --calib "$calib" -o slurm.json -q --shard slurm
cmp slurm.json plain.json || fail "a task of a job array with a step is another shard"
SLURM_ARRAY_TASK_ID=8 SLURM_ARRAY_TASK_STEP=1 \
  expect 2 "expected numbers in equal steps" calibrate "$model" --calib "$calib" -o odd.json -q --shard slurm
unset SLURM_ARRAY_TASK_MIN SLURM_ARRAY_TASK_MAX SLURM_ARRAY_TASK_COUNT
grep -q "$work" whole.json && fail "a path is in the table"

# A shard without samples, and a checkpoint in the way of a merge.
"$qconvert" calibrate "$model" --calib "$calib" -o none.json -q --max-samples 2 --shard 2/3
for i in 0 1; do "$qconvert" calibrate "$model" --calib "$calib" -o "n$i.json" -q --max-samples 2 --shard $i/3; done
"$qconvert" merge none.json n0.json n1.json -o two.json > /dev/null
"$qconvert" calibrate "$model" --calib "$calib" -o both.json -q --max-samples 2
cmp two.json both.json || fail "an empty shard changes the table"

# Killed at any time and started again: the same bytes.
kills=0
exec 3>&2 2> /dev/null  # the shell tells every kill
for delay in 0.0{3,4,5,6,7,8,9} 0.{10,11,12,13,14,15,16,17,18,20,22,25,30}; do  # 20 points
  timeout -s KILL "$delay" "$qconvert" calibrate "$model" --calib "$calib" -o resumed.json -q --workers 1 \
    --checkpoint 0 > /dev/null 2>&1 || kills=$((kills + 1))
done
exec 2>&3
"$qconvert" calibrate "$model" --calib "$calib" -o resumed.json --checkpoint 0 > out 2> log
cmp whole.json resumed.json || fail "a resumed run gives another table ($kills kills)"
[ ! -e resumed.json.checkpoint ] || fail "the checkpoint is still there"
echo damaged > resumed.json.checkpoint
"$qconvert" calibrate "$model" --calib "$calib" -o resumed.json > out 2> log
grep -q "starts anew" log || fail "a damaged checkpoint is not told"
cmp whole.json resumed.json || fail "a damaged checkpoint changes the table"

# Without samples, and the same with them but for what is measured on them.
"$qconvert" "$model" --table whole.json --scheme static --no-guard --effort fast -o a.onnx -q
"$qconvert" "$model" --table whole.json --calib "$calib" --scheme static --no-guard --effort fast -o b.onnx -q
cmp a.onnx b.onnx || fail "samples beside a table change the model"
"$qconvert" "$model" --table merged.json --scheme static --no-guard --effort fast --set activation.method=entropy -o c.onnx -q
cmp -s a.onnx c.onnx && fail "another method makes the same model"

# Several configs, one pass: the models are those of the table.
cp "$model" net.onnx
"$qconvert" net.onnx --calib "$calib" --config x86_fbgemm --config vitis_int8_cpu --set scheme=static --no-guard --effort fast -q
"$qconvert" net.onnx --table whole.json --config vitis_int8_cpu --set scheme=static --no-guard --effort fast -o d.onnx -q
cmp d.onnx net_vitis_int8_cpu_quantized.onnx || fail "several configs give another model"
[ -f net_x86_fbgemm_quant_info.json ] || fail "no quant_info of the first config"
expect 2 "have the same name" net.onnx --calib "$calib" --config x86_fbgemm --config x86_fbgemm
expect 2 "several --config exclude" net.onnx --calib "$calib" --config x86_fbgemm --config cpu_int8 -o x.onnx

# Ranges of batches come into the table for those who ask for them. Biases are corrected by samples, which a table has not.
by_batches=(--set activation.calib_statistic_method=mean --set extensions=true --set activation.method=mse --set include_bias_corr=false)
"$qconvert" calibrate "$model" --calib "$calib" -o batches.json -q "${by_batches[@]}" --calib-batch 5
"$qconvert" "$model" --table batches.json --scheme static --no-guard --effort fast -o e.onnx -q "${by_batches[@]}" --calib-batch 5
"$qconvert" "$model" --calib "$calib" --scheme static --no-guard --effort fast -o f.onnx -q "${by_batches[@]}" --calib-batch 5
cmp e.onnx f.onnx || fail "a table with ranges of batches gives another model"
expect 5 "has ranges of batches of 5 samples, the settings say 1" "$model" --table batches.json -o x.onnx "${by_batches[@]}"
{ echo 'calibration: {max_samples: 3}'; cat "$root/configs/cpu_int8.yaml"; } > few.yaml
expect 3 "same calibration section" "$model" --calib "$calib" --config x86_fbgemm --config few.yaml

# Under mpirun one error is told once, and its exit code is that of the whole.
if command -v mpirun > /dev/null && [ -e "$(dirname "$qconvert")/../lib/libqconvert_mpi.so" ]; then
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  status=0
  mpirun --oversubscribe -n 3 "$qconvert" calibrate "$model" --calib nowhere -o x.json > out 2> log || status=$?
  [ "$status" = 6 ] && [ "$(grep -c "nowhere: no such" log)" = 1 ] || { cat log; fail "an error under mpirun: exit $status"; }
  mpirun --oversubscribe -n 3 "$qconvert" calibrate "$model" --calib "$calib" -o ranks.json --checkpoint 0 > out 2> log
  cmp whole.json ranks.json || fail "mpirun changes the table"
  [ "$(grep -c samples out)" = 1 ] || fail "more than one rank speaks"
  ls ranks.json.* > /dev/null 2>&1 && fail "checkpoints of ranks are still there"
else
  echo "skipped: the part with mpirun, this build has no MPI component"
  status=0
  OMPI_COMM_WORLD_SIZE=2 "$qconvert" "$model" --calib "$calib" -o x.onnx 2> log || status=$?
  [ "$status" = 2 ] && grep -q "has no MPI component" log || fail "a missing MPI component is not told"
fi

expect 5 "is one of 3 shards, shard 0 is missing" merge plain.json -o x.json
expect 5 "is one of 3 shards, expected all of them merged" "$model" --table plain.json -o x.onnx
expect 5 "is no calibration table of qconvert" "$model" --table "$model" -o x.onnx
expect 2 "--shard: shard 3 of 3" calibrate "$model" --calib "$calib" -o x.json --shard 3/3
expect 2 "--shard is '1', expected I/N" calibrate "$model" --calib "$calib" -o x.json --shard 1
expect 2 "SLURM_ARRAY_TASK_ID is not set" calibrate "$model" --calib "$calib" -o x.json --shard slurm
expect 2 "no calibration data given" calibrate "$model" -o x.json
expect 5 "has no ranges of batches" "$model" --table whole.json -o x.onnx --scheme static --set activation.method=moving_average_abs_max
expect 7 "memory_limit allows 1" "$model" --calib "$calib" -o x.onnx --scheme static --memory-limit 1MB
expect 7 "memory_limit allows 1" calibrate "$model" --calib "$calib" -o x.json --memory-limit 1MB
"$qconvert" "$model" --float-only -o other.onnx -q
expect 5 "is of another model than other.onnx" other.onnx --table whole.json -o x.onnx
expect 2 "will not overwrite it" calibrate "$model" --calib "$calib" -o "$calib/$(ls "$calib" | head -1)"
[ ! -e x.json ] && [ ! -e x.onnx ] || fail "a failed run left a file"
