#!/usr/bin/env bash
# The commands around a conversion, one after the other on the shipped example, as a user would call them.
set -u
qconvert=$1
example=$2/examples/digits
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0
fail() {
  echo "$1"
  failed=1
}
# expect CODE TEXT ARGUMENT...: the exit code, and a text on stdout or stderr.
expect() {
  local code=$1 text=$2
  shift 2
  "$qconvert" "$@" > out.txt 2>&1 < /dev/null
  local status=$?
  [ $status = "$code" ] || fail "qconvert $*: exit code $status, expected $code: $(head -n 3 out.txt)"
  [ -z "$text" ] || grep -qF -- "$text" out.txt || fail "qconvert $*: expected '$text', got: $(head -n 5 out.txt)"
}

expect 0 "settings of cpu_int8" init "$example/model.onnx" -o settings.yaml
grep -q '^# DIR holds samples of image float\[batch,1,16,16\]' settings.yaml || fail "init does not name the input"
grep -q '^#   - layer_type: Conv  # 7 of them' settings.yaml || fail "init does not list the operators"
expect 0 "scheme: auto" --config settings.yaml --print-config
expect 6 "is there already" init "$example/model.onnx" -o settings.yaml
expect 2 "is an input" init "$example/model.onnx" -o "$example/model.onnx"
expect 2 "is an input" init "$example/model.onnx" --config settings.yaml -o settings.yaml
expect 0 "settings of vitis_int8_cpu" init "$example/model.onnx" --config vitis_int8_cpu -o vitis.yaml
expect 0 "target_device: CPU" --config vitis.yaml --print-config

expect 0 "12 integer" "$example/model.onnx" --config settings.yaml --calib "$example/calib" -o settings.onnx
expect 0 "" "$example/model.onnx" --calib "$example/calib" -o plain.onnx -q
cmp -s plain.onnx settings.onnx || fail "the same settings with other comments give other bytes"
expect 0 "" "$example/model.onnx" --calib "$example/calib" -o same.onnx -q --set objective=balanced
cmp -s plain.onnx same.onnx || fail "a default that is written out gives other bytes"
expect 0 "" "$example/model.onnx" --calib "$example/calib" -o more.onnx -q --set objective=speed
cmp -s plain.onnx more.onnx && fail "the hash of the settings is not in the model"

# Settings written back: the same language, the same bytes.
expect 0 "" "$example/model.onnx" --config vitis.yaml --set weights.per_channel=true --calib "$example/calib" -o set.onnx --export-config exported.json
grep -q '"per_channel": true' exported.json || fail "--export-config leaves out --set"
expect 0 "" "$example/model.onnx" --config exported.json --calib "$example/calib" -o again.onnx -q
cmp -s set.onnx again.onnx || fail "exported settings give other bytes"
expect 0 "" --config exported.json --export-config exported.yaml
expect 0 "" "$example/model.onnx" --config exported.yaml --calib "$example/calib" -o again.onnx -q
cmp -s set.onnx again.onnx || fail "settings exported as YAML give other bytes"
expect 2 "is an input" --config exported.json --export-config exported.json
expect 2 "excludes --keep-float" --config exported.json --export-config x.json --keep-float a
expect 6 "no.json" --config no.json --export-config x.json
expect 6 "none" "$example/model.onnx" --config exported.json --calib none -o x.onnx --export-config x.json
[ -e x.json ] && fail "a failed run exported settings"
expect 0 "float" "$example/model.onnx" --calib "$example/calib" -o kept.onnx --keep-float '/features/features.0/*' --json kept.json
grep -q '"/features/features.0/' kept.json || fail "--keep-float kept nothing float"
expect 3 "no node" "$example/model.onnx" --calib "$example/calib" -o x.onnx --keep-float '/head/*'
expect 2 "--keep-float 're:(' is no regular expression: missing )" "$example/model.onnx" --calib "$example/calib" -o x.onnx --keep-float 're:('
[ -e x.onnx ] && fail "a failed run wrote a model"

# Each target is asked for with settings that fit it.
while read -r target products; do
  expect 0 "$products" inspect "$example/model.onnx" --target "$target"
done << 'TARGETS'
cpu uint8 x int8 -> uint8         7  18.2 M    51.5   117.8    54.3
gpu int8 x int8 -> float          7  18.2 M    51.5   117.8   217.1
dpu int8 x int8 -> int8           7  18.2 M    51.5   117.8    54.3
bpu uint8 x int8 -> uint8         7  18.2 M    51.5   117.8    54.3
qnn uint8 x int8 -> uint8         7  18.2 M    51.5   117.8    54.3
TARGETS
expect 3 "target DPU expects" inspect "$example/model.onnx" --target dpu --config cpu_int8

expect 2 "conversion needs none" quantize "$example/model.onnx"
expect 2 "did you mean 'evaluate'?" evaluat a.onnx b.onnx

expect 0 "of 64 positions, at least" evaluate "$example/model.onnx" plain.onnx --data "$example/calib" --min-agreement 90 --worst 2 --save-worst worst
[ "$(find worst -name '*.npy' | wc -l)" = 2 ] || fail "the two worst samples were not saved"
expect 0 "2 samples" compare "$example/model.onnx" plain.onnx --data worst --min-sqnr 10
yes 3 | head -n 64 > labels.txt
expect 0 "right in the float model only" evaluate "$example/model.onnx" plain.onnx --data "$example/calib" --labels labels.txt
echo 1 2 3 > labels.txt
expect 5 "3 labels for 64 samples" evaluate "$example/model.onnx" plain.onnx --data "$example/calib" --labels labels.txt
expect 2 "--max-drop needs --labels" evaluate "$example/model.onnx" plain.onnx --data "$example/calib" --max-drop 1
expect 8 "of the positions agree" evaluate "$example/model.onnx" "$2/tests/golden/bad-compare-budget/other.onnx" --data "$example/calib" --min-agreement 99 --json verdict.json
grep -q '"passed": false' verdict.json || fail "the verdict does not say that the budget was missed"

expect 0 "64 files written" run plain.onnx --calib "$example/calib" -o outputs
[ -f outputs/scores/00.npy ] || [ "$(find outputs/scores -name '*.npy' | wc -l)" = 64 ] || fail "run wrote $(find outputs | head)"
first=$(find "$example/calib" -name '*.npy' | sort | head -n 1)
expect 0 "1 file written" run "$example/model.onnx" --input "image=$first" -o single
[ -f single/scores.npy ] || fail "run wrote $(find single)"
expect 2 "did you mean 'image'?" run "$example/model.onnx" --input "imag=$first"
expect 2 "expected NAME=FILE" run "$example/model.onnx" --input "$first"
expect 0 "plain.onnx takes" bench "$example/model.onnx" plain.onnx --rounds 7 --threads 2
grep -q "2 threads" out.txt || fail "bench does not name the threads"

expect 0 "plain.onnx: equal" verify plain.onnx --model "$example/model.onnx"
expect 0 "every scale and byte" verify plain.onnx --model "$example/model.onnx" --calib "$example/calib" --workers 1
expect 8 "metadata qconvert.config_sha256" verify more.onnx --model "$example/model.onnx" --calib "$example/calib"
expect 7 "memory_limit allows 1" verify plain.onnx --model "$example/model.onnx" --calib "$example/calib" --memory-limit 1MB
expect 0 "settings.onnx: equal" verify settings.onnx --model "$example/model.onnx" --calib "$example/calib" --config settings.yaml
printf x >> plain_quant_info.json
expect 8 "quant_info" verify plain.onnx --model "$example/model.onnx" --json changed.json
grep -q '"equal": false' changed.json || fail "the verdict does not say that a byte changed"
"$qconvert" "$example/model.onnx" --calib "$example/calib" -o plain.onnx -q

expect 0 "the same parameters" diff plain.onnx plain.onnx
expect 0 "integer -> float, the settings say float" diff plain.onnx kept.onnx --worst 100
expect 0 "codes reach" diff plain.onnx --model "$example/model.onnx" --data "$example/calib"
expect 2 "expected B, or --model" diff plain.onnx

# A layer says what it says, and the preset under it stays.
echo "objective: size" > layer.yaml
"$qconvert" --also layer.yaml --print-config > printed.txt 2>&1
grep -q '^scheme: auto' printed.txt && grep -q '^objective: size  # layer.yaml:1' printed.txt || fail "--also: $(head -n 5 printed.txt)"

expect 0 "effort: high  # --effort high" --config settings.yaml --effort high --print-config

expect 0 "made of the same inputs before" "$example/model.onnx" --calib "$example/calib" -o plain.onnx --skip-done
expect 0 "12 integer" "$example/model.onnx" --calib "$example/calib" -o plain.onnx --skip-done --aim 30
expect 0 "judged" "$example/model.onnx" --calib "$example/calib" -o plain.onnx --skip-done --stop-after normalize
expect 0 "12 integer" "$example/model.onnx" --calib "$example/calib" -o plain.onnx --skip-done
expect 0 "judged" "$example/model.onnx" --calib "$example/calib" -o failed.onnx --min-sqnr 100 --guard-reports
expect 8 "nothing is written" "$example/model.onnx" --calib "$example/calib" -o failed.onnx --min-sqnr 100 --guard-reports --must-pass --skip-done
expect 0 "runs of both models in one" debug "$example/model.onnx" --calib "$example/calib" --scheme static --json why.json --report why.html
grep -q '"guilty":{"text":"keep ' why.json || fail "debug names no guilty nodes"
grep -q '"guilty"' why.html || fail "the page of debug has no guilty nodes"
expect 6 "none" debug "$example/model.onnx" --calib none
expect 3 "no node" debug "$example/model.onnx" --calib "$example/calib" --keep-float '/head/*'

# Settings to start from are written in either language, also where the model leaves something open.
expect 0 "to be edited" init "$example/model.onnx" --config horizon_featuremap -o started.yaml
grep -q "^# To be settled first: input_shape is missing" started.yaml || fail "init does not tell what is missing: $(head started.yaml)"
grep -q '^model_parameters:' started.yaml && ! grep -q layer_quantize_config started.yaml || fail "init mixes languages"
sed 1,2d started.yaml | grep -q "$2" && fail "init names a folder of this machine"

# What --auto writes repeats what it found, and limits hold.
expect 0 "chosen" "$example/model.onnx" --calib "$example/calib" -o auto.onnx --auto --json auto.json --report auto.html
tr -s '\n ' ' ' < out.txt | grep -qF 'wrote auto.onnx, auto_quant_info.json, auto.yaml, auto.html, auto.json' ||
  fail "the table does not name what was written: $(grep -A 2 wrote out.txt)"
grep -q '"tried"' auto.json && grep -q '"tried"' auto.html && grep -q '"frontier": true' auto.json || fail "the verdict of --auto lacks what was tried"
mkdir again
expect 0 "" "$example/model.onnx" --calib "$example/calib" -o again/auto.onnx --config auto.yaml -q
for file in auto.onnx auto_quant_info.json; do cmp $file again/$file || fail "the settings of --auto make another $file"; done
grep -q "$PWD\|$2" auto.yaml && fail "the settings of --auto name a folder: $(head -n 5 auto.yaml)"
expect 0 "best " "$example/model.onnx" --calib "$example/calib" -o small.onnx --auto --max-mb 0.2 --max-drop 5
expect 8 "meets the gate, --max-mb 0.01" "$example/model.onnx" --calib "$example/calib" -o never.onnx --auto --max-mb 0.01
[ -e never.onnx ] || [ -e never.yaml ] && fail "--auto wrote what nobody wanted"
expect 2 "--max-mb" "$example/model.onnx" --calib "$example/calib" -o never.onnx --max-mb 1
# Settings are written in the language that came in.
cp -r "$2/examples/camera" camera
# The file names the model: with an output it is converted, and its settings are written besides.
expect 0 "" --config camera/j6.yaml --export-config camera/own.yaml -q
[ -e camera/j6 ] && fail "--export-config alone converted"
expect 0 "" --config camera/j6.yaml --export-config camera/own.yaml -o camera/own.onnx -q
[ -e camera/own.onnx ] || fail "--export-config keeps a model of the config from being converted"
expect 0 "chosen" --config camera/j6.yaml -o camera/camera.onnx --auto
grep -q '^model_parameters:' camera/camera.yaml || fail "--auto writes other keys than it was given: $(cat camera/camera.yaml)"
grep -q tensor_quantize_config camera/camera.yaml && fail "--auto mixes languages"
# So are nodes that stay float, and the same bytes come of it.
printf 'weight_quantize_type: abs_max\nactivation_quantize_type: abs_max\n' > paddle.yaml
for config in vitis_int8_cpu quark_a8w8 paddle.yaml; do
  expect 0 "chosen" "$example/model.onnx" --calib "$example/calib" --config $config --auto --keep-float /classifier/Gemm -o kept.onnx
  grep -q 'layer_quantize_config\|exclude\|not_quant_pattern' kept.yaml || fail "$config: no node stays float: $(cat kept.yaml)"
  expect 0 "" "$example/model.onnx" --calib "$example/calib" --config kept.yaml -o again/kept.onnx -q
  cmp kept.onnx again/kept.onnx || fail "the settings of --auto on $config make another file"
done
expect 0 "chosen" "$example/model.onnx" --calib "$example/calib" --config quark_a8w8 --auto --min-sqnr 46 -o followed.onnx
grep -q -- "--keep-float '/" out.txt || fail "--auto follows no suggestion in Quark's language: $(cat out.txt)"
kept=$("$qconvert" inspect camera/model.onnx --json - | grep -o '"/[^"]*/Conv"' | head -n 1 | tr -d '"')
[ -z "$kept" ] || expect 0 "chosen" --config camera/j6.yaml -o camera/kept.onnx --auto --keep-float "$kept"
[ -z "$kept" ] || grep -q "run_on_cpu: \"$kept\"" camera/kept.yaml || fail "no node stays float: $(cat camera/kept.yaml)"
expect 2 "that of Horizon has no key for --keep-float /x/*" --config camera/j6.yaml -o camera/none.onnx --auto --keep-float '/x/*'

# Pages and colours.
expect 0 "" compare "$example/model.onnx" plain.onnx --data "$example/calib" --report compare.html
grep -q '"sqnr_behind_db"' compare.html || fail "the page of compare has no errors along the depth"
expect 2 "is an input" compare "$example/model.onnx" plain.onnx --data "$example/calib" --report plain.onnx
expect 0 "colours.json" "$example/model.onnx" --calib "$example/calib" -o coloured.onnx --node-data colours.json
python3 - colours.json <<'PY' || fail "colours.json is no node data"
import json, sys
data = json.load(open(sys.argv[1]))
values = [one["value"] for one in data["results"].values()]
assert "scores" in data["results"] and len(values) > 5 and all(0 < value <= 200 for value in values), data["results"]
assert [one["value"] for one in data["thresholds"]] == sorted(one["value"] for one in data["thresholds"])
PY
expect 2 "--float-only excludes --node-data" "$example/model.onnx" --float-only -o f.onnx --node-data colours.json

# Raw samples with the settings that say what is in them, as in a conversion.
expect 0 "64 samples" run plain.onnx --calib "$example/calib" --config settings.yaml
expect 0 "plain.onnx takes" bench "$example/model.onnx" plain.onnx --data "$example/calib" --config settings.yaml --rounds 7
expect 6 "neither a file nor a preset" run plain.onnx --calib "$example/calib" --config none

# What is typed wrong, and lines that fit.
expect 6 "did you mean 'plain.onnx'?" inspect plan.onnx
expect 6 "did you mean 'settings.yaml'?" "$example/model.onnx" --calib "$example/calib" --config setings.yaml
for command in "" $("$qconvert" help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
  # shellcheck disable=SC2086
  long=$("$qconvert" help $command | awk 'length($0) > 80')
  [ -z "$long" ] || fail "help $command: longer than 80 columns: $long"
done
"$qconvert" "$example/model.onnx" --calib "$example/calib" -o plain.onnx | tail -n +2 | awk 'length($0) > 80 {bad = 1; print} END {exit bad}' ||
  fail "the table of a conversion is wider than 80 columns"
"$qconvert" presets | awk 'length($0) > 80 {bad = 1; print} END {exit bad}' || fail "presets are wider than 80 columns"

exit $failed
