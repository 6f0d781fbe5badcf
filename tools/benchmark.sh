#!/usr/bin/env bash
# Every benchmark: observers, searches and workers (Google Benchmark), then whole conversions next to ONNX Runtime's own
# Python tool, which a virtual environment under build-bench gets. Arguments: more folders with model.onnx and calib/*.npy.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
folders=()
for folder in "$@"; do folders+=("$(realpath "$folder")"); done
cd "$root"
mkdir -p build-bench
cmake --preset bench > build-bench/configure.log
cmake --build --preset bench -- --quiet
build-bench/bin/calibration_benchmark
models=build-bench/models
[ -d "$models/vit" ] || build-bench/bin/write_models "$models" 32
python=build-bench/venv/bin/python
if [ ! -x "$python" ]; then
  python3 -m venv build-bench/venv
  "$python" -m pip install --quiet onnxruntime==1.28.0 onnx numpy
fi
"$python" tests/benchmarks/whole_runs.py "$PWD/build-bench/bin/qconvert" build-bench/whole_runs \
  "$models/mobilenet_v2" "$models/resnet50" "$models/vit" "${folders[@]}"
