#!/usr/bin/env bash
# Every benchmark: observers, searches and workers (Google Benchmark), then whole conversions next to ONNX Runtime's own
# Python tool, which a virtual environment under build-bench gets. Arguments: more folders with model.onnx and calib/*.npy.
root=$(cd "$(dirname "$0")/.." && pwd)
source "$root/tools/common.sh"
help_or_arguments "tools/benchmark.sh [FOLDER]..." '[^-].*' "$@"
folders=()
for folder in "$@"; do folders+=("$(realpath "$folder")"); done
cd "$root"
build bench build-bench
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
