// What a user should know of a plan beside its numbers.
#ifndef QCONVERT_SRC_PIPELINE_PLAN_REMARKS_H_
#define QCONVERT_SRC_PIPELINE_PLAN_REMARKS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "qconvert/config/config_node.h"
#include "qconvert/config/quant_config.h"
#include "qconvert/ir/graph.h"
#include "qconvert/pipeline/convert.h"
#include "qconvert/plan/plan.h"
#include "qconvert/report/conversion_report.h"
#include "qconvert/report/verdict.h"

namespace qconvert {

// The worst output and what it misses; where the engine ran no plan at all there is none.
std::string WhatFailed(const Verdict& verdict);
// The same of a report, with what may be done about it; `equalize_option`: see AdviceOf.
std::string WhatFailed(const ConversionReport& report, const std::string& equalize_option = "");

// Throws Error(kNumeric) when `report` must stop a conversion that must pass.
void RefuseFailed(const ConvertOptions& options, const ConversionReport& report);

// "--set ..." in the words of the settings' language (`effective`), which would even out channels
// between layers of the prepared graph; "" where they are equalized, that is tried, or none can
// be.
std::string EqualizeOptionOf(const QuantConfig& config, const ConfigNode& effective,
                             const Graph& prepared);

// Whether the graph holds nodes that only quantized models have.
bool IsQuantizedAlready(const Graph& graph);
// What the scheme's line says of such a graph where nothing is left to quantize.
inline constexpr const char* kQuantizedAlready =
    "the model is quantized already, nothing is left to quantize";

// Why a plan without any integers is one, and what to do: the model is quantized already, or has
// nothing that would be faster or smaller. `takes_all`: scheme static, for which time is no reason;
// `loses_weights`: some stay float32 that could be stored.
std::string WhyNothingIsQuantized(const Graph& graph, bool takes_all, bool loses_weights = false);

// Weights that are expanded while the engine loads them take twice their float size meanwhile
// (docs/plan.md). Worth a remark from so many bytes of floats on.
inline constexpr int64_t kManyStoredBytes = int64_t{500} << 20;
std::optional<std::string> RemarkOnLoading(const QuantizationPlan& plan);

// Settings want blocks and no weight of the plan has them.
std::optional<std::string> RemarkOnBlocks(const QuantConfig& config, const QuantizationPlan& plan);

// Outputs without codes, where the settings ask for codes of `type` (int8; else nothing).
std::optional<std::string> RemarkOnOutputs(const Graph& graph, const QuantizationPlan& plan,
                                           const std::string& type);

// Nodes of run_on_bpu that are float all the same, with the reason.
std::optional<std::string> RemarkOnForced(const Graph& graph, const QuantizationPlan& plan,
                                          const DeploymentConfig& deployment);

// A line for each entry of value_quantize_config whose value the plan gives no codes, with the
// reason. Not of entries that `told` begins with: names that are nowhere in the model as it came
// (plan/match_layers.h).
std::vector<std::string> RemarksOnValues(const Graph& graph, const QuantConfig& config,
                                         const QuantizationPlan& plan,
                                         const std::vector<std::string>& told);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_PLAN_REMARKS_H_
