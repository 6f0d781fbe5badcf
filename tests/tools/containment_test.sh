#!/usr/bin/env bash
# A run opens no socket, starts no program but itself, once more, for huge pages (not where the user tunes the C library, nor
# where no model is opened), and writes nothing outside its output folder.
set -u
qconvert=$1
root=$2
command -v strace > /dev/null || { echo "skipped: strace is not installed"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/out" "$work/home" "$work/tmp"
env -i HOME="$work/home" TMPDIR="$work/tmp" strace -f -qq -o "$work/trace" \
  -e trace=openat,openat2,open,creat,connect,socket,bind,execve,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,symlink,link \
  "$qconvert" "$root/examples/digits/model.onnx" --calib "$root/examples/digits/calib" -o "$work/out/m.onnx" > /dev/null || {
  grep -q 'PTRACE' "$work/trace" 2> /dev/null && { echo "skipped: ptrace is not allowed here"; exit 77; }
  echo "the run failed"
  exit 1
}
failed=0
grep -E '(connect|socket|bind)\(' "$work/trace" && { echo "opens a socket"; failed=1; }
program=$(readlink -f "$qconvert")
[ "$(grep 'execve(' "$work/trace" | cut -d'"' -f2 | xargs readlink -f)" = "$program"$'\n'"$program" ] || { echo "starts a program"; failed=1; }
starts() {  # SETTING WORD...: how often the program starts
  env -i "$1" strace -f -qq -o "$work/starts" -e trace=execve "$qconvert" "${@:2}" > /dev/null
  grep -c 'execve(' "$work/starts"
}
[ "$(starts NONE=1 lint "$root/examples/digits/model.onnx")" = 2 ] || { echo "no huge pages for a model"; failed=1; }
[ "$(starts GLIBC_TUNABLES=glibc.malloc.check=0 lint "$root/examples/digits/model.onnx")" = 1 ] ||
  { echo "overrules a user's own GLIBC_TUNABLES"; failed=1; }
for words in --version 'lint --help' presets help; do
  [ "$(starts NONE=1 $words)" = 1 ] || { echo "starts twice for $words"; failed=1; }
done
outside=$(grep -E 'O_WRONLY|O_RDWR|O_CREAT|creat\(|rename|unlink|mkdir|symlink|link\(' "$work/trace" | grep -vF "$work/out/" | grep -v '"/dev/' | grep -v ENOENT)
[ -z "$outside" ] || { echo "writes outside the output folder:"; echo "$outside"; failed=1; }
[ -z "$(ls -A "$work/home" "$work/tmp" | grep -v ':$' | grep .)" ] || { echo "leaves files in HOME or TMPDIR"; failed=1; }
[ "$(ls "$work/out" | wc -l)" = 2 ] || { echo "output folder holds: $(ls -A "$work/out")"; failed=1; }
exit $failed
