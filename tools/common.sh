# Shared by the scripts: help, errors, times, one way to configure and build. Sourced, not run.
set -euo pipefail

script=$(basename "$0" .sh)

die() { echo "$script: error: $*" >&2; exit 1; }

# help_or_arguments USAGE ALLOWED "$@": --help prints the usage and the comment at the top of the script; the first
# argument that does not match the pattern ALLOWED is an error of the command line.
help_or_arguments() {
  local usage=$1 allowed=$2 argument
  shift 2
  for argument in "$@"; do
    case $argument in
      -h | --help)
        echo "usage: $usage"
        sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0"
        exit 0 ;;
    esac
    [[ $argument =~ ^($allowed)$ ]] || { echo "$script: unknown argument '$argument', see --help" >&2; exit 2; }
  done
}

took() { echo "$script: $1 took $2 s"; }

# quietly COMMAND...: its output only if it fails.
quietly() {
  local log status=0
  log=$(mktemp)
  "$@" > "$log" 2>&1 || { status=$?; cat "$log" >&2; }
  rm -f "$log"
  return "$status"
}

# build PRESET FOLDER [TARGET...]: on a terminal with ninja's line of progress, silent elsewhere; warnings always.
build() {
  local preset=$1 folder=$2 start=$SECONDS target
  local command=(cmake --build "$folder")
  for target in "${@:3}"; do command+=(--target "$target"); done
  quietly cmake --preset "$preset" || die "cannot configure preset $preset"
  if "${command[@]}" -- -n | grep 'no work to do' > /dev/null; then
    :  # ninja would say so, also when told to be quiet
  elif [ -t 1 ]; then
    NINJA_STATUS='[%f/%t, %es] ' "${command[@]}" || die "preset $preset does not build"
  else
    "${command[@]}" -- --quiet || die "preset $preset does not build"
  fi
  took "build" $((SECONDS - start))
}

# run_ctest FOLDER [OPTION...]: the tests of a build, then the reasons of those that were skipped, whole or in part: the
# message of GTEST_SKIP, or a line "skipped: WHY" of a script.
run_ctest() {
  local folder=$1 status=0
  rm -f "$folder/junit.xml"
  (cd "$folder" && ctest --output-on-failure --parallel "$(nproc)" --output-junit "$PWD/junit.xml" \
    --test-output-size-passed 65536 "${@:2}") || status=$?
  [ ! -e "$folder/junit.xml" ] || tell_skipped "$folder/junit.xml"
  return "$status"
}

tell_skipped() {
  python3 - "$1" <<'PY'
import re, sys
import xml.etree.ElementTree as ET
for test in ET.parse(sys.argv[1]).iter("testcase"):
    output = test.findtext("system-out") or ""
    for script, message in re.findall(r"^skipped: (.*)|: Skipped\n(.*)", output, re.M):
        print("skipped: %s: %s" % (test.get("name"), script or message))
PY
}
