#include "qconvert/pipeline/bench_models.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <set>
#include <utility>

#include "calibration_data.h"
#include "check_data.h"
#include "model_pair.h"
#include "qconvert/base/log.h"
#include "qconvert/base/processor_info.h"
#include "qconvert/base/refuse_overwriting.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/runtime/ort_session.h"
#include "qconvert/runtime/trace.h"

namespace qconvert {
namespace {

constexpr size_t kSamples = 8;
constexpr int kWarmUps = 3;  // rounds
constexpr int kTracedRuns = 21;
constexpr int kRoundsBetweenLooks = 8;

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// A model that is timed, with the samples that it is fed.
class Candidate {
 public:
  Candidate(const std::filesystem::path& file, const BenchModelsOptions& options)
      : place_(file.string()) {
    const LoadedModel loaded = LoadOnnx(file);
    RefuseOverwriting(options.outputs, loaded.files);
    engine_ = SerializeForEngine(loaded.model);
    options_.intra_op_threads = options.threads;
    options_.plans_memory = true;
    options_.external_initializers = engine_.external;
    // The session gets the model as it is; this copy says what it is fed.
    Graph graph = loaded.model.graph;  // shares its bytes
    // Initializers among the inputs have their values.
    graph.inputs = FedInputs(graph);
    for (const Value& input : graph.inputs) {
      if (!input.type.shape) continue;
      has_free_dimensions_ |= std::any_of(input.type.shape->begin(), input.type.shape->end(),
                                          [](const Dim& dim) { return !dim.known(); });
    }
    ReadSamples(options, loaded.model, graph);
    session_ = OpenOrtSession(engine_.bytes, place_, options_);
  }

  const std::vector<std::string>& oddities() const { return oddities_; }

  double Time(size_t round) const {
    const Sample& sample = samples_[round % samples_.size()];
    const auto start = Clock::now();
    RunSample(*session_, sample);
    return SecondsSince(start);
  }

  BenchedModel Report(std::vector<double> seconds, bool profile) const {
    BenchedModel report{.model = place_,
                        .seconds = std::move(seconds),
                        .profile = {},
                        .has_free_dimensions = has_free_dimensions_};
    if (profile) {
      const std::string trace =
          TraceRuns(engine_.bytes, place_, options_, samples_[0].inputs, kTracedRuns);
      report.profile = OperatorTimes(trace);
    }
    return report;
  }

 private:
  void ReadSamples(const BenchModelsOptions& options, const Model& model, const Graph& graph) {
    CalibrationData data = FromSampleData(options.data);
    data.deployment.skip_calibration = options.data.folder.empty();  // draws them
    const SampleSource source = OpenCalibrationData(data, graph, place_);
    RefuseOverwriting(options.outputs, source.files());
    const InputFeeder feeder(source, graph.inputs, options.data.states);
    for (size_t k = 0; k < std::min(kSamples, feeder.size()); ++k)
      samples_.push_back(feeder.Read(k, {}));
    if (!options.data.folder.empty())
      oddities_ = CheckRunData(options.data, graph.inputs, source, {&model});
  }

  std::string place_;
  EngineModel engine_;
  OrtSessionOptions options_;
  std::unique_ptr<Session> session_;
  std::vector<Sample> samples_;
  std::vector<std::string> oddities_;
  bool has_free_dimensions_ = false;
};

using Rounds = std::vector<std::vector<double>>;  // seconds by model and round

void RunRound(const std::vector<std::unique_ptr<Candidate>>& candidates, size_t round,
              Rounds& seconds) {
  for (size_t k = 0; k < candidates.size(); ++k) {
    // Each comes first in turn: whoever runs behind another finds its caches used.
    const size_t m = (round + k) % candidates.size();
    seconds[m].push_back(candidates[m]->Time(round));
  }
}

// How many rounds there are going to be, from what those so far took.
size_t RoundsWanted(const BenchModelsOptions& options, size_t done, double elapsed) {
  if (options.rounds > 0) return static_cast<size_t>(options.rounds);
  const double fitting =
      options.seconds * static_cast<double>(std::max<size_t>(done, 1)) / std::max(elapsed, 1e-9);
  return static_cast<size_t>(std::clamp(fitting, double{kFewestRounds}, double{kMostRounds}));
}

Rounds TimeAll(const std::vector<std::unique_ptr<Candidate>>& candidates,
               const BenchModelsOptions& options) {
  Rounds seconds(candidates.size());
  const auto warming = Clock::now();
  for (size_t round = 0; round < kWarmUps; ++round) RunRound(candidates, round, seconds);
  size_t wanted = RoundsWanted(options, kWarmUps, SecondsSince(warming));
  // First runs pay for what later ones find done.
  for (auto& of_model : seconds) of_model.clear();
  const auto start = Clock::now();
  for (size_t round = 0; round < wanted; ++round) {
    RunRound(candidates, round, seconds);
    if ((round + 1) % kRoundsBetweenLooks == 0)
      // The machine may have become slower: these are done.
      wanted = std::max(RoundsWanted(options, round + 1, SecondsSince(start)), round + 1);
    if (options.progress) options.progress(round + 1, wanted);
  }
  return seconds;
}

}  // namespace

BenchReport BenchModels(const BenchModelsOptions& options) {
  std::vector<std::unique_ptr<Candidate>> candidates;
  for (const auto& model : options.models)
    candidates.push_back(std::make_unique<Candidate>(model, options));
  std::set<std::string> told;  // once for models that are fed alike
  for (const auto& candidate : candidates) {
    for (const std::string& line : candidate->oddities())
      if (told.insert(line).second) LogWarning(line);
  }
  Rounds seconds = TimeAll(candidates, options);
  BenchReport report;
  const ProcessorInfo processor = ThisProcessor();
  report.processor = processor.name + ", " + processor.Kind();
  report.engine = EngineName();
  report.threads = options.threads;
  report.is_random = options.data.folder.empty();
  for (size_t m = 0; m < candidates.size(); ++m)
    report.models.push_back(candidates[m]->Report(std::move(seconds[m]), options.profile));
  return report;
}

}  // namespace qconvert
