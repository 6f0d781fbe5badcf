#include "qconvert/pipeline/evaluate_models.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "model_pair.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/folders.h"
#include "qconvert/base/parallel.h"
#include "qconvert/base/signals.h"
#include "qconvert/base/suggest.h"
#include "qconvert/dataset/npy_writer.h"
#include "qconvert/dataset/plain_name.h"
#include "read_labels.h"

namespace qconvert {
namespace {

bool IsScores(const ComparedValue& value) { return value.kind.scores != OutputKind::Scores::kNone; }

const ComparedValue& ChooseOutput(const ModelPair& pair, const std::string& name) {
  const auto find = [&](auto&& is_it) {
    return std::find_if(pair.outputs.begin(), pair.outputs.end(), is_it);
  };
  if (!name.empty()) {
    const auto it = find([&](const ComparedValue& value) { return value.name == name; });
    if (it != pair.outputs.end()) return *it;
    throw Error(ExitCode::kUsage, "",
                fmt::format("--output: no output of both models is called \"{}\"{}", name,
                            DidYouMean(name, NamesOf(pair.outputs))));
  }
  const auto scores = find(IsScores);
  return scores == pair.outputs.end() ? pair.outputs[0] : *scores;
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
                  fmt::format("holds {} label{} for {} sample{}", all_.size(),
                              all_.size() == 1 ? "" : "s", samples, samples == 1 ? "" : "s"));
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
        index_(static_cast<size_t>(&output - pair.outputs.data())),
        workers_(WorkerCount(options.data)),
        a_(OpenShowing(pair.a.model, pair.place_a, NamesOf(pair.outputs), pair.is_random)),
        b_(OpenShowing(pair.b.model, pair.place_b, NamesOf(pair.outputs), pair.is_random)),
        in_order_(feeder_.has_feedback() || pair.is_random) {}

  Task task() const { return score_.task; }
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
    b = RunSample(*b_, feeder_.has_feedback() ? feeder_.Read(k, b) : sample);
    SampleScore score;
    try {
      score =
          ScoreSample(a[index_], b[index_], labels_.given() ? labels_.Of(k) : NoLabels(), score_);
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
    for (const Tensor& input : sample.inputs) {
      const auto inside = sample.inputs.size() == 1 ? folder : folder / PlainName(input.name);
      MakeFolder(inside);
      WriteFile(inside / FileName(rank, sample.name), NpyBytes(input));
      ReleaseSignals();
    }
  }
}

}  // namespace

Evaluation EvaluateModels(const EvaluateOptions& options) {
  const ModelPair pair = LoadPair(options.a, options.b);
  std::vector<std::filesystem::path> outputs = options.outputs;
  outputs.push_back(options.save_worst);
  const SampleSource samples = OpenPairData(pair, options.data, outputs);
  std::vector<Provisional> made;  // goes again where nothing comes into it
  if (!options.save_worst.empty()) {
    RefuseFolderOfSamples(options.save_worst, samples);
    made = MakeProvisionalFolder(options.save_worst);
  }
  const ComparedValue& output = ChooseOutput(pair, options.output);
  const Evaluator evaluator(pair, samples, options, output);
  Evaluation evaluation;
  evaluation.a = pair.place_a;
  evaluation.b = pair.place_b;
  evaluation.output = output.name;
  evaluation.task = evaluator.task();
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
