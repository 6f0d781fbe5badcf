#!/usr/bin/env bash
# Puts ONNX Runtime 1.28.0 into third_party/downloads/onnxruntime: the library of the pinned wheel, and the C/C++ headers
# of the distribution's libonnxruntime-dev (older headers with a newer library are the C API's contract). Where this
# release of the distribution lacks that package, apt fetches it from the next release, from the archive the machine
# already uses and checked by the archive's signature; the system's package sources stay untouched.
# A second run does nothing.
source "$(dirname "$0")/../fetch_lib.sh"
help_or_arguments "third_party/onnxruntime/fetch.sh" '' "$@"

version=1.28.0
next_release=trixie
target=$downloads/onnxruntime
arch=$(uname -m)
case $arch in
  x86_64) sha256=a166b78ee04f3a37fa1ef82034b6a3ce96d9684e582d4d30b296de83e9998bb5 ;;
  aarch64) sha256=8d66f9ceb29909c70839e4e4fb3435c7b490050d8f162bd5f3aba4ca01ee517f ;;
  *) die "no pinned ONNX Runtime for $arch; unpack a release and set -DONNXRUNTIME_ROOT=" ;;
esac

fetch_library() {
  [ -f "$target/lib/libonnxruntime.so.$version" ] && return
  fetch_wheel onnxruntime "$version" "$arch" "$sha256"
  mkdir -p "$target/lib"
  unpack "onnxruntime/capi/libonnxruntime.so.$version" "$target/lib/libonnxruntime.so.$version"
  unpack onnxruntime/LICENSE "$target/LICENSE"
  unpack onnxruntime/ThirdPartyNotices.txt "$target/ThirdPartyNotices.txt"
  echo "fetch: ONNX Runtime $version is in $target/lib"
}

# Downloads libonnxruntime-dev into the current folder from the next release, with lists and cache of its own.
download_from_next_release() {
  local site=$1 work=$2
  mkdir -p "$work"/lists/partial "$work"/cache/archives/partial
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $site $next_release main" > "$work/sources.list"
  local options=(-o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=-
                 -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache"
                 -o Dir::State::status=/dev/null -o APT::Sandbox::User=root)
  apt-get "${options[@]}" -qq update || die "cannot read the package lists of $next_release"
  apt-get "${options[@]}" -qq download libonnxruntime-dev || die "cannot download libonnxruntime-dev of $next_release"
}

fetch_headers() {
  [ -f "$target/include/onnxruntime_cxx_api.h" ] && return
  local work site
  work=$(mktemp -d)
  trap 'rm -rf "$work"' RETURN
  cd "$work"
  if apt-cache show libonnxruntime-dev > /dev/null 2>&1; then
    echo "fetch: downloading libonnxruntime-dev"
    apt-get -qq download libonnxruntime-dev || die "cannot download libonnxruntime-dev"
  else
    site=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -v security | head -n 1)
    [ -n "$site" ] || die "this machine has no package archive configured"
    echo "fetch: downloading libonnxruntime-dev of $next_release"
    download_from_next_release "$site" "$work"
  fi
  dpkg -x libonnxruntime-dev_*.deb unpacked
  mkdir -p "$target/include"
  cp -r unpacked/usr/include/onnxruntime/. "$target/include/"
  echo "fetch: ONNX Runtime headers are in $target/include"
}

fetch_library
fetch_headers
