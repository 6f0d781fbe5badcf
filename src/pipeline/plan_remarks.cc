#include "plan_remarks.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <vector>

#include "apply_settings.h"
#include "held_out.h"
#include "qconvert/base/error.h"
#include "qconvert/ir/topology.h"
#include "qconvert/plan/value_range.h"
#include "qconvert/report/advice.h"
#include "qconvert/transform/equalize_layers.h"

namespace qconvert {
namespace {

bool IsOfQuantizedModels(const Node& node) {
  const std::string_view type = node.op_type;
  return type == "QuantizeLinear" || type == "DequantizeLinear" || type.starts_with("QLinear") ||
         type.starts_with("DynamicQuantize") || type.ends_with("Integer") ||
         type.ends_with("NBits");
}

bool IsForced(const Node& node, const DeploymentConfig& deployment) {
  const auto& names = deployment.run_on_bpu;
  return std::find(names.begin(), names.end(), node.origin_name()) != names.end();
}

bool HasCodes(const QuantizationPlan& plan, const std::string& value) {
  return plan.values.contains(value) ||
         // An entry names a value of a body as it is called there, or with the way to it.
         std::any_of(plan.bodies.begin(), plan.bodies.end(), [&](const auto& body) {
           return HasCodes(body.second, value) ||
                  (value.starts_with(body.first) &&
                   HasCodes(body.second, value.substr(body.first.size())));
         });
}

// Of a value of the model as it came, which may have gone since.
std::string WhyNoCodes(const Topology& topology, const Graph& graph, const QuantizationPlan& plan,
                       const std::string& value) {
  const size_t writer = topology.ProducerIndex(value);
  if (writer == Topology::kNpos && !graph.IsInput(value))
    return "it is computed in one step with a value beside it";
  const auto is_integer = [&](size_t n) {
    return n < plan.placement.nodes.size() && plan.placement.nodes[n].domain != NodeDomain::kFloat;
  };
  return writer != Topology::kNpos && is_integer(writer)
             ? "an integer kernel hands it on without codes"
             : "the nodes around it compute in float";
}

bool IsJudgedByItself(const ConversionReport& report) {
  const bool is_fitted =
      std::any_of(report.outputs.begin(), report.outputs.end(),
                  [](const OutputComparison& output) { return output.value.is_fitted; });
  return is_fitted && std::any_of(report.corrections.begin(), report.corrections.end(),
                                  [](const CorrectionReport& correction) {
                                    return correction.kept && correction.fits_weights;
                                  });
}

}  // namespace

std::string WhatFailed(const Verdict& verdict) {
  const OutputVerdict* worst = verdict.Worst();
  if (worst == nullptr) return "no output was compared: the engine ran no plan";
  return fmt::format("output \"{}\" {}", worst->name, worst->text);
}

std::string WhatFailed(const ConversionReport& report, const std::string& equalize_option) {
  Verdict verdict = JudgeOutputs(report.outputs, report.gate, report.sample_names);
  SetAdvice(AdviceOf(report.integer_nodes + report.dynamic_nodes > 0, equalize_option), verdict);
  return WhatFailed(verdict);
}

void RefuseFailed(const ConvertOptions& options, const ConversionReport& report) {
  const auto refuse = [&](const std::string& why) {
    throw Error(ExitCode::kNumeric, report.input, why);
  };
  if (!report.guard.ran) {
    refuse(
        fmt::format("nothing was compared with the float model, expected --calib besides {}; "
                    "nothing is written",
                    options.plan != nullptr ? "--quant-info" : "--table"));
  }
  if (options.config.scheme == Scheme::kStatic && report.integer_nodes == 0 &&
      !report.guard.kept_float.empty()) {
    refuse(
        "scheme static was asked for, but every integer node had to go back to float for the "
        "outputs; nothing is written. --guard-reports keeps them, --scheme auto asks for fewer");
  }
  if (!report.guard.passed) refuse(WhatFailed(report) + "; nothing is written");
  if (IsJudgedByItself(report)) {
    refuse(fmt::format(
        "the outputs pass on samples that weights were fitted to, which says nothing of others: "
        "expected {} different ones, or --validate; nothing is written",
        kFewestToHoldOut));
  }
}

std::string EqualizeOptionOf(const QuantConfig& config, const ConfigNode& effective,
                             const Graph& prepared) {
  if (config.equalization != Correction::kOff) return "";
  Graph tried = prepared;  // shares the bytes of tensors
  if (EqualizeLayers(tried, EqualizeOptionsOf(config)) == 0) return "";
  if (config.deployment.generation != Generation::kNone) return "--set per_channel=true";
  const ConfigNode* asked = effective.Find("include_cle");
  const bool is_tried = asked != nullptr && asked->scalar == "auto";  // choose_float_corrections.h
  return asked == nullptr || is_tried ? "" : "--set include_cle=true";
}

bool IsQuantizedAlready(const Graph& graph) {
  return std::any_of(graph.nodes.begin(), graph.nodes.end(), IsOfQuantizedModels);
}

std::string WhyNothingIsQuantized(const Graph& graph, bool takes_all, bool loses_weights) {
  std::map<std::string, size_t> counts;
  for (const Node& node : graph.nodes)
    if (IsOfQuantizedModels(node)) ++counts[node.op_type];
  if (counts.empty() && takes_all)
    return "nothing was quantized: every node stays float for the reason that is told of it";
  if (counts.empty()) {
    return fmt::format(
        "nothing was quantized: {} an integer kernel that saves time; --scheme static takes "
        "every integer kernel there is",
        loses_weights ? "weights would lose too much even in 16 bit, and no node has"
                      : "no node has weights worth storing or");
  }
  std::vector<std::string> found;
  for (const auto& [type, count] : counts) found.push_back(fmt::format("{} x {}", count, type));
  return fmt::format(
      "nothing was quantized: the model is quantized already ({}); use it as it is, or convert the "
      "float model that it was made from",
      fmt::join(found, ", "));
}

std::optional<std::string> RemarkOnLoading(const QuantizationPlan& plan) {
  if (plan.stored_as == StoredAs::kDequantizeLinear) return std::nullopt;
  int64_t bytes = 0;
  for (const auto& [way, weight] : plan.stored) {
    const bool packed = plan.stored_as == StoredAs::kBlocksPacked && weight.block_size > 0;
    // Their kernel takes them packed.
    if (packed) continue;
    bytes += weight.codes.element_count() * static_cast<int64_t>(sizeof(float));
  }
  if (bytes < kManyStoredBytes) return std::nullopt;
  return fmt::format(
      "ONNX Runtime expands {} MB of stored weights while it loads the file, and takes twice that "
      "meanwhile; --scheme dynamic or static keeps them small where kernels allow",
      bytes >> 20);
}

std::optional<std::string> RemarkOnBlocks(const QuantConfig& config, const QuantizationPlan& plan) {
  int wanted = config.tensors.weights.block_size;
  for (const LayerSettings& layer : config.layers)
    wanted = std::max(wanted, layer.tensors.weights.block_size);
  if (wanted == 0) return std::nullopt;
  for (const auto& [way, weight] : plan.stored)
    if (weight.block_size > 0) return std::nullopt;
  return fmt::format(
      "block_size {}: no weights are in blocks; those of a MatMul or Gemm can be, where that many "
      "divide its inner dimension and it computes in float{}",
      wanted, TargetOf(config.target_device).stores_weights ? "" : ", with scheme weight-only");
}

std::optional<std::string> RemarkOnOutputs(const Graph& graph, const QuantizationPlan& plan,
                                           const std::string& type) {
  if (type != "int8" && type != "int16") return std::nullopt;
  std::vector<std::string> left;
  for (const Value& output : graph.outputs)
    if (!plan.values.contains(output.name)) left.push_back(output.name);
  if (left.empty()) return std::nullopt;
  return fmt::format("set_model_output_{}: {} stay{} float, no integers are placed there", type,
                     fmt::join(left, ", "), left.size() == 1 ? "s" : "");
}

std::optional<std::string> RemarkOnForced(const Graph& graph, const QuantizationPlan& plan,
                                          const DeploymentConfig& deployment) {
  std::vector<std::string> left;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const NodePlacement& node = plan.placement.nodes[n];
    if (node.domain == NodeDomain::kFloat && IsForced(graph.nodes[n], deployment))
      left.push_back(fmt::format("{} ({})", graph.nodes[n].name, node.reason));
  }
  if (left.empty()) return std::nullopt;
  return fmt::format("run_on_bpu: stay float: {}", fmt::join(left, ", "));
}

std::vector<std::string> RemarksOnValues(const Graph& graph, const QuantConfig& config,
                                         const QuantizationPlan& plan,
                                         const std::vector<std::string>& told) {
  std::vector<std::string> remarks;
  if (config.values.empty()) return remarks;
  const Topology topology(graph);
  const std::set<std::string> sorted(told.begin(), told.end());
  for (const ValueSettings& one : config.values) {
    // A warning of that place has said why already.
    const std::string start = one.place + ":";
    const auto warning = sorted.lower_bound(start);
    const bool is_told = warning != sorted.end() && warning->starts_with(start);
    if (is_told || one.settings.datatype != Datatype::kInt || HasCodes(plan, one.value)) continue;
    remarks.push_back(fmt::format("{}: '{}' has no codes, {}; the entry has no effect", one.place,
                                  EscapeForTerminal(one.value),
                                  WhyNoCodes(topology, graph, plan, one.value)));
  }
  return remarks;
}

}  // namespace qconvert
