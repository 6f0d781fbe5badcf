#!/usr/bin/env bash
# Builds everything and passes the tests; at the end, what was skipped and why. OPTIONs go to ctest, for example
# tools/run_tests.sh -R fusion
root=$(cd "$(dirname "$0")/.." && pwd)
source "$root/tools/common.sh"
case ${1:-} in -h | --help) help_or_arguments "tools/run_tests.sh [OPTION of ctest]..." '' "$1" ;; esac
cd "$root"

tools/setup.sh
echo "run_tests: building"
build default build
echo "run_tests: testing"
run_ctest build "$@"
