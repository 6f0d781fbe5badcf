#!/usr/bin/env bash
# --processor and --cost-table on the command line: what is written, what is refused.
exec python3 - "$1" "$2" <<'PY'
import json, os, subprocess, sys, tempfile

qconvert, root = sys.argv[1:]
failures = []
example = os.path.join(root, "examples/digits")
convert = [os.path.join(example, "model.onnx"), "--calib", os.path.join(example, "calib"), "--max-samples", "4"]


def run(*args, expect=0, stderr=""):
    done = subprocess.run([qconvert, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=240)
    if done.returncode != expect or stderr not in done.stderr:
        failures.append("%s: exit %d, expected %d with '%s': %s" % (args, done.returncode, expect, stderr, done.stderr))
    return done


def processor_of(name):
    with open(name) as file:
        return json.load(file)["passes"]["processor"]


with tempfile.TemporaryDirectory() as work:
    os.chdir(work)
    for word, written in (("any", {"any"}), ("vnni", {"vnni"}), ("host", {"avx2", "vnni", "arm_dot"})):
        run(*convert, "-o", word + "_quantized.onnx", "--processor", word)
        if processor_of(word + "_quant_info.json") not in written:
            failures.append("--processor %s: %s" % (word, processor_of(word + "_quant_info.json")))
    run(*convert, "-o", "no.onnx", "--processor", "avx9", expect=2)
    run(*convert, "-o", "no.onnx", "--set", "processor=avx9", expect=3, stderr="did you mean 'avx2'")

    # The table of this machine, and what is wrong with others.
    told = run("costs", "--network-ms", "0", "-o", "costs.json").stdout
    if "costs.json: times of 583 networks, which it estimates within" not in told or max(map(len, told.split("\n"))) > 80:
        failures.append("costs tells: %s" % told)
    with open("costs.json") as file:
        costs = json.load(file)
    if not costs["ns"] or min(costs["ns"].values()) < 0:
        failures.append("times of the table: %s" % costs["ns"])
    run(*convert, "-o", "measured_quantized.onnx", "--cost-table", "costs.json")
    run(*convert, "-o", "costs.json", "--cost-table", "costs.json", expect=2, stderr="is an input")
    first = next(iter(costs["ns"]))
    for name, change, says in (("missing", lambda: costs["ns"].pop(first), "has no time of '%s'" % first),
                               ("negative", lambda: costs["ns"].update({first: -1}), "costs.json"),
                               ("unknown", lambda: costs["ns"].update({first: 1, "kernl": 1}), "kernl")):
        change()
        with open("costs.json", "w") as file:
            json.dump(costs, file)
        run(*convert, "-o", "no.onnx", "--cost-table", "costs.json", expect=3, stderr=says)
    run(*convert, "-o", "no.onnx", "--cost-table", "none.json", expect=6, stderr="none.json")
    run("costs", expect=2)
    run("costs", "-o", "no/such/costs.json", expect=6)
    late = run("costs", "-o", "/proc/costs.json", expect=6, stderr="/proc/costs.json").stderr
    if "timing networks" in late:
        failures.append("costs times networks before it finds that it cannot write: %s" % late)
    if os.path.exists("no.onnx"):
        failures.append("a refused run wrote a model")

for failure in failures:
    print(failure)
sys.exit(1 if failures else 0)
PY
