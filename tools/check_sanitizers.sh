#!/usr/bin/env bash
# Builds all tests with a sanitizer and runs them: the preset asan (AddressSanitizer and UndefinedBehaviorSanitizer) or
# tsan (ThreadSanitizer), without MPI, whose libraries leak. Left out: what runs under strace, where the leak checker cannot
# work; the user's project of an installation, which would need the sanitizer itself; the thousands of runs of the
# invariance tests.
root=$(cd "$(dirname "$0")/.." && pwd)
source "$root/tools/common.sh"
help_or_arguments "tools/check_sanitizers.sh [asan|tsan]" 'asan|tsan' "$@"
cd "$root"
preset=${1:-asan}
build "$preset" "build-$preset"
run_ctest "build-$preset" --timeout 600 -E 'tools\.(containment|install|invariance|format|include_direction|help)|InvarianceTest'
