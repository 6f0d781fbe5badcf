#!/usr/bin/env bash
# run_golden.sh QCONVERT CASE: runs the case in an empty folder and compares exit code, stdout and stderr.
#   args     one argument per line; $CASE and $ROOT stand for the case's and the project's folder
#   exit     expected exit code
#   stderr   expected text, exact; absent: not looked at. stdout likewise. Folders read as $CASE, $ROOT.
set -u
qconvert=$1
case_folder=$(cd "$2" && pwd)
root=$(cd "$case_folder/../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
arguments=()
while IFS= read -r line || [ -n "$line" ]; do
  line=${line//'$CASE'/$case_folder}
  arguments+=("${line//'$ROOT'/$root}")
done < "$case_folder/args"
"$qconvert" "${arguments[@]}" > "$work/.stdout" 2> "$work/.stderr" < /dev/null
status=$?
failed=0
if [ "$status" != "$(cat "$case_folder/exit")" ]; then
  echo "exit code $status, expected $(cat "$case_folder/exit")"
  cat "$work/.stderr"
  failed=1
fi
for stream in stdout stderr; do
  [ -f "$case_folder/$stream" ] || continue
  sed -e "s|$case_folder|\$CASE|g" -e "s|$root|\$ROOT|g" "$work/.$stream" > "$work/.seen"
  diff -u "$case_folder/$stream" "$work/.seen" || failed=1
done
if [ "$status" != 0 ] && [ -n "$(find "$work" -type f ! -name '.*')" ]; then
  echo "a failed run left files behind:"
  find "$work" -type f ! -name '.*'
  failed=1
fi
exit $failed
