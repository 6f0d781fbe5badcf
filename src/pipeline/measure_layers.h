// Where the error of a quantized model comes from, node by node.
#ifndef QCONVERT_SRC_PIPELINE_MEASURE_LAYERS_H_
#define QCONVERT_SRC_PIPELINE_MEASURE_LAYERS_H_

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "compare_models.h"
#include "qconvert/calibration/input_feeder.h"
#include "qconvert/plan/cost_model.h"
#include "qconvert/plan/plan.h"
#include "qconvert/report/layer_report.h"
#include "switched_model.h"

namespace qconvert {

// Runs a switched model against the float one, on a few of the comparer's samples.
class SwitchMeter {
 public:
  // Keeps all of these. `place` names the model in errors; `on_run` (may be empty) is told of every
  // set of switches measured.
  SwitchMeter(const SwitchedModel& switched, ModelComparer& comparer, const std::string& place,
              std::vector<size_t> samples, std::function<void()> on_run);

  // Error power over signal power of the worst output with these switches on; infinite where
  // numbers are no longer finite.
  double Noise(const std::set<size_t>& on);

  size_t samples() const { return samples_.size(); }
  size_t runs() const { return measured_ * samples_.size(); }

 private:
  const SwitchedModel& switched_;
  ModelComparer& comparer_;
  std::shared_ptr<const Session> session_;
  const std::vector<size_t> samples_;
  const std::function<void()> on_run_;
  size_t measured_ = 0;
};

// What is compared on.
struct LayerInputs {
  const Model& exact;  // prepared
  const QuantizationPlan& plan;
  ModelComparer& comparer;
  const InputFeeder& feeder;         // of the comparer
  const std::vector<size_t>& order;  // the same
  ValueSizes sizes;                  // of the float model
  CostTable costs = kAvx2Costs;
  // By node: the most suspicious ones are measured where not all are.
  std::vector<double> suspicion;
  std::string place;
  int workers = 1;
  size_t samples = 0;            // 0: two, of more than kFewSwitches switches one
  int64_t memory_limit = 0;      // bytes of the process; 0: any
  std::function<void()> on_run;  // told of every set of switches measured; may be empty
};

// From so many switches on one sample has to do, so that all of them take no longer than a
// conversion.
inline constexpr size_t kFewSwitches = 32;
// Single nodes that are measured alone, and of those, the worst, that are measured left out.
inline constexpr size_t kMostAlone = 256;
inline constexpr size_t kMostWithout = 10;
// Of a network that takes so many multiply-adds that kMostAlone runs are no longer worth waiting
// for, as many as take these, at least kFewRuns.
inline constexpr double kMostMultiplyAdds = 6e11;
inline constexpr size_t kFewRuns = 16;
// Bytes of float weights beyond which nothing is measured, also a quarter of the memory limit: the
// engine holds both models, and may hold both in a layout of its own besides.
inline constexpr int64_t kMostLayerBytes = int64_t{1} << 30;

// Of all initializers of its top level.
int64_t WeightBytes(const Graph& graph);

// How many runs of both models, of so many multiply-adds together, to afford; at most `most`.
size_t AffordedRuns(double multiply_adds, size_t most);

// Multiply-adds of both models on all samples that a set of switches is measured on.
double MultiplyAddsOfRun(const LayerInputs& inputs, size_t samples);

// What a plan makes of the float model, to be joined with it.
Model QuantizedOf(const LayerInputs& inputs, QuantizationPlan plan);
// The float model with a plan of it, the whole or a part.
SwitchedModel SwitchPlan(const LayerInputs& inputs, QuantizationPlan plan);

// What a switched model is asked of.
struct SwitchedNode {
  size_t node = 0;           // of the plan: the one that a unit begins with
  std::set<size_t> numbers;  // of its switches: several where what it writes is moved about
};
// Each node once, in the order of their first switches.
std::vector<SwitchedNode> NodesOfSwitches(const SwitchedModel& switched,
                                          const QuantizationPlan& plan);

// Noise of what every node writes in the whole quantized model, on the samples, into `behind` of
// its errors: one pass of each model for every kInnerBytes of values.
void MeasureBehind(const SwitchedModel& switched, const LayerInputs& inputs,
                   std::optional<double> NodeErrors::*behind, LayerErrors& errors);

// MeasureBehind, and one run of both models for every sample and switch. Nothing is measured of
// models with random numbers, or of too many weights.
LayerErrors MeasureLayers(const LayerInputs& inputs);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_MEASURE_LAYERS_H_
