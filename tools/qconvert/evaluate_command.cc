// qconvert evaluate FLOAT.onnx QUANT.onnx --data DIR
#include <CLI/CLI.hpp>

#include <optional>
#include <string>

#include "command.h"
#include "progress.h"
#include "qconvert/base/error.h"
#include "qconvert/base/log.h"
#include "qconvert/pipeline/evaluate_models.h"
#include "shared_options.h"

namespace qconvert {
namespace {

constexpr int kMaxWorst = 1000;

struct EvaluateLine {
  std::string a;
  std::string b;
  SampleOptions samples;
  std::string labels;
  std::string task;
  std::string output;
  std::string boxes;
  std::string scores;
  double min_score = EvaluateOptions().min_score;
  int k = 5;
  int worst = 5;
  std::string save_worst;
  std::optional<double> max_drop;
  std::optional<double> min_agreement;
  std::string json;
  Verbosity verbosity;
};

void Define(CLI::App& app, EvaluateLine& line) {
  app.add_option("FLOAT", line.a, "the float ONNX model")->required();
  app.add_option("QUANT", line.b, "the quantized one")->required();
  AddDataOptions(app, "--data", line.samples);
  AddDataConfig(app, line.samples);
  app.add_option("--labels", line.labels,
                 "the class of every sample in the order of the file names: an .npy of integers or "
                 "a text of numbers")
      ->type_name("FILE");
  app.add_option(
         "--task", line.task,
         "what the output is (default: detection where two outputs are boxes and their scores, "
         "classification where it is scores); top1 and topk are classification")
      ->check(CLI::IsMember({"classification", "top1", "topk", "regression", "detection"}))
      ->type_name("NAME");
  auto* boxes = app.add_option("--boxes", line.boxes,
                               "output of a detector that holds boxes, [.., N, 4]; corners or "
                               "centers, their values say which");
  boxes->type_name("NAME");
  auto* scores = app.add_option("--scores", line.scores,
                                "output that holds their scores, of one class or several");
  scores->type_name("NAME")->needs(boxes);
  boxes->needs(scores);
  CheckNumber(*app.add_option("--min-score", line.min_score,
                              "probability of boxes that count (default: 0.5)"),
              0.0, 1.0, "P");
  app.add_option("--output", line.output, "which output (default: the first that is scores)")
      ->type_name("NAME");
  app.add_option("--topk", line.k, "a label among the K greatest scores counts too (default: 5)")
      ->type_name("K")
      ->check(CLI::Range(1, kMaxSamples));
  app.add_option("--worst", line.worst, "how many of the worst samples are named (default: 5)")
      ->type_name("N")
      ->check(CLI::Range(0, kMaxWorst));
  app.add_option("--save-worst", line.save_worst, "write the inputs of these samples to DIR")
      ->type_name("DIR");
  CheckNumber(*app.add_option("--max-drop", line.max_drop,
                              "exit 8 when more percent of the labels are lost in QUANT, net"),
              0.0, 100.0, "P");
  CheckNumber(
      *app.add_option("--min-agreement", line.min_agreement,
                      "exit 8 when the models agree in fewer percent of the positions, of a "
                      "detector when F1 of the boxes is lower"),
      0.0, 100.0, "P");
  AddJson(app, line.json);
  AddVerbosity(app, line.verbosity);
}

Task TaskOf(const std::string& word) {
  if (word == "detection") return Task::kDetection;
  return word == "regression" ? Task::kRegression : Task::kClassification;
}

EvaluateOptions OptionsOf(const EvaluateLine& line, const VerdictFile& verdict) {
  if (line.max_drop && line.labels.empty())
    throw Error(ExitCode::kUsage, "", "--max-drop needs --labels, see qconvert evaluate --help");
  EvaluateOptions options;
  options.a = line.a;
  options.b = line.b;
  options.data = DataOf(line.samples);
  options.labels = line.labels;
  options.output = line.output;
  if (!line.task.empty()) options.task = TaskOf(line.task);
  if (!line.labels.empty() && (options.task == Task::kDetection || !line.boxes.empty()))
    throw Error(ExitCode::kUsage, "",
                "--labels are classes, expected none for a detector: it is held against the float "
                "model");
  options.boxes = line.boxes;
  options.scores = line.scores;
  options.min_score = line.min_score;
  options.k = line.k;
  options.worst = static_cast<size_t>(line.worst);
  options.save_worst = line.save_worst;
  options.max_drop = ShareOf(line.max_drop);
  options.min_agreement = ShareOf(line.min_agreement);
  options.outputs = {verdict.file()};
  return options;
}

}  // namespace

int RunEvaluate(int argc, char** argv, VerdictFile& verdict) {
  EvaluateLine line;
  CLI::App app(
      "Runs both models on every sample: accuracy with labels, agreement without, the samples that "
      "suffer most. Of a detector the boxes that are lost and added, and F1.",
      "qconvert evaluate");
  app.footer(
      "Examples:\n"
      "  qconvert evaluate model.onnx model_quantized.onnx --data images/ \\\n"
      "      --labels labels.npy\n"
      "  qconvert evaluate model.onnx model_quantized.onnx --data images/ \\\n"
      "      --min-agreement 99 --save-worst worst/\n"
      "  qconvert evaluate detector.onnx detector_quantized.onnx --data images/ \\\n"
      "      --min-score 0.3");
  Define(app, line);
  if (!Parse(app, argc, argv)) return static_cast<int>(ExitCode::kSuccess);
  ApplyVerbosity(line.verbosity);
  verdict.Open(line.json, line.a, {line.b, line.labels, line.samples.config});
  EvaluateOptions options = OptionsOf(line, verdict);
  Progress progress("evaluating");
  options.progress = progress.Callback(line.verbosity.quiet);
  const Evaluation evaluation = EvaluateModels(options);
  const std::string missed = evaluation.Missed();
  const ExitCode code = missed.empty() ? ExitCode::kSuccess : ExitCode::kNumeric;
  verdict.Write(EvaluationJson(evaluation, std::string(ExitCodeName(code))));
  // With a slash at its end: a folder.
  const std::string saved = line.save_worst.empty() ? "" : (options.save_worst / "").string();
  PrintResult(FormatEvaluation(evaluation), {saved}, line.verbosity, verdict);
  if (!missed.empty()) LogError(Error(code, line.b, missed).what());
  return static_cast<int>(code);
}

}  // namespace qconvert
