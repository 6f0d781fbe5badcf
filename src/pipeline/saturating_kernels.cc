#include "saturating_kernels.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "check_samples.h"
#include "qconvert/base/counted.h"
#include "qconvert/base/error.h"
#include "qconvert/ir/topology.h"
#include "qconvert/pipeline/lint_file.h"
#include "qconvert/plan/processor.h"
#include "qconvert/targets/op_rules.h"
#include "qconvert/targets/pair_view.h"
#include "qconvert/targets/weight_slots.h"
#include "qconvert/transform/normalize.h"

namespace qconvert {
namespace {

// An integer operator as the one that it computes, and the slot of its weights.
struct Product {
  std::string_view op_type;
  std::string_view computes;
  size_t slot;
};
constexpr Product kProducts[] = {{"QLinearConv", "Conv", 3},
                                 {"ConvInteger", "Conv", 1},
                                 {"QLinearMatMul", "MatMul", 3},
                                 {"MatMulInteger", "MatMul", 1},
                                 {"MatMulIntegerToFloat", "MatMul", 1},
                                 {"DynamicQuantizeMatMul", "MatMul", 1},
                                 {"QGemm", "Gemm", 3}};

// The codes of a node's weights, and the node that is computed on them.
struct Codes {
  Node node;
  const Tensor* weight = nullptr;
};

Codes CodesOf(const Graph& graph, const Topology& topology, const Node& node) {
  Codes codes{node, nullptr};
  const auto* product = std::find_if(std::begin(kProducts), std::end(kProducts),
                                     [&](const auto& one) { return one.op_type == node.op_type; });
  if (product != std::end(kProducts) && (node.domain.empty() || IsIntegerKernel(node))) {
    codes.node.op_type = product->computes;
    codes.node.domain.clear();
    codes.weight = graph.FindInitializer(node.input(product->slot));
  } else if (FindWeightSlot(node, 1, 2)) {
    const Node* dequantize = topology.Producer(node.input(1));
    if (dequantize != nullptr && IsDequantize(*dequantize))
      codes.weight = graph.FindInitializer(dequantize->input(0));
  }
  const bool fits = codes.weight != nullptr && codes.weight->type == DataType::kInt8 &&
                    codes.weight->element_count() > 0 &&
                    codes.weight->dims.size() >= (codes.node.Is("Conv") ? 3U : 2U);
  if (!fits) codes.weight = nullptr;
  return codes;
}

// Whether two neighbours of one sign, in the order of the kernel, sum to more than `limit`.
bool HasLargePair(const Codes& codes, int32_t limit) {
  const WeightOrder order = KernelOrder(codes.node, *codes.weight);
  const std::span<const int8_t> values = codes.weight->values<int8_t>();
  if (!order.pairs_in_16_bits || order.count < 2) return false;
  const auto at = [&](int64_t start, int64_t k) {
    const int64_t place = start + k % order.inner_count * order.inner_stride +
                          k / order.inner_count * order.outer_stride;
    return static_cast<int32_t>(values[static_cast<size_t>(place)]);
  };
  for (int64_t b = 0; b < order.batches; ++b) {
    for (int64_t o = 0; o < order.channels; ++o) {
      const int64_t start = b * order.batch_stride + o * order.channel_stride;
      for (int64_t k = 0; k + 1 < order.count; k += 2) {
        const int32_t sum = at(start, k) + at(start, k + 1);
        // Larger than one code can be: both have one sign.
        if (sum > limit || sum < -limit) return true;
      }
    }
  }
  return false;
}

}  // namespace

std::vector<std::string> FindSaturatingNodes(const Model& model, const std::string& place,
                                             Processor processor) {
  QuantConfig config;  // of the CPU
  config.processor = processor;
  const int32_t limit = PairLimitOf(config);
  if (limit == 0) return {};
  Model own = model;  // shares the bytes of tensors
  try {
    Normalize(own);
    const Topology topology(own.graph);
    std::set<std::string> suspects;
    for (const Node& node : own.graph.nodes) {
      const Codes codes = CodesOf(own.graph, topology, node);
      if (codes.weight != nullptr && HasLargePair(codes, limit)) suspects.insert(node.name);
    }
    if (suspects.empty()) return {};
    std::vector<std::string> found;
    for (const LintedNode& node : LintModel(std::move(own), kCpuTarget, place).nodes) {
      if (node.kind == LintedNode::Kind::kInteger && suspects.contains(node.name))
        found.push_back(node.name);
    }
    return found;
  } catch (const Error&) {
    return {};  // of what cannot be looked at nothing is said
  }
}

std::string RemarkOnSaturation(const Model& model, const std::string& place) {
#if defined(__x86_64__)
  const std::vector<std::string> nodes = FindSaturatingNodes(model, place, Processor::kHost);
  if (nodes.empty()) return "";
  return fmt::format(
      "{}: may saturate here in {} ({}): int8 kernels of processors without int8 dot products add "
      "pairs of products in 16 bits, those of others and of other devices do not",
      place, Counted(static_cast<int64_t>(nodes.size()), "node"), FirstNames(nodes));
#else
  return "";
#endif
}

}  // namespace qconvert
