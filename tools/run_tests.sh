#!/usr/bin/env bash
# Builds everything and passes the tests. Arguments go to ctest, for example: tools/run_tests.sh -R fusion
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"

tools/setup.sh
echo "run_tests: building"
mkdir -p build
cmake --preset default > build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
cmake --build --preset default -- --quiet
echo "run_tests: testing"
cd build && exec ctest --output-on-failure --parallel "$(nproc)" "$@"
