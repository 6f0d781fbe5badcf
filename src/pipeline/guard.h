// Compares the quantized model with the float one before it is accepted, and repairs it.
#ifndef QCONVERT_SRC_PIPELINE_GUARD_H_
#define QCONVERT_SRC_PIPELINE_GUARD_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "measure_plan.h"
#include "qconvert/plan/placement.h"
#include "qconvert/plan/plan.h"
#include "qconvert/report/conversion_report.h"
#include "widen_weights.h"

namespace qconvert {

// Measurements that it takes, where stored weights do not ask for more.
inline constexpr size_t kMostGuardMeasurements = 40;

struct GuardOptions {
  Gate gate;  // what every output must reach
  // SQNR in dB of a typical sample up to which nodes go back to float as long as that is cheap,
  // where a plan misses it by more than 1 dB; 0: the gate will do.
  double aim_sqnr_db = 0;
  // Noise (error power / signal power of the worst output) that stored weights may bring: they are
  // no faster than float ones, so they must be much better than what integer nodes may do.
  double max_weight_noise = 1e-3;
  // Where that is not reached, some weights more have 16 bit (widen_weights.h).
  double good_weight_noise = 1e-4;
  std::function<Measured(const PlanDraft&)> measure;  // on all samples
  // Measures so many plans on `typical`, none of which depends on another one.
  std::function<std::vector<Measured>(size_t count, const std::function<PlanDraft(size_t)>& draft)>
      measure_parts;
  // Called before parts are measured, with the plan that they are parts of put back to float but
  // for one at a time: most of it is in every plan measured on `typical` from there on. May be
  // empty.
  std::function<void(const PlanDraft& all_float)> before_parts;
  std::optional<Measured> whole;  // what it says of the whole plan, where that is known
  // Nodes to be quantized at run time, float in the placement, and weights that are wide anyway.
  std::map<size_t, std::string> dynamic;
  std::set<std::string> wide_weights;
  // Integer nodes that could be quantized at run time instead -> their outputs.
  std::map<size_t, std::string> run_time;
  // Weights that the whole plan stores in 8 bit.
  std::vector<WeightItem> weights;
  // All that can be stored, the ones that lose most in 16 bit first; asked for where 16 bit are not
  // enough. May be empty: then none is left in float32.
  std::function<std::vector<std::string>()> by_loss;
  std::vector<size_t> typical;  // samples that parts are measured on; all when there are none
  // At most, of parts and of whole plans with parts put back.
  size_t map_measurements = 20;
  size_t whole_measurements = 8;
};

struct GuardResult {
  PlanDraft plan;
  Measured measured;  // of the plan, on all samples
  int measurements = 0;
  std::vector<std::string> kept_wide;   // weights that the guard stored in 16 bit or not at all
  std::vector<std::string> kept_float;  // nodes that the guard put back
  std::vector<RepairStep> steps = {};
};

// Accepts the whole plan when it holds. Else, in this order:
//
//   1. Stored weights are measured alone; those that bring too much noise are stored in 16 bit, and
//      where that is not enough some are left in float32 (lost_weights.h).
//   2. Integer nodes that can be are quantized at run time where that is worth its time.
//   3. Parts of the model are measured alone on integers (noise_map.h), and those that must, or for
//      the aim where it costs little time, go back to float (give_back.h), with their weights in 16
//      bit where 8 would not do.
//   4. Where that fails, and the weights in 16 bit are why, some are left in float32 and 3. is done
//      again.
//
// The integers of a body of If, Loop or Scan are one such part, or go back, together.
// Parts are measured on a few samples, whole plans on all of them.
GuardResult RunGuard(const Graph& graph, const PlaceOptions& base, const GuardOptions& options);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_GUARD_H_
