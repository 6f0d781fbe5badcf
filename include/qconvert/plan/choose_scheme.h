// Which kind of quantization a model gets, before anything is measured.
#ifndef QCONVERT_PLAN_CHOOSE_SCHEME_H_
#define QCONVERT_PLAN_CHOOSE_SCHEME_H_

#include <cstddef>
#include <map>
#include <string>

#include "qconvert/ir/graph.h"
#include "qconvert/plan/model_settings.h"
#include "qconvert/plan/placement.h"

namespace qconvert {

// The scheme that was taken, and what the placement starts from.
struct SchemeChoice {
  Scheme scheme = Scheme::kStatic;  // static, dynamic or weight-only
  std::string reason;
  PlaceOptions place;
  std::map<size_t, std::string> dynamic;  // nodes to be quantized at run time -> their outputs
  // Those that could be, also instead of integers with ranges of calibration.
  std::map<size_t, std::string> run_time;
  bool weigh_noise = false;  // integers may still be given up for their noise
  // Time on integers / in float, of the nodes that integers could take; on processor any the mean
  // of those with and without int8 dot products.
  double estimated_ratio = 1;
};

// From the operators, the sizes and the settings alone; nothing has been measured yet.
//   static       integers where they save time; the objective says how eagerly
//   weight-only  when integers save no time anywhere: 8-bit weights, float kernels
// Bodies of If, Loop and Scan compute on integers where that saves time in them, and the target
// can. `sizes` may say how often a body runs, by the way to it.
// Times are those of the settings' processor, or of `measured` where that is given. On processor
// any nothing is placed on integers that would be slower than float without int8 dot products.
SchemeChoice ChooseScheme(const Graph& graph, ValueSizes sizes, const ModelSettings& settings,
                          const CostTable* measured = nullptr);

// True when some node computes on integers, in bodies too.
bool AnyInteger(const Placement& placement);

// Has every node of one of `options.bodies` stay float that is not told to already.
void KeepBodyFloat(const std::string& way, PlaceOptions& options, const std::string& reason);

// Has every node stay float that is not told to already, in bodies too.
void KeepAllFloat(const Graph& graph, PlaceOptions& options, const std::string& reason);

}  // namespace qconvert

#endif  // QCONVERT_PLAN_CHOOSE_SCHEME_H_
