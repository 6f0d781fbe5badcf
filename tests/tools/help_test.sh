#!/usr/bin/env bash
# Every script prints help for --help and does nothing else; an argument that it does not know is an error of its own.
set -u
cd "$2" || exit 1
failed=0
for script in tools/*.sh third_party/*/fetch.sh .ci/run; do
  [ -x "$script" ] || continue  # sourced, not run
  help=$(bash "$script" --help 2>&1) && [ "$(head -n 1 <<< "$help" | cut -c1-7)" = "usage: " ] &&
    [ "$(wc -l <<< "$help")" -gt 1 ] || { echo "$script --help printed: $help"; failed=1; }
  case $script in tools/run_tests.sh | tools/coverage.sh) continue ;; esac  # hand their options on to ctest
  bash "$script" --no-such-option > /dev/null 2>&1
  [ $? = 2 ] || { echo "$script takes --no-such-option"; failed=1; }
done
exit $failed
