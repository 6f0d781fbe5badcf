#!/usr/bin/env bash
# An installed qconvert runs from anywhere, and a program of a user's own builds with find_package(qconvert).
set -eu
root=$2
build=$(cd "$(dirname "$1")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$build" --prefix "$work/installed" > "$work/log" || { cat "$work/log"; exit 1; }
for file in LICENSE THIRD_PARTY_NOTICES.md onnxruntime/LICENSE onnxruntime/ThirdPartyNotices.txt \
  report_page/uPlot.LICENSE report_page/dagre.LICENSE report_page/svg-pan-zoom.LICENSE; do
  [ -s "$work/installed/share/doc/qconvert/$file" ] || { echo "$file is not installed"; exit 1; }
done
for file in man/man1/qconvert.1 man/man1/qconvert-calibrate.1 bash-completion/completions/qconvert zsh/site-functions/_qconvert fish/vendor_completions.d/qconvert.fish; do
  [ -s "$work/installed/share/$file" ] || { echo "$file is not installed"; exit 1; }
done
cp -r "$root/examples/digits" "$work/digits"
mkdir "$work/user"
cat > "$work/user/CMakeLists.txt" << 'EOF'
cmake_minimum_required(VERSION 3.25)
project(user LANGUAGES CXX)
find_package(qconvert REQUIRED)
add_executable(user main.cc)
target_link_libraries(user PRIVATE qconvert::pipeline)
EOF
cat > "$work/user/main.cc" << 'EOF'
#include "qconvert/pipeline/convert.h"
int main(int, char** argv) {
  qconvert::ConvertOptions options;
  options.model = argv[1];
  options.calibration_folder = argv[2];
  options.output = argv[3];
  return qconvert::Convert(options).outputs[0].cosine() > 0.99 ? 0 : 1;
}
EOF
cmake -G Ninja -S "$work/user" -B "$work/user/build" -DCMAKE_PREFIX_PATH="$work/installed" > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }
cmake --build "$work/user/build" > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }
cd /
env -i "$work/installed/bin/qconvert" -q "$work/digits/model.onnx" --config cpu_int8 --calib "$work/digits/calib" -o "$work/a.onnx"
env -i "$work/user/build/user" "$work/digits/model.onnx" "$work/digits/calib" "$work/b.onnx"
