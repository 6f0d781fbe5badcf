#!/usr/bin/env bash
# The same bytes for any worker count, order of files, locale, user path and environment.
set -u
qconvert=$1
root=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/a/model" "$work/ünï code/m"
cp "$root/examples/digits/model.onnx" "$work/a/model/m.onnx"
cp "$root/examples/digits/model.onnx" "$work/ünï code/m/m.onnx"
mkdir "$work/calib1" "$work/calib2"
for file in $(ls "$root/examples/digits/calib"); do cp "$root/examples/digits/calib/$file" "$work/calib1/"; done
for file in $(ls -r "$root/examples/digits/calib"); do cp "$root/examples/digits/calib/$file" "$work/calib2/"; done
run() { "$@" > /dev/null || { echo "failed: $*"; exit 1; }; }
run "$qconvert" -q "$work/a/model/m.onnx" --calib "$work/calib1" -o "$work/1.onnx" --workers 1
run env LC_ALL=de_DE.UTF-8 "$qconvert" -q "$work/ünï code/m/m.onnx" --calib "$work/calib2" -o "$work/2.onnx" --workers 3
(cd "$work" && run env -i "$qconvert" -q a/model/m.onnx --calib calib1 -o 3.onnx --json verdict.json)
(cd "$work" && run env TZ=Asia/Tokyo SOURCE_DATE_EPOCH=0 TMPDIR=/none "$qconvert" -q a/model/m.onnx --calib calib2 -o 4.onnx)
for n in 2 3 4; do
  cmp "$work/1.onnx" "$work/$n.onnx" || exit 1
  cmp "$work/1_quant_info.json" "$work/${n}_quant_info.json" || exit 1
done
