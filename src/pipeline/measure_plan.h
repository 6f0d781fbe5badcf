// A plan's distance from the float model, measured by running it.
#ifndef QCONVERT_SRC_PIPELINE_MEASURE_PLAN_H_
#define QCONVERT_SRC_PIPELINE_MEASURE_PLAN_H_

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "compare_models.h"
#include "qconvert/base/result_cache.h"
#include "qconvert/calibration/calibration_table.h"
#include "qconvert/ir/graph.h"
#include "qconvert/plan/plan.h"
#include "qconvert/report/verdict.h"
#include "qconvert/rewrite/store_weights.h"
#include "qconvert/transform/channel_moments.h"
#include "qconvert/weights/fill_codes.h"

namespace qconvert {

// The aim of scheme auto where none is given, in a typical sample; other schemes have none then.
inline constexpr double kAimSqnrDb = 30;

// What a plan follows from: nodes on integers; nodes that are float in the placement and quantized
// at run time; and the weights of all other nodes, stored in 8 bit but for some in 16 and some that
// are not stored.
struct PlanDraft {
  Placement placement;
  std::map<size_t, std::string> dynamic;  // node -> its output
  std::set<std::string> wide_weights;
  std::set<std::string> float_weights = {};  // goes before `wide_weights`
};

// Everything that measuring a plan needs.
struct PlanInputs {
  const Model& model;  // prepared, float
  const CalibrationTable& table;
  ModelComparer& comparer;  // with the model as it came
  RangeCache& ranges;
  CodeCache& codes;
  FloatCache& floats;
  const InputFeeder& calibration;         // samples of the table; none where they are not at hand
  const std::vector<size_t>& by_content;  // the same ones: in an order that no file names change
  const std::map<std::string, ChannelMoments>& moments;  // of the model as it came, by value
  ModelSettings settings;
  LayerCorrections corrections;
  Gate gate;
  std::optional<double> aim_sqnr_db;  // to go for where it is cheap; see guard.h, kAimSqnrDb
  bool keep_plain = false;            // also the plan without corrections
  std::string place;                  // names the model in errors
  // Where measurements and what is learned are kept; null: nowhere.
  ResultCache* cache = nullptr;
  // The prepared model is, node for node, the one that it is compared with (same_nodes.h): what a
  // plan that changes nothing gives is known then.
  bool is_as_it_came = false;
  std::string reference_hash;    // of all that the comparer compares with; empty: none is kept
  size_t most_measurements = 0;  // that the choice can come to; see on_measurement
  std::function<void(size_t done, size_t most)> on_measurement;
  std::function<void(size_t percent)> on_learning;
};

struct Measured {
  std::vector<OutputComparison> outputs;
  Verdict verdict;      // by the gate
  std::string failure;  // why the engine cannot run the plan; then there are no outputs

  // Error power over signal power of the worst output over all samples; infinite when it does not
  // run.
  double pooled_noise() const;
  // Verdict::noise, infinite when it does not run.
  double judged_noise() const;
  // The greater of TypicalNoise and HiddenNoise, infinite when it does not run.
  double typical_noise(const Gate& gate) const;
};

// For PlanInputs, of the models' hashes (empty: nothing is kept) and every sample. Empty where what
// the comparer says depends on more than that: where samples do on each other, or the models draw
// random numbers.
std::string HashOfReference(const std::string& models, ModelComparer& comparer);

// The plan with every parameter and code.
QuantizationPlan CompletePlan(const PlanInputs& inputs, const PlanDraft& draft);

// `model`, prepared, as the plan says, for running here alone: weights are floats again.
Model MakeRunnable(const Model& model, QuantizationPlan plan, FloatCache& floats);

// Runs a model with the outputs of the comparer's on these of its samples, on all when there are
// none. Without integer kernels the engine computes pairs as they are written, as it does of files
// for other devices than its own: its kernels may saturate where theirs do not.
Measured MeasureModel(const PlanInputs& inputs, const Model& model,
                      const std::vector<size_t>& samples = {}, bool integer_kernels = true);

// Runs the plan in memory as MeasureModel does.
Measured MeasurePlan(const PlanInputs& inputs, QuantizationPlan plan,
                     const std::vector<size_t>& samples = {}, bool integer_kernels = true);
Measured MeasurePlan(const PlanInputs& inputs, const PlanDraft& draft,
                     const std::vector<size_t>& samples = {});

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_MEASURE_PLAN_H_
