#include "convert_line.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "qconvert/base/error.h"
#include "qconvert/pipeline/convert.h"

namespace qconvert {
namespace {

// What outputs must reach.
void DefineGuard(CLI::App& app, ConvertLine& line) {
  CheckNumber(
      *app.add_option(
          "--min-sqnr", line.min_sqnr,
          "signal to noise that every output must reach over all samples, 7 dB less in every "
          "sample, 3 dB less in every group of channels; nodes go back to float until it "
          "does (default: 17)"),
      -10.0, 200.0, "DB");
  CheckNumber(*app.add_option("--min-cosine", line.min_cosine,
                              "cosine that every output must reach; without --min-sqnr also sets "
                              "the signal to noise that goes with it"),
              0.0, 1.0, "C");
  CheckNumber(*app.add_option("--max-flips", line.max_flips,
                              "percent of the decisions of the float model that may change, where "
                              "an output is scores of classes (default: 1)"),
              0.0, 100.0, "P");
  CheckNumber(*app.add_option("--aim", line.aim,
                              "signal to noise to go for beyond what must be reached, where a "
                              "decibel costs at most 2 % of the time; 0 for none (default: 26 with "
                              "scheme auto, else none)"),
              0.0, 200.0, "DB");
  app.add_flag("--no-guard", line.no_guard, "accept the quantized model whatever its outputs are");
  app.add_flag("--guard-reports", line.guard_reports,
               "look at the outputs, but put no node back to float");
}

// What is written, and what is told.
void DefineFlags(CLI::App& app, ConvertLine& line) {
  app.add_flag("--must-pass", line.must_pass,
               "exit 8 and write nothing when an output fails, none was compared, or those that "
               "pass do on samples that weights were fitted to");
  app.add_flag("--strict-fusion", line.strict_fusion,
               "exit 8 and write nothing when the engine runs a node in float that is planned on "
               "integers");
  app.add_flag("--float-only", line.float_only, "write the loaded model back unquantized");
  app.add_flag("--external-data", line.external_data,
               "weights in a data file beside the model, also below 2 GB");
  app.add_option("--dump-passes", line.passes.dump_folder,
                 "write the graph before and after each float pass that changes it as text to DIR")
      ->type_name("DIR");
  app.add_option("--stop-after", line.passes.stop_after, "leave out the float passes behind PASS")
      ->type_name("PASS");
  app.add_option("--quant-info", line.quant_info,
                 "apply the plan in a quant_info.json, as it was written or edited, instead of "
                 "calibrating and choosing; with --calib the outputs are compared besides")
      ->type_name("FILE");
  app.add_option("-o,--output", line.output,
                 "where to write (default: MODEL's stem + _quantized.onnx, beside it)")
      ->type_name("OUT.onnx");
  app.add_option("--first-picture", line.first_picture,
                 "write the first sample of an image input to FILE as PNG, as the model sees it "
                 "with mean and scale undone")
      ->type_name("FILE");
  app.add_flag("--skip-done", line.skip_done,
               "do nothing where the output is there already, made of the same model, settings and "
               "samples by this version");
  app.add_flag("--print-config", line.print_config,
               "print the settings that hold as YAML, each with its place, and do nothing else");
  app.add_option("--export-config", line.export_config,
                 "write the settings, --also and --set put in, as one file of the language that "
                 "they came in, JSON where FILE ends in .json, else YAML; behind a conversion, or "
                 "without a model alone")
      ->type_name("FILE");
  AddReport(app, line.report);
  AddNodeData(app, line.node_data);
  app.add_option("--against", line.against,
                 "tell in the page of --report what is decided otherwise than in this earlier "
                 "result, a quantized model with its quant_info beside it, or that file")
      ->type_name("FILE");
  AddJson(app, line.json);
  AddVerbosity(app, line.verbosity);
}

void DefineAuto(CLI::App& app, ConvertLine& line) {
  auto* is_auto = app.add_flag(
      "--auto", line.is_auto,
      "try conversions and follow what their nodes suggest until the outputs pass, take the best "
      "and write the settings that repeat it beside the model");
  CheckNumber(*app.add_option("--max-drop", line.max_drop,
                              "of --auto: percent of the decisions of the float model that may "
                              "change, instead of --max-flips")
                   ->needs(is_auto),
              0.0, 100.0, "P");
  CheckNumber(*app.add_option("--max-ms", line.max_ms,
                              "of --auto: milliseconds that a run may take here, one thread; the "
                              "most faithful that keeps to it is taken")
                   ->needs(is_auto),
              1e-6, 1e9, "MS");
  CheckNumber(*app.add_option("--max-mb", line.max_mb,
                              "of --auto: megabytes that the file may have; the same")
                   ->needs(is_auto),
              1e-6, 1e9, "MB");
  for (const char* other :
       {"--quant-info", "--float-only", "--print-config", "--skip-done", "--external-data"})
    is_auto->excludes(app.get_option(other));
}

void Define(CLI::App& app, ConvertLine& line) {
  app.add_option("MODEL", line.model, "the float ONNX model (a Horizon config names one itself)");
  DefineDecisions(app, line);
  DefineFlags(app, line);
  // Last: it excludes options, which have to be there.
  DefineAuto(app, line);
}

// A plan leaves nothing to be decided.
void RefuseBesidesPlan(const CLI::App& app) {
  if (app.count("--quant-info") == 0) return;
  for (const char* other :
       {"--config", "--also", "--set", "--table", "--scheme", "--objective", "--processor",
        "--effort", "--cost-table", "--aim", "--calib-batch", "--float-only", "--print-config",
        "--export-config", "--stop-after", "--keep-float"}) {
    if (app.count(other) == 0) continue;
    throw Error(ExitCode::kUsage, "",
                fmt::format("--quant-info excludes {}: the file says all that is decided", other));
  }
}

void CheckTogether(const CLI::App& app, const ConvertLine& line) {
  if (line.no_guard && (line.guard_reports || line.must_pass)) {
    throw Error(ExitCode::kUsage, "",
                fmt::format("--no-guard excludes {}, see qconvert --help",
                            line.guard_reports ? "--guard-reports" : "--must-pass"));
  }
  RefuseBesidesPlan(app);
  if (!line.export_config.empty() && !line.keep_float.empty())
    throw Error(ExitCode::kUsage, "",
                "--export-config excludes --keep-float: say it in a file of --also");
  if (!line.export_config.empty() && line.float_only)
    throw Error(ExitCode::kUsage, "", "--export-config excludes --float-only: no settings hold");
  if (line.strip && !line.table.empty()) {
    throw Error(ExitCode::kUsage, "",
                "--strip excludes --table: it is of the model as it stands in its file");
  }
  if (line.is_auto && line.configs.size() > 1)
    throw Error(ExitCode::kUsage, "", "--auto takes one --config, several were given");
  if (line.configs.size() > 1 &&
      (!line.output.empty() || !line.report.empty() || !line.node_data.empty() ||
       !line.json.empty() || line.print_config || !line.export_config.empty() || line.float_only ||
       !line.first_picture.empty())) {
    throw Error(ExitCode::kUsage, "",
                "several --config exclude --output, --report, --node-data, --json, --print-config, "
                "--export-config, --float-only and --first-picture");
  }
  if (line.float_only && !(line.report.empty() && line.node_data.empty()))
    throw Error(ExitCode::kUsage, "",
                fmt::format("--float-only excludes {}: nothing is quantized",
                            line.report.empty() ? "--node-data" : "--report"));
  if (line.float_only && !line.first_picture.empty())
    throw Error(ExitCode::kUsage, "", "--float-only excludes --first-picture: no sample is read");
  if (!line.against.empty() && line.report.empty())
    throw Error(ExitCode::kUsage, "", "--against needs --report, the page that tells it");
  // The settings of a deployment name their model; --float-only reads none.
  const bool config_may_name_one = !line.configs.empty() && !line.float_only;
  if (app.count("MODEL") == 0 && !config_may_name_one && !line.print_config &&
      line.export_config.empty())
    throw Error(ExitCode::kUsage, "", "no model given, see qconvert --help");
}

}  // namespace

void DefineSettings(CLI::App& app, ConvertLine& line) {
  AddConfigOption(app, line.configs,
                  "settings: a Vitis, Horizon or Paddle file in JSON or YAML, or the name of a "
                  "preset (default: cpu_int8); several give several models from one calibration");
  AddAlsoOption(app, line.layers);
  AddSampleOptions(app, line.samples);
  app.add_option("--validate", line.validation_folder,
                 "samples to judge the outputs on, laid out like --calib (default: one in five of "
                 "those of --calib, two to four of few, kept out of calibration, of fewer than 20 "
                 "until the plan is chosen; of fewer than 4 all, which calibrate too)")
      ->type_name("DIR");
  app.add_option("--table", line.table,
                 "quantize from a table of qconvert calibrate instead of running the samples; "
                 "without --calib nothing is compared with the float model")
      ->type_name("FILE");
  AddSetOption(app, line.overrides,
               "override a setting, for example activation.method=percentile; repeatable");
  app.add_option("--keep-float", line.keep_float,
                 "nodes that stay float, by name: /head/*, or re:REGEX; repeatable")
      ->type_name("PATTERN")
      ->allow_extra_args(false);
  app.add_option("--scheme", line.scheme,
                 "what is quantized (default: the config's; auto, fast and faithful, without one)")
      ->check(CLI::IsMember({"auto", "static", "dynamic", "weight-only"}))
      ->type_name("NAME");
  app.add_option("--objective", line.objective, "what scheme auto prefers (default: balanced)")
      ->check(CLI::IsMember({"balanced", "speed", "size"}))
      ->type_name("NAME");
  app.add_option("--processor", line.processor,
                 "what the model will run on (default: the config's; any, no slower than float "
                 "anywhere, without one)")
      ->check(CLI::IsMember({"any", "avx2", "vnni", "arm_dot", "host"}))
      ->type_name("NAME");
  app.add_option("--cost-table", line.cost_table,
                 "times of kernels to go by, of qconvert costs on such a processor")
      ->type_name("FILE");
  app.add_option("--effort", line.effort,
                 "what is tried to lower the error: fast, nothing beyond calibration; normal, what "
                 "takes seconds; high, weights are learned too, in minutes (default: the config's, "
                 "normal without one)")
      ->check(CLI::IsMember({"fast", "normal", "high"}))
      ->type_name("NAME");
  app.add_option("--cache", line.cache,
                 "folder that keeps what was measured and learned: a run that was ended goes on "
                 "from there, and the same work is not done twice")
      ->type_name("DIR");
}

std::vector<std::filesystem::path> NamedInputs(const ConvertLine& line) {
  std::vector<std::filesystem::path> inputs{line.table, line.quant_info, line.cost_table};
  inputs.insert(inputs.end(), line.configs.begin(), line.configs.end());
  inputs.insert(inputs.end(), line.layers.begin(), line.layers.end());
  if (!line.against.empty()) inputs.insert(inputs.end(), {line.against, PlanFileOf(line.against)});
  return inputs;
}

void DefineDecisions(CLI::App& app, ConvertLine& line) {
  DefineSettings(app, line);
  app.add_flag("--strip", line.strip,
               "take out the quantization that the model has, and start anew");
  DefineGuard(app, line);
}

std::optional<ConvertLine> ParseConvertLine(int argc, char** argv) {
  ConvertLine line;
  CLI::App app(
      "Converts a float ONNX model into a quantized one that runs on integer kernels.\n"
      "Calibrates on real samples, writes the model and <stem>_quant_info.json beside it, and "
      "compares both.",
      "qconvert");
  app.footer(
      "Examples:\n"
      "  qconvert model.onnx --calib samples/\n"
      "  qconvert model.onnx --config mix_precision_config.json --calib samples/ \\\n"
      "      -o model_int8.onnx --json verdict.json\n"
      "  qconvert model.onnx --calib samples/ --set activation.method=percentile \\\n"
      "      --set activation.percentage=99.999\n"
      "  qconvert model.onnx --calib samples/ --auto --max-mb 4 --report page.html\n"
      "  qconvert calibrate model.onnx --calib samples/ -o table.json\n"
      "  qconvert model.onnx --table table.json\n"
      "  qconvert model.onnx --quant-info model_quant_info.json -o again.onnx\n"
      "Other commands: qconvert help\n"
      "Exit codes: 0 done, 2 command line, 3 config, 4 model, 5 calibration data, 6 files, 7 "
      "resource limit, 8 numbers,\n"
      "70 internal error, 128 + n ended by signal n");
  app.set_version_flag("--version", ToolName());
  Define(app, line);
  if (!Parse(app, argc, argv)) return std::nullopt;
  CheckTogether(app, line);
  return line;
}

}  // namespace qconvert
