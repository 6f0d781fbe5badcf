#!/usr/bin/env bash
# Every source is as clang-format 14 (.clang-format) leaves it, files have at most 400 lines.
set -u
cd "$2" || exit 1
failed=0
while read -r file; do
  lines=$(wc -l < "$file")
  [ "$lines" -le 400 ] || { echo "$file has $lines lines, expected at most 400"; failed=1; }
done < <(find src include tools -name '*.cc' -o -name '*.h')
find src include tools tests -name '*.cc' -o -name '*.h' | xargs clang-format-14 --dry-run -Werror || failed=1
exit $failed
