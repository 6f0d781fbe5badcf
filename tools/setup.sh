#!/usr/bin/env bash
# Installs what qconvert is built, tested and checked with: the distribution's packages (root or sudo), and two pinned
# downloads. A second run is quick. --no-packages leaves the package manager alone, --checks adds what the other checks, the
# presets asan, tsan, tidy, fuzz and coverage need.
root=$(cd "$(dirname "$0")/.." && pwd)
source "$root/tools/common.sh"
help_or_arguments "tools/setup.sh [--no-packages] [--checks]" '--no-packages|--checks' "$@"

packages=(
  # tools
  g++ cmake ninja-build git ca-certificates python3 python3-pip python3-venv
  # libraries
  libprotobuf-dev protobuf-compiler libyaml-cpp-dev libcli11-dev libspdlog-dev libfmt-dev nlohmann-json3-dev libpugixml-dev
  libhwy-dev libboost-dev libeigen3-dev libre2-dev libssl-dev libzip-dev libjpeg-dev libspng-dev libopenmpi-dev openmpi-bin
  # tests and checks
  libgtest-dev libgmock-dev libbenchmark-dev libonnx-testdata strace clang-format-14
)
checks=(clang-14 clang-tidy-14 libclang-rt-14-dev gcovr chromium)
[[ " $* " != *" --checks "* ]] || packages+=("${checks[@]}")

start=$SECONDS
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2> /dev/null | grep -q 'ok installed' || missing+=("$package")
done
by_hand="apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"

install_packages() {
  local as_root=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo > /dev/null || die "packages are missing; neither root nor sudo, so run as root:
  $by_hand"
    as_root=(sudo)
  fi
  echo "setup: installing ${#missing[@]} packages: ${missing[*]}"
  quietly "${as_root[@]}" apt-get -qq update || die "apt-get update failed"
  quietly "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" ||
    die "apt-get could not install: ${missing[*]}"
}

if [ "${#missing[@]}" -gt 0 ]; then
  if [[ " $* " == *" --no-packages "* ]]; then
    echo "setup: packages are missing; as root: $by_hand"
  else
    install_packages
  fi
fi
bash "$root/third_party/onnx/fetch.sh"
bash "$root/third_party/onnxruntime/fetch.sh"
took "set-up" $((SECONDS - start))
