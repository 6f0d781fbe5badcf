#include "choose_corrections.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "correct_layers.h"
#include "layerwise_run.h"
#include "qconvert/plan/expected_noise.h"

namespace qconvert {
namespace {

constexpr size_t kSamples = 32;
constexpr double kMostBytes = double{256 << 20};

bool HasIntegerWeights(const PlanInputs& inputs, const PlanDraft& plan) {
  const std::vector<Node>& nodes = inputs.model.graph.nodes;
  for (size_t n = 0; n < nodes.size(); ++n) {
    if (plan.placement.nodes[n].domain == NodeDomain::kInteger &&
        FindOpRule(nodes[n]).kind == OpKind::kWeighted)
      return true;
  }
  return false;
}

// Calibration samples, spread evenly: as many as the settings say, at most, and as fit into memory
// with what both models compute of them. None where runs depend on each other.
std::vector<Sample> SomeSamples(const PlanInputs& inputs, const ValueSizes& sizes) {
  const InputFeeder& feeder = inputs.calibration;
  if (feeder.has_feedback() || inputs.comparer.is_in_step()) return {};
  const int64_t asked = inputs.settings.config.bias_correction_samples;
  const double bytes = 2 * PeakLiveBytes(inputs.model.graph, sizes);
  const auto fit = static_cast<size_t>(kMostBytes / std::max(bytes, 1.0));
  const size_t count = std::min(
      {asked > 0 ? static_cast<size_t>(asked) : kSamples, feeder.size(), std::max<size_t>(fit, 1)});
  std::vector<Sample> samples;
  for (size_t k = 0; k < count; ++k) samples.push_back(feeder.Read(k * feeder.size() / count, {}));
  return samples;
}

// Whether weights are expected to bring more than half of the noise of integer nodes.
bool WeightsCarryTheNoise(const PlanInputs& inputs, const QuantizationPlan& plan) {
  const Graph& graph = inputs.model.graph;
  double weights = 0;
  for (const auto& [n, integer] : plan.integer_nodes) {
    if (!integer.weight) continue;
    const Tensor* floats = graph.FindInitializer(integer.weight->name);
    weights += ExpectedWeightNoise(floats->values<float>(), integer.weight->params.scales);
  }
  double all = 0;
  for (const double noise : ExpectedNodeNoise(graph, plan, inputs.table)) all += noise;
  return 2 * weights > all;
}

class Chooser {
 public:
  Chooser(PlanInputs& inputs, const PlanDraft& draft, const ValueSizes& sizes, double goal)
      : inputs_(inputs), draft_(draft), sizes_(sizes), goal_(goal) {}

  ChosenCorrections Run() {
    const QuantConfig& config = inputs_.settings.config;
    const Correction biases = config.bias_correction;
    const Correction rounding = config.second_order_rounding;
    const bool is_asked = biases == Correction::kOn || rounding == Correction::kOn;
    const bool is_open = biases == Correction::kAuto || rounding == Correction::kAuto;
    if (!HasIntegerWeights(inputs_, draft_) || !(is_asked || (is_open && can_measure()))) return {};
    if (can_measure()) chosen_.measured = MeasurePlan(inputs_, draft_);
    if (chosen_.measured && !chosen_.measured->failure.empty()) return std::move(chosen_);
    const QuantizationPlan plain = CompletePlan(inputs_, draft_);
    if (biases == Correction::kOn || (biases == Correction::kAuto && Misses()))
      Try("biases", plain, {.move_biases = true}, biases);
    if (rounding == Correction::kOn ||
        (rounding == Correction::kAuto && Misses() && WeightsCarryTheNoise(inputs_, plain))) {
      const bool with_biases = !inputs_.corrections.bias.empty();
      Try("rounding", plain, {.round_weights = true, .move_biases = with_biases}, rounding);
    }
    return std::move(chosen_);
  }

 private:
  bool can_measure() const { return inputs_.comparer.count() > 0; }
  double noise() const { return chosen_.measured ? chosen_.measured->pooled_noise() : 0; }
  bool Misses() const { return noise() > goal_; }

  void Try(const char* name, const QuantizationPlan& plain, CorrectionOptions options,
           Correction wanted) {
    if (samples_.empty()) samples_ = SomeSamples(inputs_, sizes_);
    if (samples_.empty()) {
      if (wanted == Correction::kOn)
        chosen_.warnings.push_back(
            fmt::format("{} are not corrected: that takes samples that do "
                        "not depend on each other",
                        name));
      return;
    }
    options.workers = inputs_.codes.workers();
    LayerCorrections found =
        CorrectLayers(inputs_.model, plain, inputs_.settings, samples_, options, inputs_.place);
    CorrectionReport report{.name = name, .kept = true};
    report.layers = options.round_weights ? found.weights.size() : found.bias.size();
    if (report.layers == 0) return;
    std::swap(inputs_.corrections, found);
    if (chosen_.measured) {
      Measured measured = MeasurePlan(inputs_, draft_);
      report.noise_before = TypicalNoise(chosen_.measured->outputs);
      report.noise_after = TypicalNoise(measured.outputs);
      const bool fails = chosen_.measured->verdict.passed && !measured.verdict.passed;
      const bool helps = report.noise_after < report.noise_before && !fails;
      report.kept = wanted == Correction::kOn || helps;
      if (report.kept) chosen_.measured = std::move(measured);
    }
    if (!report.kept) std::swap(inputs_.corrections, found);
    chosen_.tried.push_back(std::move(report));
  }

  PlanInputs& inputs_;
  const PlanDraft& draft_;
  const ValueSizes& sizes_;
  const double goal_;
  std::vector<Sample> samples_;
  ChosenCorrections chosen_;
};

}  // namespace

ChosenCorrections ChooseCorrections(PlanInputs& inputs, const PlanDraft& plan,
                                    const ValueSizes& sizes, double goal) {
  return Chooser(inputs, plan, sizes, goal).Run();
}

}  // namespace qconvert
