#include "qconvert/pipeline/evaluate_models.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "dump_samples.h"
#include "model_pair.h"
#include "qconvert/base/counted.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/folders.h"
#include "qconvert/base/parallel.h"
#include "qconvert/base/signals.h"
#include "qconvert/base/suggest.h"
#include "qconvert/dataset/npy_writer.h"
#include "qconvert/dataset/plain_name.h"
#include "qconvert/ir/value_types.h"
#include "read_labels.h"

namespace qconvert {
namespace {

bool IsScores(const ComparedValue& value) { return value.kind.scores != OutputKind::Scores::kNone; }

size_t IndexOf(const ModelPair& pair, const char* option, const std::string& name) {
  const std::vector<std::string> names = NamesOf(pair.outputs);
  const auto it = std::find(names.begin(), names.end(), name);
  if (it != names.end()) return static_cast<size_t>(it - names.begin());
  throw Error(ExitCode::kUsage, "",
              fmt::format("{}: no output of both models is called \"{}\"{}", option, name,
                          DidYouMean(name, names)));
}

const ComparedValue& ChooseOutput(const ModelPair& pair, const std::string& name) {
  if (!name.empty()) return pair.outputs[IndexOf(pair, "--output", name)];
  const auto find = [&](auto&& is_it) {
    return std::find_if(pair.outputs.begin(), pair.outputs.end(), is_it);
  };
  const auto scores = find(IsScores);
  if (scores != pair.outputs.end()) return *scores;
  const Graph& graph = pair.a.model.graph;
  // Floats say how near the models are, integers only whether they are equal.
  const auto floats = find([&](const ComparedValue& value) {
    const ValueType* type = FindValueType(graph, value.name);
    return type != nullptr && IsFloatingPoint(type->element);
  });
  return floats == pair.outputs.end() ? pair.outputs[0] : *floats;
}

// Outputs of a detector, as places in those of the pair.
struct Detector {
  size_t boxes = 0;
  size_t scores = 0;
  BoxForm form;
};

// The only two outputs of a sample that go together; nothing where there are more.
std::optional<Detector> RecognizeDetector(const std::vector<Tensor>& outputs) {
  std::optional<Detector> found;
  for (size_t b = 0; b < outputs.size(); ++b) {
    // One box of four numbers may as well be any four numbers.
    if (outputs[b].element_count() < 8) continue;
    for (size_t s = 0; s < outputs.size(); ++s) {
      const auto form = b == s ? std::nullopt : RecognizeBoxes(outputs[b], outputs[s]);
      if (!form) continue;
      // Two that fit are none: guessing would evaluate the wrong outputs.
      if (found) return std::nullopt;
      found = Detector{b, s, *form};
    }
  }
  return found;
}

std::optional<Detector> FindDetector(const ModelPair& pair, const EvaluateOptions& options,
                                     const std::vector<Tensor>& outputs) {
  const bool is_named = !options.boxes.empty();
  if (!is_named && !options.task && (!options.output.empty() || !options.labels.empty()))
    return std::nullopt;
  if (options.task.value_or(Task::kDetection) != Task::kDetection) return std::nullopt;
  std::optional<Detector> found;
  if (is_named) {
    const size_t boxes = IndexOf(pair, "--boxes", options.boxes);
    const size_t scores = IndexOf(pair, "--scores", options.scores);
    const auto form =
        boxes == scores ? std::nullopt : RecognizeBoxes(outputs[boxes], outputs[scores]);
    if (form) found = Detector{boxes, scores, *form};
  } else {
    found = RecognizeDetector(outputs);
  }
  if (!found && (is_named || options.task))
    throw Error(
        ExitCode::kUsage, pair.place_a,
        fmt::format("no detector: expected an output of boxes [.., N, 4] and one of scores "
                    "[.., N], [.., N, classes] or [.., classes, N], {}",
                    is_named ? "as --boxes and --scores" : "--boxes and --scores name them"));
  return found;
}

std::string Describe(const BoxForm& form) {
  return fmt::format("{}, {}{}", form.are_centers ? "centers" : "corners",
                     form.are_logits ? "logits" : "probabilities",
                     form.has_background ? " with a background" : "");
}

// Labels of sample k: an equal share of all for each.
class Labels {
 public:
  Labels(const EvaluateOptions& options, size_t samples) {
    if (options.labels.empty()) return;
    if (options.data.max_samples > 0)
      throw Error(ExitCode::kUsage, "",
                  "--max-samples excludes --labels: they are for all samples");
    all_ = ReadLabels(options.labels);
    if (all_.empty() || all_.size() % samples != 0) {
      throw Error(ExitCode::kData, options.labels.string(),
                  fmt::format("holds {} for {}", Counted(std::ssize(all_), "label"),
                              Counted(static_cast<int64_t>(samples), "sample")));
    }
    each_ = all_.size() / samples;
  }
  bool given() const { return each_ > 0; }
  std::span<const int64_t> Of(size_t k) const {
    return std::span<const int64_t>(all_).subspan(k * each_, each_);
  }

 private:
  std::vector<int64_t> all_;
  size_t each_ = 0;
};

// Both models sample by sample.
class Evaluator {
 public:
  Evaluator(const ModelPair& pair, const SampleSource& samples, const EvaluateOptions& options,
            const ComparedValue& output)
      : feeder_(samples, pair.a.model.graph.inputs, options.data.states),
        labels_(options, samples.size()),
        score_{options.task.value_or(IsScores(output) || labels_.given() ? Task::kClassification
                                                                         : Task::kRegression),
               output.kind, options.k},
        // ChooseOutput gives one of these.
        index_(static_cast<size_t>(&output - pair.outputs.data())),
        workers_(WorkerCount(options.data)),
        a_(OpenShowing(pair.a.model, pair.place_a, NamesOf(pair.outputs), pair.is_random)),
        b_(OpenShowing(pair.b.model, pair.place_b, NamesOf(pair.outputs), pair.is_random)),
        // States and random draws go from sample to sample.
        in_order_(feeder_.has_feedback() || pair.is_random),
        min_score_(options.min_score) {
    if (score_.task == Task::kClassification && labels_.given()) return;
    detector_ = FindDetector(pair, options, RunSample(*a_, feeder_.Read(0, {})));
  }

  Task task() const { return detector_ ? Task::kDetection : score_.task; }
  const std::optional<Detector>& detector() const { return detector_; }
  bool has_labels() const { return labels_.given(); }

  std::vector<SampleScore> Run(const std::function<void(size_t, size_t)>& progress) const {
    std::vector<SampleScore> scores(feeder_.size());
    if (!in_order_) {
      // A few at a time, so that progress is told from this thread.
      const auto batch = static_cast<size_t>(workers_);
      for (size_t first = 0; first < scores.size(); first += batch) {
        const size_t count = std::min(batch, scores.size() - first);
        ParallelFor(count, workers_, [&](size_t k, size_t /*worker*/) {
          Tensors unused_a;
          Tensors unused_b;
          scores[first + k] = Score(first + k, unused_a, unused_b);
        });
        if (progress) progress(first + count, scores.size());
      }
      return scores;
    }
    Tensors before_a;
    Tensors before_b;
    for (size_t k = 0; k < scores.size(); ++k) {
      scores[k] = Score(k, before_a, before_b);
      if (progress) progress(k + 1, scores.size());
    }
    return scores;
  }

 private:
  using Tensors = std::vector<Tensor>;

  // Takes the outputs of the sample before, gives those of this one.
  SampleScore Score(size_t k, Tensors& a, Tensors& b) const {
    const Sample sample = feeder_.Read(k, a);
    a = RunSample(*a_, sample);
    // Each model is fed its own states back: errors add up as they would in use.
    b = RunSample(*b_, feeder_.has_feedback() ? feeder_.Read(k, b) : sample);
    SampleScore score;
    try {
      score = detector_ ? ScoreBoxes(a[detector_->boxes], a[detector_->scores], b[detector_->boxes],
                                     b[detector_->scores], detector_->form, min_score_)
                        : ScoreSample(a[index_], b[index_],
                                      labels_.given() ? labels_.Of(k) : NoLabels(), score_);
    } catch (const Error& e) {
      throw Error(e.code(), sample.name, e.what());
    }
    score.name = sample.name;
    return score;
  }
  static std::span<const int64_t> NoLabels() { return {}; }

  const InputFeeder feeder_;
  const Labels labels_;
  const ScoreOptions score_;
  const size_t index_;
  const int workers_;
  const std::unique_ptr<Session> a_;
  const std::unique_ptr<Session> b_;
  const bool in_order_;
  const double min_score_;
  std::optional<Detector> detector_;
};

// "03.npy" -> "01_03.npy".
std::string FileName(size_t rank, std::string name) {
  if (name.ends_with(".npy")) name.resize(name.size() - 4);
  return fmt::format("{:02}_{}.npy", rank + 1, PlainName(name));
}

void SaveWorst(const Evaluation& evaluation, const SampleSource& samples,
               const std::filesystem::path& folder) {
  const std::vector<size_t> worst = evaluation.Worst();
  for (size_t rank = 0; rank < worst.size(); ++rank) {
    const Sample sample = samples.Read(worst[rank]);
    const std::vector<std::string> names = FoldersOfInputs(sample.inputs);
    for (size_t i = 0; i < names.size(); ++i) {
      const auto inside = names.size() == 1 ? folder : folder / names[i];
      MakeFolder(inside);
      WriteFile(inside / FileName(rank, sample.name), NpyBytes(sample.inputs[i]));
      ReleaseSignals();
    }
  }
}

// Before the long work: what no output can be held to.
void RefuseBudgets(const ModelPair& pair, const EvaluateOptions& options,
                   const ComparedValue& output, Task task) {
  const ValueType* type = FindValueType(pair.a.model.graph, output.name);
  const bool is_integer = type != nullptr && type->is_tensor() && !IsFloatingPoint(type->element);
  if (is_integer && task != Task::kDetection && !options.labels.empty())
    throw Error(
        ExitCode::kUsage, "",
        fmt::format("--labels: output \"{}\" holds integers, expected scores", output.name));
  if (options.min_agreement && task == Task::kRegression && !is_integer)
    throw Error(
        ExitCode::kUsage, "",
        fmt::format("--min-agreement: output \"{}\" tells no classes, expected scores, which "
                    "--task classification makes of its last axis",
                    output.name));
}

}  // namespace

Evaluation EvaluateModels(const EvaluateOptions& options) {
  const ModelPair pair = LoadPair(options.a, options.b);
  std::vector<std::filesystem::path> outputs = options.outputs;
  outputs.push_back(options.save_worst);
  const SampleSource samples = OpenPairData(pair, options.data, outputs);
  std::vector<Provisional> made;  // goes again where nothing comes into it
  if (!options.save_worst.empty()) {
    RefuseFoldersOfSamples({options.save_worst}, samples);
    made = MakeProvisionalFolder(options.save_worst);
  }
  const ComparedValue& output = ChooseOutput(pair, options.output);
  const Evaluator evaluator(pair, samples, options, output);
  RefuseBudgets(pair, options, output, evaluator.task());
  Evaluation evaluation;
  evaluation.a = pair.place_a;
  evaluation.b = pair.place_b;
  evaluation.output = output.name;
  evaluation.task = evaluator.task();
  if (const auto& detector = evaluator.detector()) {
    evaluation.output = pair.outputs[detector->boxes].name;
    evaluation.scores_output = pair.outputs[detector->scores].name;
    evaluation.min_score = options.min_score;
    evaluation.box_form = Describe(detector->form);
  }
  evaluation.k = options.k;
  evaluation.has_labels = evaluator.has_labels();
  evaluation.worst = options.worst;
  evaluation.max_drop = options.max_drop;
  evaluation.min_agreement = options.min_agreement;
  evaluation.samples = evaluator.Run(options.progress);
  const auto is_binary = [](const SampleScore& sample) {
    return sample.positions == 1 && sample.classes == 2;
  };
  evaluation.is_binary = evaluation.has_labels && std::all_of(evaluation.samples.begin(),
                                                              evaluation.samples.end(), is_binary);
  if (!options.save_worst.empty()) SaveWorst(evaluation, samples, options.save_worst);
  return evaluation;
}

}  // namespace qconvert
