#include "auto_convert.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "configs.h"
#include "convert_options.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/signals.h"
#include "qconvert/base/temporary_folder.h"
#include "qconvert/config/float_nodes.h"
#include "qconvert/config/name_pattern.h"
#include "qconvert/config/read_config.h"
#include "qconvert/pipeline/bench_models.h"

namespace qconvert {
namespace {

constexpr double kSecondsEach = 1;  // that a trial is timed
constexpr const char* kSet = "--set ";

double WorstSqnr(const ConversionReport& report) {
  double worst = kEqualSqnrDb;
  for (const OutputComparison& output : report.outputs)
    if (output.sums.count > 0) worst = std::min(worst, output.sqnr_db());
  return worst;
}

double MostFlips(const ConversionReport& report) {
  double most = 0;
  for (const OutputComparison& output : report.outputs)
    if (output.decisions.decided > 0) most = std::max(most, output.decisions.rate());
  return most;
}

class Search {
 public:
  Search(const ConvertLine& line, const std::function<void(size_t tried)>& on_trial)
      : line_(line), config_(line.configs.empty() ? "" : line.configs[0]), on_trial_(on_trial) {
    if (line_.max_drop) line_.max_flips = *line_.max_drop;
    const ConvertOptions options = MakeConvertOptions(line_, config_);
    target_ = OutputPath(options).replace_extension(".yaml");
    // What the command line says must have a key too, and paths must mean the same beside the
    // model.
    const WrittenConfig written = ReadSettings(line_, options.config_file);
    ExportConfig(written, target_);
    if (!WithFloatNodes(written, line_.keep_float, target_))
      throw Error(ExitCode::kUsage, options.config_file.string(),
                  fmt::format("--auto writes settings in the language that came in, and that of {} "
                              "has no key for --keep-float {}",
                              written.loaded.dialect, EscapeForTerminal(line_.keep_float[0])));
  }

  AutoResult Run() {
    TryWholes();
    Follow();
    if (line_.max_ms) TimeAll();
    const auto best = ChooseTrial(trials_, {line_.max_ms, line_.max_mb});
    if (!best) ThrowNone();
    trials_[*best].chosen = true;
    ConvertLine line = lines_[*best];
    // A trial may have only looked at the outputs: this one has the guard that was asked for.
    line.guard_reports = line_.guard_reports;
    return {.options = OptionsOf(line, trials_[*best].name), .trials = trials_};
  }

 private:
  // By the file that is written, not by the options that it stands for: whoever converts with it
  // gets the same bytes, the hash of the settings in them included.
  ConvertOptions OptionsOf(const ConvertLine& line, const std::string& name) {
    const std::filesystem::path base = FindConfig(config_);
    const std::string text = fmt::format(
        "# Found by qconvert --auto: {}\n{}", EscapeForTerminal(name),
        PrintSettings(*WithFloatNodes(ReadSettings(line, base), line.keep_float, target_)));
    ConvertLine by_file = line;
    by_file.overrides.clear();
    by_file.layers.clear();
    by_file.keep_float.clear();
    for (std::string* word :
         {&by_file.scheme, &by_file.objective, &by_file.processor, &by_file.effort})
      word->clear();
    ConvertOptions options = MakeConvertOptions(by_file, base, ParseConfigText(text, target_, {}));
    options.settings_file = target_;
    options.settings_text = text;
    return options;
  }

  // Whether its settings have keys in the language that came in.
  bool CanBeWritten(const ConvertLine& line) const {
    const WrittenConfig written = ReadSettings(line, FindConfig(config_));
    return written.translated.empty() && WithFloatNodes(written, line.keep_float, target_);
  }

  // What the command line and the objectives give as a whole.
  void TryWholes() {
    Try("as given", line_);
    // A scheme or objective that was named is not for the search to change.
    if (!line_.scheme.empty() || !line_.objective.empty()) return;
    for (const char* objective : {"speed", "size"}) {
      ConvertLine line = line_;
      line.objective = objective;
      if (!CanBeWritten(line)) return;
      Try(fmt::format("--objective {}", objective), line);
    }
  }

  void Follow() {
    ConvertLine line = line_;
    line.guard_reports = true;  // what the guard would do is suggested, step by step
    line.no_guard = false;
    std::string name = "without the guard";
    std::set<std::string> tried;
    Trial now = Try(name, line);
    for (int step = 0; step < kMostSteps && !now.passes; ++step) {
      const std::optional<std::string> next = NextSuggestion(tried);
      if (!next) return;
      tried.insert(*next);
      ConvertLine changed = line;
      if (next->starts_with(kSet)) {
        changed.overrides.push_back(next->substr(std::string_view(kSet).size()));
      } else {
        changed.keep_float.push_back(*next);
      }
      if (!CanBeWritten(changed)) continue;
      const std::string changed_name =
          step == 0 && now.name == name ? Shown(*next) : now.name + " " + Shown(*next);
      const LayerReport before = layers_;
      const Trial after = Try(changed_name, changed);
      if (!after.passes && after.sqnr_db <= now.sqnr_db) {
        layers_ = before;  // it does not help: back
        continue;
      }
      now = after;
      line = changed;
    }
  }

  static std::string Shown(const std::string& step) {
    return step.starts_with(kSet) ? step : fmt::format("--keep-float '{}'", step);
  }

  // Of what the last trial's nodes suggest the one of greatest gain that was not tried: a node left
  // float, or what may help against a cause found at one of the worst.
  std::optional<std::string> NextSuggestion(const std::set<std::string>& tried) const {
    for (const size_t row : Culprits(layers_)) {
      for (const Finding& finding : layers_.layers[row].findings)
        if (finding.advice.starts_with(kSet) && !tried.contains(finding.advice))
          return finding.advice;
      break;  // of the worst alone: a cause that is spread shows there
    }
    for (const Suggestion& one : SuggestionsOf(layers_)) {
      std::string pattern = PatternOfName(layers_.layers[one.layer].origin);
      if (!tried.contains(pattern)) return pattern;
    }
    return std::nullopt;
  }

  Trial Try(const std::string& name, const ConvertLine& line) {
    ConvertOptions options = MakeConvertOptions(line, config_);
    options.output = folder_.File(fmt::format("{}.onnx", trials_.size()));
    files_.push_back(options.output);
    // Convert writes it beside the model, and it goes with it.
    folder_.File(QuantInfoPath(options.output).filename().string());
    // A trial leaves nothing but the model to be timed.
    options.make_output_folder = options.write_stages = false;
    options.page.clear();
    options.node_data.clear();
    options.first_picture.clear();
    options.against.clear();
    options.must_pass = false;
    options.external_data = false;
    if (line.guard_reports)
      options.on_layers = [&](const LayerReport& layers) { layers_ = layers; };
    const ConversionReport report = Convert(options);
    ReleaseSignals();  // nothing that stays has been written
    if (report.outputs.empty())
      throw Error(ExitCode::kUsage, options.model.string(),
                  "--auto compares with the float model, expected samples (--calib DIR)");
    Trial trial{.name = name,
                .passes = JudgeOutputs(report.outputs, report.gate, report.sample_names).passed,
                .sqnr_db = WorstSqnr(report),
                .flips = MostFlips(report),
                .bytes = report.quantized_bytes,
                .integer_nodes = report.integer_nodes + report.fused_nodes,
                .ms = {},
                .chosen = false};
    trials_.push_back(trial);
    lines_.push_back(line);
    if (on_trial_) on_trial_(trials_.size());
    return trial;
  }

  void TimeAll() {
    BenchModelsOptions options;
    options.models = files_;
    options.seconds = kSecondsEach * static_cast<double>(files_.size());
    options.profile = false;
    const BenchReport report = BenchModels(options);
    for (size_t k = 0; k < trials_.size(); ++k)
      trials_[k].ms = 1e3 * EstimateMedian(report.models[k].seconds).median;
  }

  [[noreturn]] void ThrowNone() const {
    const auto nearest =
        std::max_element(trials_.begin(), trials_.end(), [](const Trial& a, const Trial& b) {
          // What passes comes first, whatever its noise.
          return std::pair(a.passes, a.sqnr_db) < std::pair(b.passes, b.sqnr_db);
        });
    std::string wanted = "the gate";
    if (line_.max_drop) wanted += fmt::format(", --max-drop {}", *line_.max_drop);
    if (line_.max_ms) wanted += fmt::format(", --max-ms {}", *line_.max_ms);
    if (line_.max_mb) wanted += fmt::format(", --max-mb {}", *line_.max_mb);
    throw Error(ExitCode::kNumeric, line_.model,
                fmt::format("nothing of {} tried meets {}; the most faithful is {}: {:.1f} dB, "
                            "{:.2f} % of decisions changed, {:.2f} MB{}",
                            trials_.size(), wanted, nearest->name, nearest->sqnr_db,
                            100 * nearest->flips, static_cast<double>(nearest->bytes) / 1e6,
                            nearest->ms ? fmt::format(", {:.3f} ms", *nearest->ms) : ""));
  }

  ConvertLine line_;
  const std::string config_;
  std::filesystem::path target_;  // of the settings
  const std::function<void(size_t tried)>& on_trial_;
  TemporaryFolder folder_;
  std::vector<Trial> trials_;
  std::vector<ConvertLine> lines_;
  std::vector<std::filesystem::path> files_;
  LayerReport layers_;  // of the last trial without the guard
};

}  // namespace

AutoResult FindConversion(const ConvertLine& line,
                          const std::function<void(size_t tried)>& on_trial) {
  return Search(line, on_trial).Run();
}

}  // namespace qconvert
