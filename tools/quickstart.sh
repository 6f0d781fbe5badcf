#!/usr/bin/env bash
# From a clean clone to a quantized model: sets up, builds build/bin/qconvert, converts the shipped example.
root=$(cd "$(dirname "$0")/.." && pwd)
source "$root/tools/common.sh"
help_or_arguments "tools/quickstart.sh" '' "$@"
cd "$root"

echo "quickstart: 1/3 setting up"
tools/setup.sh
echo "quickstart: 2/3 building build/bin/qconvert"
build default build qconvert
echo "quickstart: 3/3 converting examples/digits/model.onnx"
mkdir -p build/quickstart
build/bin/qconvert examples/digits/model.onnx --config configs/cpu_int8.yaml --calib examples/digits/calib \
  -o build/quickstart/digits_quantized.onnx --json build/quickstart/verdict.json
echo
echo "What came out, in build/quickstart:"
ls -l build/quickstart | awk 'NR > 1 {printf "  %8d bytes  %s\n", $5, $NF}'
