#include "measure_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "compared_models.h"
#include "kept_results.h"
#include "measure_layers.h"
#include "measure_opened.h"
#include "parked_weights.h"
#include "qconvert/base/activity.h"
#include "qconvert/base/error.h"
#include "qconvert/base/log.h"
#include "qconvert/base/parallel.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/plan/node_settings.h"
#include "qconvert/plan/processor.h"
#include "qconvert/plan/value_range.h"
#include "qconvert/rewrite/apply_plan.h"
#include "qconvert/rewrite/type_half_regions.h"
#include "same_nodes.h"

namespace qconvert {
namespace {

// Of a model of which several are opened at once: each holds its weights once more.
constexpr int64_t kMostBytesBeside = int64_t{32} << 20;

// Empty where it is not to be kept.
std::string KeyOfMeasurement(const PlanInputs& inputs, const Model& model,
                             const std::vector<size_t>& samples, bool integer_kernels) {
  if (inputs.cache == nullptr || inputs.reference_hash.empty()) return "";
  return KeyOf({kKeptMeasurement, inputs.reference_hash, HashOf(model),
                fmt::format("{}", fmt::join(samples, " ")), integer_kernels ? "integer" : "float"});
}

int64_t ExpandedBytes(const std::map<std::string, StoredWeight>& stored) {
  int64_t bytes = 0;
  for (const auto& [way, weight] : stored)
    bytes += weight.codes.element_count() * static_cast<int64_t>(sizeof(float));
  return bytes;
}

// What was kept, with the values that it is of; false where it is of others.
bool TakeOutputs(const ModelComparer& comparer, std::vector<OutputComparison> kept,
                 std::vector<OutputComparison>& outputs) {
  const std::vector<ComparedValue>& values = comparer.values();
  if (kept.size() > values.size()) return false;
  for (size_t o = 0; o < kept.size(); ++o) kept[o].value = values[o];
  outputs = std::move(kept);
  return true;
}

// Whether several models can be open at once, and their runs come in any order.
bool MayMeasureBeside(const PlanInputs& inputs) {
  return inputs.cache == nullptr && inputs.codes.workers() > 1 && !IsSearching() &&
         !inputs.comparer.has_feedback() && !inputs.comparer.is_in_step() &&
         WeightBytes(inputs.model.graph) < kMostBytesBeside;
}

// Of whole models.
OpenCandidate OpenerOf(const PlanInputs& inputs) {
  return [&inputs](const Model& model, bool by_integers) {
    return OpenForComparison(model, inputs.place, by_integers, kStepsOfCandidate);
  };
}

// Whether it would give the bits that the reference has given.
bool IsReference(const PlanInputs& inputs, const Model& runnable) {
  return inputs.is_as_it_came && !inputs.comparer.has_feedback() && !inputs.comparer.is_in_step() &&
         ComputeTheSame(inputs.model, runnable);
}

// The verdict, and what is told of a measurement.
void Judge(const PlanInputs& inputs, const std::vector<size_t>& samples, Measured& measured) {
  if (!measured.failure.empty()) LogDebug(measured.failure);
  measured.verdict = JudgeOutputs(measured.outputs, inputs.gate);
  // Of no outputs none fails.
  if (!measured.failure.empty()) measured.verdict.passed = false;
  const OutputVerdict* worst = measured.verdict.Worst();
  LogDebug(fmt::format(
      "measured on {} samples: {:.1f} dB, {:.1f} judged, {:.1f} in a typical sample, {}",
      samples.empty() ? inputs.comparer.count() : samples.size(),
      SqnrOfNoise(measured.pooled_noise()), SqnrOfNoise(measured.judged_noise()),
      SqnrOfNoise(TypicalNoise(measured.outputs)),
      worst == nullptr ? "no output" : worst->name + " " + worst->text));
  // How many there are to be was only estimated.
  const size_t done = inputs.comparer.comparisons();
  if (inputs.on_measurement) inputs.on_measurement(done, std::max(done, inputs.most_measurements));
}

// The float model runs: what fails is this way to quantize it, and another may do.
void TryToMeasure(Measured& measured, const std::function<void(Measured&)>& measure) {
  try {
    measure(measured);
  } catch (const Error& e) {
    if (e.code() != ExitCode::kModel && e.code() != ExitCode::kData) throw;
    measured.failure = e.what();
  }
}

}  // namespace

std::string HashOfReference(const std::string& models, ModelComparer& comparer) {
  if (models.empty() || comparer.has_feedback() || comparer.is_in_step()) return "";
  std::vector<std::string> samples;
  comparer.VisitSamples(
      [&](const Sample& sample) { samples.push_back(HashOf(std::vector{sample})); });
  return KeyOf({models, fmt::format("{}", fmt::join(samples, " "))});
}

double Measured::pooled_noise() const {
  return failure.empty() ? WorstNoise(outputs) : std::numeric_limits<double>::infinity();
}

double Measured::judged_noise() const {
  return failure.empty() ? verdict.noise : std::numeric_limits<double>::infinity();
}

double Measured::typical_noise(const Gate& gate) const {
  return failure.empty() ? std::max(TypicalNoise(outputs), HiddenNoise(outputs, gate))
                         : std::numeric_limits<double>::infinity();
}

QuantizationPlan CompletePlan(const PlanInputs& inputs, const PlanDraft& draft) {
  const Graph& graph = inputs.model.graph;
  QuantizationPlan plan = MakePlan(graph, draft.placement, inputs.table, inputs.settings,
                                   &inputs.ranges, &inputs.corrections.ranges);
  CodeOptions options{.wide = draft.wide_weights,
                      .keep = draft.float_weights,
                      .pair_limit = PairLimitOf(inputs.settings.config),
                      .corrections = &inputs.corrections};
  options.keep.merge(FindFloatWeights(graph, inputs.settings));
  for (const auto& [node, output] : draft.dynamic) options.dynamic.insert(node);
  FillCodes(graph, inputs.settings, options, inputs.codes, plan);
  return plan;
}

Model MakeRunnable(const Model& model, QuantizationPlan plan, FloatCache& floats) {
  Model quantized = model;
  const std::map<std::string, StoredWeight> stored = std::exchange(plan.stored, {});
  ApplyPlan(quantized, plan);
  ExpandWeights(quantized, stored, floats);
  return quantized;
}

Measured MeasurePlan(const PlanInputs& inputs, const PlanDraft& draft,
                     const std::vector<size_t>& samples) {
  return MeasurePlan(inputs, CompletePlan(inputs, draft), samples);
}

Model RunnableOf(const PlanInputs& inputs, QuantizationPlan plan, FloatCache& floats) {
  Model shown = inputs.model;  // shares the bytes of tensors
  PrepareForComparison(inputs.comparer.values(), shown.graph);
  const bool rounds = !plan.rounded.types.empty();
  Model runnable = MakeRunnable(shown, std::move(plan), floats);
  if (rounds && inputs.settings.config.target_device == TargetDevice::kGpu) {
    runnable.graph.value_info.insert(shown.graph.value_info.begin(), shown.graph.value_info.end());
    DropLostRoundings(runnable.graph);
  }
  return runnable;
}

Measured MeasurePlan(const PlanInputs& inputs, QuantizationPlan plan,
                     const std::vector<size_t>& samples, bool integer_kernels) {
  if (ExpandedBytes(plan.stored) < kLargeWeights) {
    const Model runnable = RunnableOf(inputs, std::move(plan), inputs.floats);
    if (!integer_kernels || !IsReference(inputs, runnable))
      return MeasureModel(inputs, runnable, samples, integer_kernels);
    Measured measured;
    measured.outputs = inputs.comparer.CompareWithItself(samples);
    Judge(inputs, samples, measured);
    return measured;
  }
  // As large as the weights that they stand for: not both at once, and none is kept.
  const std::map<std::string, StoredWeight> stored = std::exchange(plan.stored, {});
  Model model = RunnableOf(inputs, std::move(plan), inputs.floats);
  Graph read = model.graph;  // shares the bytes of tensors
  for (const auto& [way, weight] : stored) read.initializers.erase(way);
  Measured measured;
  WithOnlyWeightsOf(read, [&] {
    FloatCache floats(inputs.codes.workers());
    ExpandWeights(model, stored, floats);
    measured = MeasureModel(inputs, model, samples, integer_kernels);
    model = {};
  });
  return measured;
}

Measured MeasureModel(const PlanInputs& inputs, const Model& model,
                      const std::vector<size_t>& samples, bool integer_kernels) {
  return MeasureOpened(inputs, model, samples, integer_kernels, OpenerOf(inputs));
}

Measured MeasureOpened(const PlanInputs& inputs, const Model& model,
                       const std::vector<size_t>& samples, bool integer_kernels,
                       const OpenCandidate& open) {
  Measured measured;
  integer_kernels = integer_kernels && TargetOf(inputs.settings.config.target_device).suits_engine;
  const std::string key = KeyOfMeasurement(inputs, model, samples, integer_kernels);
  TryToMeasure(measured, [&](Measured& found) {
    RecallOrMake<std::vector<OutputComparison>>(
        inputs.cache, kKeptMeasurement, key,
        [&](auto kept) { return TakeOutputs(inputs.comparer, std::move(kept), found.outputs); },
        [&] {
          const auto session = open(model, integer_kernels);
          found.outputs = inputs.comparer.Compare(*session, samples);
        },
        [&] { return TextOf(found.outputs); });
  });
  Judge(inputs, samples, measured);
  return measured;
}

std::vector<Measured> MeasureBeside(const PlanInputs& inputs, size_t count,
                                    const std::function<Candidate(size_t)>& make,
                                    const std::vector<size_t>& samples) {
  const bool by_integers = TargetOf(inputs.settings.config.target_device).suits_engine;
  const int workers = MayMeasureBeside(inputs) ? inputs.codes.workers() : 1;
  std::vector<Measured> all(count);
  for (size_t first = 0; first < count; first += static_cast<size_t>(workers)) {
    std::vector<Candidate> some;
    while (some.size() < std::min(static_cast<size_t>(workers), count - first))
      some.push_back(make(first + some.size()));
    if (some.size() == 1) {  // then its samples are shared among the workers
      all[first] = MeasureOpened(inputs, some[0].model, samples, true, some[0].open);
      continue;
    }
    ParallelFor(some.size(), workers, [&](size_t k, size_t /*worker*/) {
      TryToMeasure(all[first + k], [&](Measured& measured) {
        const auto session = some[k].open(some[k].model, by_integers);
        measured.outputs = inputs.comparer.CompareBeside(*session, samples);
      });
    });
    inputs.comparer.Count(some.size(), samples.size());
    for (size_t k = 0; k < some.size(); ++k) Judge(inputs, samples, all[first + k]);
  }
  return all;
}

std::vector<Measured> MeasurePlans(const PlanInputs& inputs, size_t count,
                                   const std::function<PlanDraft(size_t)>& draft,
                                   const std::vector<size_t>& samples) {
  if (MayMeasureBeside(inputs)) {
    const OpenCandidate open = OpenerOf(inputs);
    return MeasureBeside(
        inputs, count,
        [&](size_t k) {
          return Candidate{RunnableOf(inputs, CompletePlan(inputs, draft(k)), inputs.floats), open};
        },
        samples);
  }
  std::vector<Measured> all;  // weights too large for two models are parked meanwhile
  for (size_t k = 0; k < count; ++k) all.push_back(MeasurePlan(inputs, draft(k), samples));
  return all;
}

}  // namespace qconvert
