#!/usr/bin/env bash
# Puts the official onnx-ml.proto of ONNX 1.23.2 into third_party/downloads/onnx. A second run does nothing.
source "$(dirname "$0")/../fetch_lib.sh"
help_or_arguments "third_party/onnx/fetch.sh" '' "$@"

version=1.23.2
target=$downloads/onnx
[ -f "$target/onnx-ml.proto" ] && [ "$(cat "$target/version" 2>/dev/null)" = "$version" ] && exit 0

# The message definitions are the same in every wheel; the x86-64 one is pinned for all machines.
fetch_wheel onnx "$version" x86_64 c03ecf6b835d136108eeaeeafbd0026fc7b3cf98661409fbc6b63d5a29361348
mkdir -p "$target"
unpack onnx/onnx-ml.proto "$target/onnx-ml.proto"
echo "$version" > "$target/version"
echo "fetch: onnx-ml.proto of ONNX $version is in $target"
