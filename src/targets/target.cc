#include "qconvert/targets/target.h"

#include <fmt/format.h>

#include <algorithm>

#include "qconvert/targets/op_rules.h"

namespace qconvert {

namespace {

#if defined(__x86_64__) || defined(__i386__)
constexpr bool kIsX86 = true;
#else
constexpr bool kIsX86 = false;
#endif

}  // namespace

// ONNX Runtime on ARM. Its passes are those of x86 but for the one that makes codes unsigned.
const Target kArmTarget{.name = "ARM",
                        .places_by_time = true,
                        .unsigned_activations = true,
                        .products_write_floats = true,
                        .suits_engine = true,
                        .quantizes_bodies = true};

// ONNX Runtime on the processor that this is built for, measured on 1.28.0 (docs/op_rules.md).
const Target kCpuTarget{.name = "CPU",
                        .places_by_time = true,
                        .pair_limit = 128,
                        .unsigned_activations = true,
                        .unsigns_codes = kIsX86,
                        .products_write_floats = true,
                        .suits_engine = true,
                        .quantizes_bodies = true};

namespace {

std::string WhyNotIn(std::span<const TargetOperator> table, const Target& target,
                     const Graph& graph, const Node& node) {
  const auto row = std::find_if(table.begin(), table.end(), [&](const TargetOperator& one) {
    return one.op_type == node.op_type;
  });
  if (row == table.end())
    return fmt::format("target {} computes {} in float", target.name, node.op_type);
  return row->why_float == nullptr ? "" : row->why_float(graph, node);
}

}  // namespace

std::string WhyFloatOn(const Target& target, const Graph& graph, const Node& node) {
  std::string reason = WhyFloat(graph, node);
  if (!reason.empty() || target.operators.empty()) return reason;
  return WhyNotIn(target.operators, target, graph, node);
}

std::string WhyBodiesAreFloat(const Target& target) {
  return fmt::format("target {} computes bodies in float", target.name);
}

std::string WhyNoKernelOn(const Target& target, const Graph& graph, const Node& node) {
  return target.kernels.empty() ? WhyFloatOn(target, graph, node)
                                : WhyNotIn(target.kernels, target, graph, node);
}

}  // namespace qconvert
