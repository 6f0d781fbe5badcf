#!/usr/bin/env bash
# A Horizon file is complete in itself; the command line wins over it; failures leave nothing behind.
set -eu
qconvert=$1
root=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/job/cal" "$work/elsewhere"
cp "$root/examples/digits/model.onnx" "$work/job/net.onnx"
cp "$root"/examples/digits/calib/* "$work/job/cal/"
fail() { echo "$*"; exit 1; }

write_config() {  # EXTRA LINES OF calibration_parameters
  cat > "$work/job/camera.yaml" << EOF
model_parameters:
  onnx_model: net.onnx
  march: nash-e
  working_dir: ./build/out
  output_model_file_prefix: digits
input_parameters:
  input_type_rt: featuremap
  input_type_train: featuremap
  input_shape: 1x1x16x16
calibration_parameters:
  cal_data_dir: ./cal
  calibration_type: max
  max_percentile: 0.9999
$1
EOF
}

cd "$work/elsewhere"
write_config ""
"$qconvert" --config ../job/camera.yaml 2> log > table || { cat log; fail "conversion failed"; }
grep -q "J6 rule" log || fail "the calibration domain is not told"
grep -q "target BPU" table || { cat table; fail "the plan does not name the target"; }
[ -f ../job/build/out/digits_quantized_model.onnx ] || fail "no output beside the file"
[ -f ../job/build/out/digits_quantized_model_quant_info.json ] || fail "no quant_info"
for stage in original_float optimized_float calibrated ptq quantized; do
  mkdir "run_$stage"
  "$qconvert" run "../job/build/out/digits_${stage}_model.onnx" --calib ../job/cal -o "run_$stage" -q > log2 2>&1 ||
    { cat log2; fail "stage $stage does not run"; }
  [ -n "$(ls "run_$stage")" ] || fail "stage $stage has no outputs"
done
rm -r run_* log2
grep -q "^The main quantized node information:" table || fail "no table of nodes"
grep -q "^The quantized model output:" table || fail "no table of outputs"
grep -q "  BPU  Conv  " table || { cat table; fail "no convolution on integers"; }
[ -z "$(ls | grep -v -e '^log$' -e '^table$')" ] || fail "wrote into the current folder"
"$qconvert" --config ../job/camera.yaml --report ../job/model.html -q 2> log || { cat log; fail "no page"; }
python3 -c 'import json, sys; assert json.load(open(sys.argv[1]))["layers"]' ../job/model.json || fail "no model.json beside model.html"
grep -qF "$(head -c 200 ../job/model.json)" ../job/model.html || fail "model.json and model.html do not say the same"
"$qconvert" --config ../job/camera.yaml --report ../job/model.html --json ../job/model.json -q 2> log && fail "two outputs of one name"
write_config "compiler_parameters:
  debug: false"
"$qconvert" --config ../job/camera.yaml --report ../job/model.html -q 2> log || { cat log; fail "no page without details"; }
python3 -c 'import json, sys; page = json.load(open(sys.argv[1])); assert page["outputs"] and not page["layers"] and not page["values"]' ../job/model.json ||
  fail "debug: false leaves the layers in the page"

# J5's log_level is what stderr tells, unless the command line says more.
write_config ""
sed -i 's/march: nash-e/march: bayes\n  log_level: warn/' ../job/camera.yaml
"$qconvert" --config ../job/camera.yaml > table 2> log || { cat log; fail "J5 failed"; }
grep -q "J5 rule" log && { cat log; fail "log_level warn tells infos"; }
"$qconvert" --config ../job/camera.yaml -v > table 2> log || { cat log; fail "J5 failed"; }
grep -q "J5 rule" log || { cat log; fail "-v does not win over log_level"; }
rm -r ../job/build
write_config ""
"$qconvert" --config ../job/camera.yaml -q 2> log || { cat log; fail "conversion failed"; }

grep -q '"int8"' ../job/build/out/digits_quantized_model_quant_info.json || fail "activations are not int8"
grep -rq "$work" ../job/build/out && fail "a path is in the output"

# The command line wins, and the bytes are the same from any folder.
mv ../job/net.onnx model.onnx
mv ../job/cal samples
"$qconvert" model.onnx --config ../job/camera.yaml --calib samples -o a.onnx -q
cmp a.onnx ../job/build/out/digits_quantized_model.onnx || fail "other bytes"
[ "$(ls -- *.onnx | wc -l)" = 2 ] || fail "stages beside an output that the command line names"

# Failures leave neither files nor folders.
rm -r ../job/build
"$qconvert" model.onnx --config ../job/camera.yaml -q 2> log && fail "no calibration data went unnoticed"
[ ! -e ../job/build ] || fail "a failed run left its folder behind"
write_config '  run_on_cpu: NoSuchNode'
status=0
"$qconvert" model.onnx --config ../job/camera.yaml --calib samples -q 2> log || status=$?
[ "$status" = 3 ] || fail "exit $status for a node that is not there"
grep -q "camera.yaml:14:15: no node of the model is named 'NoSuchNode'" log || { cat log; fail "another message"; }
status=0
"$qconvert" --config ../job/camera.yaml -q 2> log || status=$?
[ "$status" = 6 ] || { cat log; fail "exit $status for a model that is not there"; }

# A file with a model and no data: random data, as the vendor's tool, and it is told.
cp model.onnx ../job/net.onnx
sed -i '/cal_data_dir/d; /run_on_cpu/d; /calibration_type/d; /max_percentile/d' ../job/camera.yaml
"$qconvert" --config ../job/camera.yaml > table 2> log || { cat log; fail "no data"; }
grep -q "ranges are those of random data" log || { cat log; fail "random data are not told"; }
