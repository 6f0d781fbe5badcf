#!/usr/bin/env bash
# clang-tidy on the sources changed since COMMIT, by default since the branch left origin/main, on main itself in the
# last 20 commits; --all looks at every source. Needs a configured build folder.
root=$(cd "$(dirname "$0")/.." && pwd)
source "$root/tools/common.sh"
help_or_arguments "tools/check_tidy.sh [COMMIT|--all]" '[^-].*|--all' "$@"
cd "$root"

base() {
  local fork
  fork=$(git merge-base HEAD origin/main 2> /dev/null) || fork=
  [ -n "$fork" ] && [ "$fork" != "$(git rev-parse HEAD)" ] || fork=$(git rev-list --first-parent -n 21 HEAD | tail -n 1)
  echo "$fork"
}

changed() {
  if [ "${1:-}" = --all ]; then
    git ls-files -- 'src/*.cc' 'tools/*.cc'
  else
    git diff --name-only --diff-filter=d "${1:-$(base)}" -- 'src/*.cc' 'tools/*.cc'
  fi
}

command -v clang-tidy-14 > /dev/null || die "clang-tidy-14 is not installed: tools/setup.sh --checks"
start=$SECONDS
files=$(changed "$@")
[ -e build/compile_commands.json ] || quietly cmake --preset default || die "cannot configure"
[ -e build/third_party/onnx/onnx-ml.pb.h ] || quietly cmake --build build --target qconvert_onnx || die "cannot build"
status=0
[ -z "$files" ] || xargs -P "$(nproc)" -n 1 clang-tidy-14 --quiet -p build <<< "$files" 2> /dev/null || status=1
took "clang-tidy of $(grep -c . <<< "$files") sources" $((SECONDS - start))
exit "$status"
