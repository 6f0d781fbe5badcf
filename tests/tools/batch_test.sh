#!/usr/bin/env bash
# A batch in which one model kills the engine, one does not end, one eats memory and one is none: the others are
# converted, every failure is a row with its exit code, and nothing is left behind.
set -u
qconvert=$1
root=$2
example=$root/examples/digits
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0
fail() {
  echo "$1"
  failed=1
}
mkdir out rows
python3 - << 'PY'
import struct
header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 4), }".ljust(117) + "\n"
open("rows/0.npy", "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + bytes(16))
PY
cat > jobs.yaml << YAML
defaults: {calib: rows}
jobs:
  - {model: $root/tests/tools/batch/hang.onnx, output: out/hang.onnx, args: [--time-limit, 8]}
  - {model: $example/model.onnx, name: first, calib: $example/calib, output: out/first.onnx}
  - {model: $root/tests/golden/bad-engine-killed/model.onnx, name: crash, output: out/crash.onnx, args: [--scheme, weight-only]}
  - {model: $root/tests/tools/batch/eater.onnx, output: out/eater.onnx, args: [--scheme, weight-only]}
  - {model: missing.onnx, output: out/missing.onnx}
  - {model: $example/model.onnx, name: last, output: out/last.onnx, calib: $example/calib, args: [--scheme, weight-only]}
YAML
# Paths of the list are relative to it; absolute ones stay.
"$qconvert" batch jobs.yaml --jobs 2 --memory-limit 1GiB --json all.json --junit all.xml > table.txt 2> errors.txt < /dev/null
status=$?
[ $status = 7 ] || fail "exit code $status, expected 7, the greatest: $(cat table.txt errors.txt)"
for model in first last; do [ -f out/$model.onnx ] || fail "$model was not converted: $(cat table.txt)"; done
[ "$(find out -name '*.onnx' | wc -l)" = 2 ] || fail "a failed job wrote a model"
python3 - << 'PY' || failed=1
import json, sys, xml.etree.ElementTree as tree
rows = {job["name"]: job for job in json.load(open("all.json"))["jobs"]}
wrong = [(name, rows[name]["exit"], code) for name, code in
         dict(hang=7, first=0, crash=4, eater=7, missing=6, last=0).items() if rows[name]["exit"] != code]
for name, found, code in wrong:
    print(name, "has exit code", found, "expected", code, rows[name]["errors"])
suite = tree.parse("all.xml").getroot()
failures = [case.get("name") for case in suite if case.find("failure") is not None]
if failures != ["hang", "crash", "eater", "missing"] or suite.get("failures") != "4":
    wrong.append(failures)
    print("JUnit tells of", failures)
if rows["first"]["verdict"]["scheme"]["name"] != "static":
    wrong.append("verdict")
sys.exit(1 if wrong else 0)
PY
tail -n 1 table.txt | grep -qx "  wrote    all.xml, all.json" || fail "the table does not name what was written: $(cat table.txt)"
grep -q "2 of 6 done" table.txt || fail "the table says: $(cat table.txt)"
# Two jobs that write one file are named.
printf '%s\n' "jobs:" "  - {model: $example/model.onnx, name: one, output: out/same.onnx, args: [--scheme, weight-only]}" \
  "  - {model: $example/model.onnx, name: two, output: out/./same.onnx, args: [--scheme, weight-only]}" > same.yaml
"$qconvert" batch same.yaml < /dev/null > /dev/null 2> same.txt
[ $? = 2 ] && grep -q "jobs 'one' and 'two' would both write it, expected an output of its own for each" same.txt ||
  fail "two jobs with one output: $(cat same.txt)"
cp all.json before.json
"$qconvert" batch jobs.yaml --jobs 1 --memory-limit 1GiB --json all.json -q < /dev/null 2> /dev/null
grep -v '"errors"' all.json | grep -o '"exit": [0-9]*' > one.txt
grep -v '"errors"' before.json | grep -o '"exit": [0-9]*' > two.txt
cmp -s one.txt two.txt || fail "one job at a time ends otherwise than two"
# One limit for all jobs.
echo "jobs: [{model: $root/tests/tools/batch/hang.onnx, calib: rows, output: out/hang.onnx}]" > hang.yaml
"$qconvert" batch hang.yaml --time-limit 2 < /dev/null > hang.txt 2>&1
[ $? = 7 ] && grep -q "not done after 2 s" hang.txt || fail "a limit for all jobs: $(cat hang.txt)"
# What is done is not done again, what failed is; shards are counted from 0 and share the list out.
stamp=$(stat -c %Y.%i out/first.onnx out/last.onnx)
"$qconvert" batch jobs.yaml --jobs 2 --memory-limit 1GiB --resume --json again.json < /dev/null > again.txt 2> /dev/null
[ $? = 7 ] || fail "a resumed batch ends otherwise: $(cat again.txt)"
[ "$(grep -c 'made of the same inputs before' again.txt)" = 2 ] || fail "resumed: $(cat again.txt)"
[ "$stamp" = "$(stat -c %Y.%i out/first.onnx out/last.onnx)" ] || fail "a resumed batch wrote what was there"
printf ' ' >> out/first_quant_info.json
"$qconvert" batch jobs.yaml --shard 1/5 --resume --json - < /dev/null > shard.json 2> /dev/null
[ $? = 0 ] || fail "shard 1 of 5: $(cat shard.json)"
grep -q '"name": "first"' shard.json && [ "$(grep -c '"model"' shard.json)" = 1 ] || fail "shard 1 of 5 holds: $(cat shard.json)"
grep -q '"skipped"' shard.json && fail "a file that does not belong to its model counts as done"
"$qconvert" batch jobs.yaml --shard 5/5 > out.txt 2>&1
[ $? = 2 ] || fail "shard 5 of 5: $(cat out.txt)"
SLURM_ARRAY_TASK_ID=14 SLURM_ARRAY_TASK_MIN=10 SLURM_ARRAY_TASK_COUNT=6 "$qconvert" batch jobs.yaml --shard slurm < /dev/null > out.txt 2> /dev/null
[ $? = 6 ] || fail "task 4 of 6 is the missing model: $(cat out.txt)"
"$qconvert" batch "$work/rows" > out.txt 2>&1
[ $? = 6 ] || fail "a folder without models: $(cat out.txt)"
# The ranks of one mpirun share the list: the rows, verdicts and exit code of one process, told once.
if command -v mpirun > /dev/null && [ -e "$(dirname "$qconvert")/../lib/libqconvert_mpi.so" ]; then
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  ranks() { mpirun --oversubscribe -n "$1" "$qconvert" batch "${@:2}" < /dev/null; }
  rm out/*
  ranks 3 jobs.yaml --memory-limit 1GiB --json ranks.json --junit ranks.xml > ranks.txt 2> errors.txt
  [ $? = 7 ] || fail "three ranks end otherwise: $(cat ranks.txt errors.txt)"
  cmp before.json ranks.json && cmp all.xml ranks.xml || fail "three ranks tell otherwise"
  diff <(grep -v '^  wrote' table.txt) <(grep -v '^  wrote' ranks.txt) || fail "three ranks print otherwise"
  [ "$(find out -name '*.onnx' | wc -l)" = 2 ] || fail "three ranks made other models"
  ranks 2 jobs.yaml --shard 1/5 --resume --json shard.json > again.txt 2> errors.txt || fail "a shard of one job on two ranks: $(cat again.txt errors.txt)"
  [ "$(grep -c '"skipped"' shard.json)" = 1 ] || fail "two ranks do again what is done: $(cat shard.json)"
  ranks 2 nowhere.yaml > out.txt 2> errors.txt
  [ $? = 6 ] && [ "$(grep -c 'nowhere.yaml' errors.txt)" = 1 ] || fail "a missing list on two ranks: $(cat errors.txt)"
else
  echo "left out: the part with mpirun, this build has no MPI component"
fi
exit $failed
