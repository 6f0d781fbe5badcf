#!/usr/bin/env bash
# INT, TERM and HUP before the commit end a run with 128 + n, nothing is left and an older output stays; after it
# they come too late. Signals and errors are put at system calls, so that no clock decides.
command -v strace > /dev/null || { echo "strace is not installed, skipped"; exit 0; }
strace -o /dev/null true 2> /dev/null || { echo "ptrace is not allowed here, skipped"; exit 0; }
exec python3 - "$1" "$2" <<'PY'
import os, shutil, signal, subprocess, sys, tempfile

qconvert, root = sys.argv[1:]
failures = []
example = os.path.join(root, "examples/digits")


def run(inject, *args):
    return subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,renameat2,rename,write,unlink,mkdir",
                           "-e", "inject=" + inject, qconvert, *args, "-q"],
                          stderr=subprocess.PIPE, timeout=120)


def to(out):
    return [os.path.join(example, "model.onnx"), "--calib", os.path.join(example, "calib"), "--max-samples", "8",
            "--scheme", "static", "--workers", "1", "-o", os.path.join(out, "m.onnx")]


def state(folder):
    return {name: open(os.path.join(folder, name), "rb").read() for name in os.listdir(folder)}


with tempfile.TemporaryDirectory() as work:
    def check(name, inject, code, changed, old=True):
        out = os.path.join(work, "out")
        shutil.rmtree(out, ignore_errors=True)
        os.mkdir(out)
        if old:
            for file in ("m.onnx", "m_quant_info.json"):
                open(os.path.join(out, file), "w").write("old")
        before = state(out)
        done = run(inject, *to(out))
        after = state(out)
        if done.returncode != code:
            failures.append("%s: exit %d, expected %d: %s" % (name, done.returncode, code, done.stderr.decode()))
        if sorted(after) != (["m.onnx", "m_quant_info.json"] if changed or old else []):
            failures.append("%s: left %s" % (name, sorted(after)))
        if not changed and after != before:
            failures.append("%s: older outputs changed" % name)
        if changed and b"old" in after.values():
            failures.append("%s: only one of two outputs changed" % name)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        name = number.name[3:]
        for old in (True, False):
            for call in (1, 2):
                check("%s while file %d is synced" % (name, call), "fsync:signal=%s:when=%d" % (name, call), 128 + number, False, old)
            for call in (1, 2):
                what = "renameat2" if old else "rename"
                check("%s during rename %d" % (name, call), "%s:signal=%s:when=%d" % (what, name, call), 0, True, old)
    check("the second rename fails", "renameat2:error=EIO:when=2", 0, True)  # a plain rename stands in
    check("KILL while a file is synced", "fsync:signal=KILL:when=2", 7, False)
    check("SEGV of our own", "fsync:signal=SEGV:when=1", 70, False)
    for call in ("fsync:error=EIO:when=1", "fsync:error=ENOSPC:when=2", "write:error=ENOSPC:when=1"):
        check(call, call, 6, False)

    # Both renames of the second file fail: the first is undone.
    out = os.path.join(work, "out")
    before = state(out)
    script = os.path.join(work, "trace")
    done = subprocess.run(["strace", "-f", "-qq", "-o", script, "-e", "trace=renameat2,rename", "-e", "inject=renameat2:error=EIO:when=2",
                           "-e", "inject=rename:error=EIO:when=1", qconvert, "-q", *to(out)], stderr=subprocess.PIPE, timeout=120)
    if done.returncode != 6 or state(out) != before:
        failures.append("a pair half renamed: exit %d, %s" % (done.returncode, sorted(state(out))))

    # A run that was killed with its parent: its temporary goes with the next run.
    left = os.path.join(out, ".qconvert-1-0.tmp")
    open(left, "w").write("half")
    run("fsync:delay_enter=0", *to(out))
    if os.path.exists(left):
        failures.append("the temporary of a killed run stays")

    # Folders made for the run go with it.
    shutil.copyfile(os.path.join(example, "model.onnx"), os.path.join(work, "model.onnx"))
    config = os.path.join(work, "camera.yaml")
    open(config, "w").write("model_parameters:\n  onnx_model: %s\n  march: nash-e\n  working_dir: %s\n  output_model_file_prefix: m\n"
                            "input_parameters:\n  input_type_rt: featuremap\n  input_type_train: featuremap\n  input_shape: 1x1x16x16\n"
                            "calibration_parameters:\n  cal_data_dir: %s\n  calibration_type: max\n" %
                            (os.path.join(work, "model.onnx"), os.path.join(work, "made/inner"), os.path.join(example, "calib")))
    done = run("fsync:signal=TERM:when=1", "--config", config)
    if done.returncode != 128 + signal.SIGTERM or os.path.exists(os.path.join(work, "made")):
        failures.append("folders made for the run: exit %d, %s" % (done.returncode, done.stderr.decode()))

    # So do those that run and evaluate make, while nothing has come into them.
    digits, calib = os.path.join(example, "model.onnx"), os.path.join(example, "calib")
    for command in (["run", digits, "--calib", calib, "-o"], ["evaluate", digits, digits, "--data", calib, "--save-worst"]):
        done = run("fsync:signal=TERM:when=1", *command, os.path.join(work, "made/inner"))
        if done.returncode != 128 + signal.SIGTERM or os.path.exists(os.path.join(work, "made")):
            failures.append("folders of %s: exit %d, %s" % (command[0], done.returncode, done.stderr.decode()))
print("\n".join(failures))
sys.exit(bool(failures))
PY
