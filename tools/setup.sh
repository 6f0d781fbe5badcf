#!/usr/bin/env bash
# Installs what qconvert is built from: the distribution's packages (root or sudo), and two pinned downloads.
# A second run is quick. --no-packages skips the package manager.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

packages=(g++ cmake ninja-build git ca-certificates python3 python3-pip python3-venv
          libprotobuf-dev protobuf-compiler libyaml-cpp-dev libcli11-dev libspdlog-dev libfmt-dev nlohmann-json3-dev
          libhwy-dev libboost-dev libre2-dev libssl-dev libgtest-dev libgmock-dev libbenchmark-dev libonnx-testdata libopenmpi-dev openmpi-bin strace)

die() { echo "setup: error: $*" >&2; exit 1; }

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2> /dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ] && [ "${1:-}" != --no-packages ]; then
  as_root=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo > /dev/null || die "not root and no sudo; install by hand: ${missing[*]}"
    as_root=(sudo)
  fi
  echo "setup: installing packages: ${missing[*]}"
  "${as_root[@]}" apt-get -qq update || die "apt-get update failed"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" > /dev/null ||
    die "apt-get could not install: ${missing[*]}"
fi
bash "$root/third_party/onnx/fetch.sh"
bash "$root/third_party/onnxruntime/fetch.sh"
