#!/usr/bin/env bash
# Command lines that cannot be meant: exit code 2, one exact line on stderr, nothing on stdout, nothing written.
set -u
qconvert=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/here" && cd "$work/here" || exit 1
stdout=$work/stdout
unset "${!SLURM_@}"
commands=$("$qconvert" help | sed -n 's/^  \([a-z]*\) .*/\1/p')
decided=': the file says all that is decided'
several='several --config exclude --output, --report, --node-data, --json, --print-config, --export-config, --float-only and --first-picture'

# refuses 'MESSAGE' ARGUMENT...; prints what is wrong.
refuses() {
  local message=$1 name=qconvert found status
  shift
  if grep -qx -- "${1:-none}" <<< "$commands" && [ "$1" != convert ]; then name="qconvert $1"; fi
  case $message in
    *' H') message="${message% H}, see $name --help" ;;
    *' D') message="${message% D}$decided" ;;
    S) message=$several ;;
  esac
  found=$("$qconvert" "$@" 2>&1 > "$stdout" < /dev/null)
  status=$?
  [ "$status" = 2 ] || echo "qconvert $*: exit code $status, expected 2"
  [ "$found" = "qconvert: error: $message" ] || printf 'qconvert %s: found\n  %s\nexpected\n  qconvert: error: %s\n' "$*" "$found" "$message"
  [ ! -s "$stdout" ] || echo "qconvert $*: writes to stdout: $(head -n 1 "$stdout")"
}

# ARGUMENTS|MESSAGE; H: see the command's --help, D: a plan decides, S: several configs.
rows() {
  cat << 'ROWS'
m.onnx --scheme statik|--scheme: statik not in {auto,static,dynamic,weight-only} H
m.onnx --objective sped|--objective: sped not in {balanced,speed,size} H
m.onnx --processor avx512|--processor: avx512 not in {any,avx2,vnni,arm_dot,host} H
m.onnx --effort hihg|--effort: hihg not in {fast,normal,high} H
m.onnx --workers 0|--workers: Value 0 not in range 1 to 1024 H
m.onnx --workers 1025|--workers: Value 1025 not in range 1 to 1024 H
m.onnx --workers two|--workers: Value two not in range 1 to 1024 H
m.onnx --max-samples 0|--max-samples: Value 0 not in range 1 to 1000000000 H
m.onnx --max-samples -1|--max-samples: Value -1 not in range 1 to 1000000000 H
m.onnx --calib-batch 0|--calib-batch: Value 0 not in range 1 to 1000000000 H
m.onnx --time-limit 0|--time-limit: Value 0 not in range 1 to 31622400 H
m.onnx --time-limit 31622401|--time-limit: Value 31622401 not in range 1 to 31622400 H
m.onnx --memory-limit 0|--memory-limit: Value 0 not in range 1 to 8EiB H
m.onnx --memory-limit -5|--memory-limit: Value -5 not in range 1 to 8EiB H
m.onnx --memory-limit 9EiB|--memory-limit: Value 9EiB not in range 1 to 8EiB H
m.onnx --memory-limit 8EiB|--memory-limit: Value 8EiB not in range 1 to 8EiB H
m.onnx --min-sqnr 201|--min-sqnr: Value 201 not in range -10.000000 to 200.000000 H
m.onnx --min-sqnr nan|--min-sqnr: Value nan not in range -10 to 200 H
m.onnx --min-cosine 1.5|--min-cosine: Value 1.5 not in range 0.000000 to 1.000000 H
m.onnx --min-cosine nan|--min-cosine: Value nan not in range 0 to 1 H
m.onnx --max-flips 101|--max-flips: Value 101 not in range 0.000000 to 100.000000 H
m.onnx --aim -1|--aim: Value -1 not in range 0.000000 to 200.000000 H
m.onnx --max-drop 1|--max-drop requires --auto H
m.onnx --max-ms 1|--max-ms requires --auto H
m.onnx --max-mb 1|--max-mb requires --auto H
m.onnx --auto --max-ms 0|--max-ms: Value 0 not in range 0.000001 to 1000000000.000000 H
m.onnx --auto --max-mb -1|--max-mb: Value -1 not in range 0.000001 to 1000000000.000000 H
m.onnx --auto --max-drop 200|--max-drop: Value 200 not in range 0.000000 to 100.000000 H
m.onnx --auto --float-only|--float-only excludes --auto H
m.onnx --auto --quant-info a.json|--quant-info excludes --auto H
m.onnx --auto --print-config|--print-config excludes --auto H
m.onnx --auto --skip-done|--skip-done excludes --auto H
m.onnx --auto --external-data|--external-data excludes --auto H
m.onnx -v -q|--verbose excludes --quiet H
m.onnx -o -|--output is '-', expected a file: it cannot go to stdout
m.onnx --report -|--report is '-', expected a file: it cannot go to stdout
m.onnx --node-data -|--node-data is '-', expected a file: it cannot go to stdout
m.onnx --state =out|--state is '=out', expected INPUT or INPUT=OUTPUT
m.onnx --state a=|--state is 'a=', expected INPUT or INPUT=OUTPUT
m.onnx --state a --state a=b|--state: 'a' is given twice
m.onnx --no-guard --must-pass|--no-guard excludes --must-pass H
m.onnx --no-guard --guard-reports|--no-guard excludes --guard-reports H
m.onnx --quant-info a.json --config cpu_int8|--quant-info excludes --config D
m.onnx --quant-info a.json --also b.yaml|--quant-info excludes --also D
m.onnx --quant-info a.json --set a=b|--quant-info excludes --set D
m.onnx --quant-info a.json --table t.json|--quant-info excludes --table D
m.onnx --quant-info a.json --scheme static|--quant-info excludes --scheme D
m.onnx --quant-info a.json --objective size|--quant-info excludes --objective D
m.onnx --quant-info a.json --processor vnni|--quant-info excludes --processor D
m.onnx --quant-info a.json --effort high|--quant-info excludes --effort D
m.onnx --quant-info a.json --cost-table c.json|--quant-info excludes --cost-table D
m.onnx --quant-info a.json --aim 30|--quant-info excludes --aim D
m.onnx --quant-info a.json --calib-batch 4|--quant-info excludes --calib-batch D
m.onnx --quant-info a.json --float-only|--quant-info excludes --float-only D
m.onnx --quant-info a.json --print-config|--quant-info excludes --print-config D
m.onnx --quant-info a.json --export-config c.yaml|--quant-info excludes --export-config D
m.onnx --quant-info a.json --stop-after fold|--quant-info excludes --stop-after D
m.onnx --quant-info a.json --keep-float a|--quant-info excludes --keep-float D
--config cpu_int8 --export-config c.yaml --keep-float a|--export-config excludes --keep-float: say it in a file of --also
--config cpu_int8 --export-config c.yaml --float-only|--export-config excludes --float-only: no settings hold
m.onnx --strip --table t.json|--strip excludes --table: it is of the model as it stands in its file
m.onnx --auto --config a.yaml --config b.yaml|--auto takes one --config, several were given
m.onnx --config a.yaml --config b.yaml -o x.onnx|S
m.onnx --config a.yaml --config b.yaml --report x.html|S
m.onnx --config a.yaml --config b.yaml --node-data x.json|S
m.onnx --config a.yaml --config b.yaml --json x.json|S
m.onnx --config a.yaml --config b.yaml --print-config|S
m.onnx --config a.yaml --config b.yaml --float-only|S
m.onnx --config a.yaml --config b.yaml --first-picture x.png|S
m.onnx --float-only --report x.html|--float-only excludes --report: nothing is quantized
m.onnx --float-only --node-data x.json|--float-only excludes --node-data: nothing is quantized
m.onnx --float-only --first-picture x.png|--float-only excludes --first-picture: no sample is read
m.onnx --against o.onnx|--against needs --report, the page that tells it
m.onnx n.onnx|unexpected argument 'n.onnx' H
--calib c|no model given H
--config cpu_int8 --float-only|no model given H
m.onnx --claib c|unexpected argument '--claib', did you mean '--calib'? H
m.onnx --Workers 2|unexpected argument '--Workers', did you mean '--workers'? H
m.onnx --calib|--calib: 1 required DIR missing H
calibrate|MODEL is required H
calibrate m.onnx|--output is required H
calibrate m.onnx -o t.json --shard 4|--shard is '4', expected I/N, for example 0/4
calibrate m.onnx -o t.json --shard 4/x|--shard is '4/x', expected I/N, for example 0/4
calibrate m.onnx -o t.json --shard x/4|--shard is 'x/4', expected I/N, for example 0/4
calibrate m.onnx -o t.json --shard -1/4|--shard is '-1/4', expected I/N, for example 0/4
calibrate m.onnx -o t.json --shard 4/4|--shard: shard 4 of 4, expected one of 0 to N - 1
calibrate m.onnx -o t.json --shard 0/0|--shard: shard 0 of 0, expected one of 0 to N - 1
calibrate m.onnx -o t.json --shard slurm|--shard slurm: SLURM_ARRAY_TASK_ID is not set, expected a number
calibrate m.onnx -o t.json --shard 0/1000001|--shard: 1000001 shards, expected at most 1000000
calibrate m.onnx -o t.json --checkpoint -1|--checkpoint: Value -1 not in range 0.000000 to 1000000.000000 H
calibrate m.onnx -o t.json --checkpoint nan|--checkpoint: Value nan not in range 0 to 1000000 H
calibrate m.onnx -o -|--output is '-', expected a file: it cannot go to stdout
merge|TABLE is required H
merge a.json|--output is required H
merge a.json -o -|--output is '-', expected a file: it cannot go to stdout
compare|A is required H
compare a.onnx|B is required H
compare a.onnx b.onnx --data d --worst -1|--worst: Value -1 not in range 0 to 1000000000 H
compare a.onnx b.onnx --data d --min-sqnr x|--min-sqnr: Value x not in range -10.000000 to 200.000000 H
compare a.onnx b.onnx c.onnx --data d|unexpected argument 'c.onnx' H
compare a.onnx b.onnx --calib d|unexpected argument '--calib' H
evaluate a.onnx|QUANT is required H
evaluate a.onnx b.onnx --data d --task segmentation|--task: segmentation not in {classification,top1,topk,regression,detection} H
evaluate a.onnx b.onnx --data d --boxes b|--boxes requires --scores H
evaluate a.onnx b.onnx --data d --scores s|--scores requires --boxes H
evaluate a.onnx b.onnx --data d --topk 0|--topk: Value 0 not in range 1 to 1000000000 H
evaluate a.onnx b.onnx --data d --worst 1001|--worst: Value 1001 not in range 0 to 1000 H
evaluate a.onnx b.onnx --data d --min-score 2|--min-score: Value 2 not in range 0.000000 to 1.000000 H
evaluate a.onnx b.onnx --data d --max-drop 1|--max-drop needs --labels H
evaluate a.onnx b.onnx --data d --min-agreement -1|--min-agreement: Value -1 not in range 0.000000 to 100.000000 H
run|MODEL is required H
run m.onnx --input x|--input is 'x', expected NAME=FILE
run m.onnx --input =f|--input is '=f', expected NAME=FILE
run m.onnx --input x=|--input is 'x=', expected NAME=FILE
run m.onnx --input x=a.npy --input x=b.npy|--input: 'x' is given twice
run m.onnx --input x=a.npy --calib d|--input excludes --calib H
debug|no model given H
debug m.onnx --samples 0|--samples: Value 0 not in range 1 to 64 H
debug m.onnx --samples 65|--samples: Value 65 not in range 1 to 64 H
debug m.onnx --budget 0|--budget: Value 0 not in range 1 to 100000 H
debug m.onnx --target 201|--target: Value 201 not in range -10.000000 to 200.000000 H
debug m.onnx --config a.yaml --config b.yaml|several --config given, expected one
diff|A is required H
diff a.onnx|nothing to hold against A: expected B, or --model with --data H
diff a.onnx b.onnx --model m.onnx|B excludes --model H
diff a.onnx --data d|--data requires --model H
diff a.onnx b.onnx --max-clipped 101|--max-clipped: Value 101 not in range 0.000000 to 100.000000 H
diff a.onnx b.onnx --max-moved -1|--max-moved: Value -1 not in range 0.000000 to 1000000.000000 H
bench|MODEL is required H
bench m.onnx --threads 0|--threads: Value 0 not in range 1 to 1024 H
bench m.onnx --rounds 0|--rounds: Value 0 not in range 1 to 10000 H
bench m.onnx --seconds 0|--seconds: Value 0 not in range 0.001000 to 86400.000000 H
bench m.onnx --seconds nan|--seconds: Value nan not in range 0.001 to 86400 H
bench m.onnx --top -1|--top: Value -1 not in range 0 to 1000 H
inspect|MODEL is required H
lint|MODEL is required H
verify o.onnx|--model is required H
init|MODEL is required H
init a.onnx b.onnx|unexpected argument 'b.onnx' H
batch|LIST is required H
batch l.yaml --jobs 0|--jobs: Value 0 not in range 1 to 1024 H
batch l.yaml --time-limit 0|--time-limit: Value 0 not in range 1 to 1000000000 H
batch l.yaml --memory-limit 0|--memory-limit: Value 0 not in range 1 to 8EiB H
batch l.yaml --shard 3|--shard is '3', expected I/N, for example 0/4
costs|--output is required H
costs -o c.json --network-ms -1|--network-ms: Value -1 not in range 0.000000 to 60000.000000 H
costs -o c.json --network-ms 60001|--network-ms: Value 60001 not in range 0.000000 to 60000.000000 H
help convrt|no command 'convrt', did you mean 'convert'?
ROWS
}

# Two at a time: what takes long is to start a process.
half() {
  local k=0
  stdout=$work/stdout$1
  while IFS='|' read -r arguments message; do
    k=$((k + 1))
    [ $((k % 2)) = "$1" ] || continue
    read -ra words <<< "$arguments"
    refuses "$message" ${words[@]+"${words[@]}"}
  done < <(rows)
}
half 0 > "$work/even" &
half 1 > "$work/odd"
wait
{
  cat "$work/even" "$work/odd"
  refuses '--calib is empty' m.onnx --calib ''
  refuses '--output is empty' m.onnx --output ''
  refuses '--config is empty' m.onnx --config ''
  refuses '--set is empty' m.onnx --set ''
  refuses 'no model given H'
  # The task of a job array: numbers in equal steps tell which one it is.
  export SLURM_ARRAY_TASK_ID=x
  refuses "--shard slurm: SLURM_ARRAY_TASK_ID is 'x', expected a number" calibrate m.onnx -o t.json --shard slurm
  export SLURM_ARRAY_TASK_ID=5 SLURM_ARRAY_TASK_MIN=1
  refuses '--shard slurm: SLURM_ARRAY_TASK_COUNT is not set, expected a number' calibrate m.onnx -o t.json --shard slurm
  export SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MAX=9
  refuses '--shard slurm: task 5 of an array of 3 from 1 to 9, expected numbers in equal steps, like --array=0-2' calibrate m.onnx -o t.json --shard slurm
  export SLURM_ARRAY_TASK_STEP=4 SLURM_ARRAY_TASK_ID=6
  refuses '--shard slurm: task 6 of an array of 3 from 1 to 9, expected numbers in equal steps, like --array=0-2' calibrate m.onnx -o t.json --shard slurm
  left=$(find . -mindepth 1)
  [ -z "$left" ] || echo "left behind: $left"
} > "$work/found"
cat "$work/found"
[ ! -s "$work/found" ]
