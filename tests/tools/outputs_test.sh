#!/usr/bin/env bash
# Outputs never replace inputs, each other, devices or pipes; what cannot be told is exit 6.
exec python3 - "$1" "$2" <<'PY'
import json, os, re, resource, shutil, stat, subprocess, sys, tempfile

qconvert, root = sys.argv[1:]
failures = []
model, data = (os.path.join(root, "examples/digits", name) for name in ("model.onnx", "calib"))


def run(*args, expect, stderr="", **more):
    more.setdefault("stdout", subprocess.PIPE)
    done = subprocess.run([qconvert, *args], stderr=subprocess.PIPE, timeout=120, **more)
    errors = done.stderr.decode()
    if done.returncode != expect or stderr not in errors:
        failures.append("%s: exit %d, expected %d with '%s': %s" % (args, done.returncode, expect, stderr, errors))
    if expect and any(len(line) > 600 for line in errors.splitlines()):
        failures.append("%s: a line of more than 600 characters" % (args,))
    return done


def tree(folder):
    return {path: open(path, "rb").read() for base, _, names in os.walk(folder) for path in
            (os.path.join(base, name) for name in names) if stat.S_ISREG(os.lstat(path).st_mode)}


with tempfile.TemporaryDirectory() as work:
    os.chdir(work)
    os.mkdir("calib")
    for name in sorted(os.listdir(data))[:4]:
        shutil.copyfile(os.path.join(data, name), os.path.join("calib", name))
    shutil.copyfile(model, "model.onnx")
    sample = os.path.join("calib", os.listdir("calib")[0])
    base = ["model.onnx", "--calib", "calib", "--scheme", "static", "-q"]
    run("calibrate", "model.onnx", "--calib", "calib", "-o", "table.json", "-q", expect=0)
    shutil.copyfile("table.json", "t_quant_info.json")
    open("c_quant_info.json", "w").write('{"target_device": "CPU", "overall_quantize_config": {"method": "maxmin"}}')
    open("a_quant_info.json", "w").write('{"objective": "size"}')
    os.symlink("model.onnx", "link")
    os.link(sample, "hard")

    run(*base, "-o", "made.onnx", expect=0)
    pair, verify = ["model.onnx", "made.onnx", "--data", "calib"], ["verify", "made.onnx", "--model", "model.onnx"]
    jobs = {"config": "{model: model.onnx, calib: calib, config: c_quant_info.json}",
            "chain": "{model: model.onnx, calib: calib, output: a.onnx}, {name: b, model: a.onnx, output: b.onnx}",
            "same": "{model: model.onnx, calib: calib}, {name: b, model: model.onnx, args: [-o, model_quantized.onnx]}",
            "info": "{model: model.onnx, output: a.onnx}, {name: b, model: model.onnx, output: a_quantized.onnx}",
            "page": "{model: model.onnx, output: a.onnx, args: ['--report=p.html']}"}
    for name, text in jobs.items():
        open(name + ".yaml", "w").write("jobs: [%s]" % text)

    before = tree(".")
    quantize = ["model.onnx", "--table", "t_quant_info.json", "-q"]
    for args, text in (
            (base + ["-o", "q.onnx", "--json", sample], "is an input"),
            (base + ["-o", "q.onnx", "--json", "hard"], "is an input"),
            (base + ["-o", "q.onnx", "--json", "link"], "is an input"),
            (base + ["-o", "link"], "is an input"),
            (base + ["-o", "made.onnx", "--skip-done", "--json", "made.onnx"], "two outputs"),
            (base + ["-o", "made.onnx", "--skip-done", "--json", "made_quant_info.json"], "two outputs"),
            (base + ["-o", "made.onnx", "--skip-done", "--json", sample], "is an input"),
            (base + ["-o", "q.onnx", "--export-config", sample], "is an input"),
            (base + ["-o", "q.onnx", "--export-config", "q_quant_info.json"], "two outputs"),
            (quantize + ["-o", "q.onnx", "--export-config", "t_quant_info.json"], "is an input"),
            (base + ["-o", "q.onnx", "--dump-passes", "calib"], "holds the samples"),
            (base + ["-o", "q.onnx", "--cache", "./calib"], "holds the samples"),
            (base + ["-o", "q.onnx", "--first-picture", sample], "is an input"),
            (base + ["-o", "q.onnx", "--first-picture", "q.onnx"], "two outputs"),
            (base + ["-o", sample], "is an input"),
            (base + ["-o", "c.onnx", "--config", "c_quant_info.json"], "is an input"),
            (base + ["-o", "q.onnx", "--config", "c_quant_info.json", "--json", "c_quant_info.json"], "is an input"),
            (base + ["-o", "a.onnx", "--also", "a_quant_info.json"], "is an input"),
            (base + ["-o", "q.onnx", "--also", "a_quant_info.json", "--json", "a_quant_info.json"], "is an input"),
            (["debug", "model.onnx", "--calib", "calib", "--also", "a_quant_info.json", "--report", "a_quant_info.json"],
             "is an input"),
            (["calibrate", "model.onnx", "--calib", "calib", "--also", "a_quant_info.json", "-o", "a_quant_info.json"],
             "is an input"),
            (["verify", "q.onnx", "--model", "model.onnx", "--json", "q_quant_info.json"], "is an input"),
            (quantize + ["-o", "t.onnx"], "is an input"),
            (quantize + ["-o", "q.onnx", "--json", "t_quant_info.json"], "is an input"),
            (base + ["-o", "q.onnx", "--json", "q.onnx"], "two outputs"),
            (base + ["-o", "q.onnx", "--json", "./calib/../q_quant_info.json"], "two outputs"),
            (["model.onnx", "--float-only", "-o", "q.onnx", "--json", "q.onnx"], "two outputs"),
            (base + ["-o", "q.onnx", "--report", sample], "is an input"),
            (base + ["-o", "q.onnx", "--report", "link"], "is an input"),
            (base + ["-o", "q.onnx", "--report", "q.onnx"], "two outputs"),
            (base + ["-o", "q.onnx", "--report", "q_quant_info.json"], "two outputs"),
            (base + ["-o", "q.onnx", "--report", "p", "--json", "p"], "two outputs"),
            (quantize + ["-o", "q.onnx", "--report", "t_quant_info.json"], "is an input"),
            (base + ["-o", "q.onnx", "--report", "-"], "--report is '-'"),
            (base + ["-o", "q.onnx", "--against", "t_quant_info.json"], "--against needs --report"),
            (base + ["-o", "q.onnx", "--report", "t_quant_info.json", "--against", "t_quant_info.json"], "is an input"),
            (["model.onnx", "--float-only", "-o", "q.onnx", "--report", "p"], "--float-only excludes --report"),
            (base + ["--config", "cpu_int8", "--config", "vitis_int8_cpu", "--report", "p"], "several --config exclude"),
            (["debug", "model.onnx", "--calib", "calib", "--report", "model.onnx"], "is an input"),
            (["debug", "model.onnx", "--calib", "calib", "--report", sample], "is an input"),
            (["debug", "model.onnx", "--calib", "calib", "--report", "p", "--json", "p"], "two outputs"),
            (["debug", "model.onnx", "--calib", "calib", "--json", "model.onnx"], "is an input"),
            (["debug", "model.onnx", "--calib", "calib", "--target", "nan"], "not in range"),
            (["debug", "model.onnx", "--calib", "calib", "--budget", "0"], "not in range"),
            (["debug"], "no model given"),
            (["debug", "model.onnx", "--table", "table.json"], "no samples to measure on"),
            (["calibrate", "model.onnx", "--calib", "calib", "-o", "model.onnx"], "is an input"),
            (["calibrate", "model.onnx", "--calib", "calib", "-o", sample], "is an input"),
            (["calibrate", "model.onnx", "--calib", "calib", "-o", "t", "--json", "t"], "two outputs"),
            (["calibrate", "model.onnx", "--calib", "calib", "-o", "t", "--json", sample], "is an input"),
            (["merge", "table.json", "-o", "table.json"], "is an input"),
            (["merge", "table.json", "-o", "t", "--json", "table.json"], "is an input"),
            (["evaluate", *pair, "--save-worst", "calib"], "holds the samples"),
            (["evaluate", *pair, "--save-worst", "w", "--json", "w"], "two outputs"),
            (["evaluate", *pair, "--save-worst", "model.onnx"], "is an input"),
            (["run", "model.onnx", "--calib", "calib", "-o", "w", "--json", "./w"], "two outputs"),
            (["run", "model.onnx", "--calib", "calib", "-o", "link"], "is an input"),
            (verify + ["--calib", "calib", "--json", "hard"], "is an input"),
            (["batch", "config.yaml", "--json", "c_quant_info.json"], "is an input"),
            (["batch", "config.yaml", "--junit", "hard"], "is an input"),
            (["batch", "config.yaml", "--json", "model_quantized.onnx"], "two outputs"),
            (["batch", "page.yaml", "--junit", "p.html"], "two outputs"),
            (["batch", "chain.yaml"], "is an input"),
            (["batch", "same.yaml"], "would both write it"),
            (["batch", "info.yaml"], "would both write it"),
            (["inspect", "model.onnx", "--also", "c_quant_info.json", "--json", "c_quant_info.json"], "is an input"),
            (base + ["-o", "-"], "cannot go to stdout"),
            (base + ["-o", "q.onnx", "--memory-limit", "0"], "not in range"),
            (base + ["-o", "q.onnx", "--memory-limit", "-1"], "not in range"),
            (base + ["-o", "q.onnx", "--memory-limit", "99EiB"], "--memory-limit"),
            (base + ["-o", "q.onnx", "--min-cosine", "nan"], "not in range"),
            (base + ["-o", "q.onnx", "--aim", "nan"], "not in range"),
            (base + ["-o", "q.onnx", "--time-limit", "0"], "not in range"),
            (base + ["-o", "q.onnx", "--state", "a", "--state", "a=b"], "given twice"),
            (base + ["-o", "q.onnx", "--state", "=b"], "expected INPUT"),
            (["calibrate", "model.onnx", "--calib", "calib", "-o", "t", "--shard", ""], "is empty"),
            (["calibrate", "model.onnx", "--calib", "calib", "-o", "t", "--checkpoint", "nan"], "not in range"),
            (["calibrat", "model.onnx"], "did you mean 'calibrate'?"),
            (["quantize", "model.onnx"], "no command 'quantize': conversion needs none"),
            (["help", "merg"], "did you mean 'merge'?")):
        run(*args, expect=2, stderr=text)
    run(*base, "-o", "q.onnx", "--report", "none/p.html", expect=6, stderr="none: cannot write to folder")
    run(*base, "-o", "q.onnx", "--report", ".", expect=6, stderr=".")
    done = run(*base, "-o", "q.onnx", "--json", "none/v.json", expect=6, stderr="none: cannot write to folder")
    if done.stderr.decode().count("none") != 1:
        failures.append("a missing folder of --json is told twice: " + done.stderr.decode())
    if tree(".") != before:
        failures.append("refused runs changed files")

    # The page appears with the model, or not at all.
    run(*base, "-o", "q.onnx", "--report", "p.html", "--min-sqnr", "199", "--must-pass", expect=8)
    if tree(".") != before:
        failures.append("a refused model left a page: %s" % sorted(set(tree(".")) - set(before)))
    run(*base, "-o", "q.onnx", "--report", "p.html", expect=0)
    if not open("p.html").read().startswith("<!DOCTYPE html>"):
        failures.append("no page")

    # What is no regular file is written through and keeps its kind, also where there is a failure to tell.
    done = run("none.onnx", "--calib", "calib", "--json", "/dev/null", expect=6, stderr="none.onnx")
    if len(done.stderr.splitlines()) != 1:
        failures.append("a failure told to a device: %s" % done.stderr)
    os.mkfifo("pipe")
    run(*base, "-o", "q.onnx", "--json", "pipe", expect=6, stderr="nobody reads it")
    reader = subprocess.Popen(["cat", "pipe"], stdout=subprocess.PIPE)
    run(*base, "-o", "q.onnx", "--json", "pipe", expect=0)
    if json.loads(reader.communicate()[0])["exit"] != "success" or not stat.S_ISFIFO(os.lstat("pipe").st_mode):
        failures.append("the pipe got no verdict")
    run(*base, "-o", "q.onnx", "--json", "/dev/full", expect=6, stderr="/dev/full: cannot write")
    run("none.onnx", "--json", "/dev/null", expect=6, stderr="none.onnx")
    if not stat.S_ISCHR(os.stat("/dev/null").st_mode):
        failures.append("/dev/null was replaced")
    os.symlink("behind.json", "verdict")
    run("none.onnx", "--json", "verdict", expect=6)
    if not os.path.islink("verdict") or json.load(open("behind.json"))["exit"] != "file":
        failures.append("a verdict behind a link")
    with open("both", "w") as both:
        run(*base[:-1], "-o", "q.onnx", "--json", "/dev/stdout", stdout=both, expect=0)
    if json.load(open("both"))["exit"] != "success":
        failures.append("/dev/stdout as a verdict")
    for args in (base[:-1] + ["-o", "q.onnx"], ["compare", "q.onnx", "q.onnx", "--data", "calib"], ["inspect", "model.onnx"]):
        for target in ("/dev/stdout", "/proc/self/fd/1", "/dev/fd/1"):  # a pipe here
            json.loads(run(*args, "--json", target, expect=0).stdout)
    # Whatever a job may write belongs to it alone; every option that names a file is told to read or to write.
    writes = {"--output", "--first-picture", "--export-config", "--report", "--node-data", "--dump-passes"}
    reads = {"--config", "--also", "--calib", "--validate", "--table", "--cost-table", "--cache", "--quant-info",
             "--against"}
    of_the_batch = {"--json"}
    listed = run("--help", expect=0).stdout.decode()
    names = set(re.findall(r"^  (?:-\w,)?(--[\w-]+) (?:FILE|OUT|DIR|PATH|TABLE)", listed, re.M))
    if names != writes | reads | of_the_batch:
        failures.append("options that name files: %s" % sorted(names ^ (writes | reads | of_the_batch)))
    os.mkdir("dumped")
    same = [["%s=a" % option] for option in sorted(writes)] + [["--dump-passes", "dumped"], ["-oa"]]
    pairs = [(["-o", "1.onnx"] + one, ["-o", "2.onnx"] + one) if one[0][:4] not in ("--ou", "-oa") else (one, one)
             for one in same]
    pairs += [([], ["--stop-after", "normalize"]), ([], ["--stop-after=normalize"]), (["--float-only"],) * 2,
              (["--config", "cpu_int8", "--config", "vitis_int8_cpu"], ["-o", "model_cpu_int8_quantized.onnx"]),
              (["--auto"], ["-o", "1.onnx", "--report", "model_quantized.yaml"])]
    for first, second in pairs:
        rows = [{"name": str(k), "model": "model.onnx", "args": args} for k, args in enumerate((first, second))]
        json.dump({"jobs": rows}, open("pair.json", "w"))
        run("batch", "pair.json", expect=2, stderr="would both write it")
    # A batch that cannot begin leaves no success of an earlier one, and tells its exit code as batches do.
    open("fleet.json", "w").write('{\n  "exit": 0,\n  "jobs": []\n}\n')
    run("batch", "missing.yaml", "--json", "fleet.json", expect=6, stderr="missing.yaml")
    if json.load(open("fleet.json"))["exit"] != 6:
        failures.append("a failed batch: %s" % open("fleet.json").read())
    open("notes", "w").write("the user's")
    run("none.onnx", "--json", "notes", expect=6)
    if open("notes").read() != "the user's":
        failures.append("the verdict of a failure replaced a file that is none")

    # Nobody hears.
    for args in (base[:-1] + ["-o", "q.onnx"], base + ["-o", "q.onnx", "--json", "-"], ["--help"], ["help"],
                 ["--version"], ["presets"], ["--config", "cpu_int8", "--print-config"]):
        with open("/dev/full", "w") as full:
            run(*args, stdout=full, expect=6, stderr="stdout: cannot write")
        run(*args, preexec_fn=lambda: os.close(1), expect=6, stderr="stdout: cannot write")
        read, write = os.pipe()
        os.close(read)
        run(*args, stdout=write, expect=6, stderr="stdout: cannot write")
        os.close(write)
    run(*base, "-o", "closed.onnx", preexec_fn=lambda: [os.close(fd) for fd in (0, 1, 2)], expect=0)
    if open("closed.onnx", "rb").read() != open("q.onnx", "rb").read():
        failures.append("closed streams change the model")
    for limit in (0, 100, 4096, 20480):
        before = tree(".")
        run(*base, "-o", "q.onnx", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
            expect=6, stderr="File too large")
        if tree(".") != before:
            failures.append("a file size limit of %d changed files" % limit)

    # External data: beside the file behind a link, and no data of the run before.
    os.mkdir("far")
    os.symlink("far/real.onnx", "near.onnx")
    for scheme in ("static", "weight-only"):
        run("model.onnx", "--calib", "calib", "-q", "-o", "near.onnx", "--external-data", "--scheme", scheme, expect=0)
        names = sorted(os.listdir("far"))
        if len(names) != 2 or names[1] != "real.onnx" or not os.path.islink("near.onnx"):
            failures.append("external data behind a link: %s" % names)
    run(*base, "-o", "near.onnx", expect=0)
    if os.listdir("far") != ["real.onnx"]:
        failures.append("stale external data: %s" % os.listdir("far"))
    os.makedirs("bare/bin")
    shutil.copy(qconvert, "bare/bin/qconvert")
    lost = subprocess.run(["bare/bin/qconvert", "presets"], stderr=subprocess.PIPE)
    if lost.returncode != 6 or b"presets are missing" not in lost.stderr:
        failures.append("a program without its presets: %d %s" % (lost.returncode, lost.stderr))

print("\n".join(failures))
sys.exit(bool(failures))
PY
