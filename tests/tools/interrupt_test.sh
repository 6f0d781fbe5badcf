#!/usr/bin/env bash
# INT, TERM and HUP end a run within two seconds with 128 + n; nothing is left, an older output stays.
set -u
qconvert=$1
root=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/calib" "$work/out"
for k in $(seq 1 40); do
  for file in "$root"/examples/digits/calib/*.npy; do ln "$file" "$work/calib/$k-$(basename "$file")" 2> /dev/null || cp "$file" "$work/calib/$k-$(basename "$file")"; done
done
failed=0
for signal in INT:130 TERM:143 HUP:129; do
  for delay in 0.02 0.1 0.3; do
    echo old > "$work/out/m.onnx"
    setsid bash -c 'trap - INT; exec "$@"' _ python3 -c 'import os,signal,sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "$qconvert" -q "$root/examples/digits/model.onnx" --calib "$work/calib" -o "$work/out/m.onnx" --workers 1 &
    pid=$!
    sleep "$delay"
    kill -"${signal%%:*}" "$pid" 2> /dev/null
    timeout 2 tail --pid="$pid" -f /dev/null || { echo "still running after 2 s"; kill -9 "$pid"; failed=1; }
    wait "$pid"
    status=$?
    if [ "$status" != 0 ]; then
      [ "$status" = "${signal##*:}" ] || { echo "$signal after $delay s: exit $status"; failed=1; }
      [ "$(cat "$work/out/m.onnx")" = old ] || { echo "the older output changed"; failed=1; }
    fi
    [ "$(find "$work/out" -type f -name '.qconvert*' | wc -l)" = 0 ] || { echo "a temporary is left"; failed=1; }
    rm -f "$work"/out/*
  done
done
exit $failed
