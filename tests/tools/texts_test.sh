#!/usr/bin/env bash
# The text of every command on the shipped example, against tests/tools/texts/COMMAND.txt: one for each that help lists.
# Numbers with a point stand as #: they are times, or differ in their last digits from processor to processor; so the words are
# compared, not where lines break; what nearly equal nodes would give left float is left out. No line is wider than 80 columns.
# WRITE=1 writes the files anew, to be looked at.
set -u
qconvert=$1
root=$2
texts=$root/tests/tools/texts
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
cp -r "$root/examples/digits/model.onnx" "$root/examples/digits/calib" .
failed=0
seen=
# tells COMMAND CODE ARGUMENT...: what it says on stdout, and its errors behind that.
tells() {
  local command=$1 code=$2
  shift 2
  "$qconvert" "$@" > out.txt 2> errors.txt < /dev/null
  local status=$?
  [ $status = "$code" ] || { echo "qconvert $*: exit code $status, expected $code: $(cat errors.txt)"; failed=1; }
  wide=$(awk 'length($0) > 80' out.txt)
  [ -z "$wide" ] || { echo "qconvert $*: wider than 80 columns: $wide"; failed=1; }
  {
    echo "\$ qconvert $*"
    cat out.txt
    grep '^qconvert: error' errors.txt
  } | sed -E -e '/^ +[+][0-9.]+ dB  --keep-float /d' -e "s|$root|\$ROOT|g" -e 's/(^|[ (])+[-+]?[0-9]+\.[0-9]+(e[-+]?[0-9]+)?/ #/g' -e 's/ #[# ]*/ # /g' -e 's/[0-9a-f]{64}/HASH/g' -e '/^(AMD|Intel|.*onnxruntime [0-9#. ]*$)/d' >> "$command.seen"
  case " $seen " in *" $command "*) ;; *) seen="$seen $command" ;; esac
}
tells convert 0 model.onnx --calib calib -o q.onnx
tells convert 0 model.onnx --float-only -o f.onnx
tells calibrate 0 calibrate model.onnx --calib calib -o whole.json
tells calibrate 0 calibrate model.onnx --calib calib -o s0.json --shard 0/2
tells calibrate 0 calibrate model.onnx --calib calib -o s1.json --shard 1/2
tells merge 0 merge s0.json s1.json -o merged.json
tells merge 5 merge s0.json s0.json -o twice.json
cmp -s whole.json merged.json || { echo "two shards make another table"; failed=1; }
printf 'defaults: {calib: calib}\njobs:\n  - {model: model.onnx, output: b.onnx, name: digits}\n  - {model: none.onnx}\n' > jobs.yaml
tells batch 6 batch jobs.yaml
tells batch 6 batch jobs.yaml --resume
tells init 0 init model.onnx -o settings.yaml
tells inspect 0 inspect model.onnx
tells lint 0 lint q.onnx
tells compare 0 compare model.onnx q.onnx --data calib --worst 3
tells evaluate 0 evaluate model.onnx q.onnx --data calib --worst 1
tells debug 0 debug model.onnx --calib calib --budget 1
tells convert 0 model.onnx --calib calib -o w.onnx --scheme weight-only --set activation.method=maxmin
tells diff 0 diff q.onnx q.onnx
tells diff 0 diff q.onnx w.onnx --worst 2
tells diff 0 diff q.onnx --model model.onnx --data calib
tells verify 0 verify q.onnx --model model.onnx --calib calib
tells verify 8 verify w.onnx --model model.onnx --calib calib
tells run 0 run q.onnx --calib calib -o outputs
tells bench 0 bench model.onnx q.onnx --data calib --rounds 6 --top 0
tells costs 6 costs -o nowhere/costs.json  # what it says after half a minute: cost_table_test.sh
tells presets 0 presets
tells help 0 help
tells help 2 help benhc
for command in $("$qconvert" help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
  case " $seen " in *" $command "*) ;; *) echo "no text of $command is looked at"; failed=1 ;; esac
done
for command in $seen; do
  if [ -n "${WRITE:-}" ]; then cp "$command.seen" "$texts/$command.txt"; fi
  diff -u <(tr -s ' \n' '\n' < "$texts/$command.txt") <(tr -s ' \n' '\n' < "$command.seen") || failed=1
done
exit $failed
