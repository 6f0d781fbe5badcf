// Floats multiplied with weights as they are stored.
#include <fmt/format.h>

#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "qconvert/ir/value_types.h"
#include "qconvert/numbers/numeric_format.h"
#include "qconvert/targets/broken_rule.h"

namespace qconvert {
namespace {

constexpr int kByte = 8;
constexpr int64_t kSmallestBlock = 16;

// The weights are rounded to int8 while the engine runs only in these forms.
bool HasForm(const Graph& graph, const Node& dequantize) {
  const Tensor* weight = graph.FindInitializer(dequantize.inputs[0]);
  const Tensor* scale = graph.FindInitializer(dequantize.inputs[1]);
  if (weight == nullptr || scale == nullptr || weight->dims.size() != 2) return false;
  if (BitsOf(weight->type) > kByte) return false;
  const Tensor* zero = graph.FindInitializer(dequantize.input(2));
  if (zero != nullptr && zero->dims != scale->dims) return false;
  const int64_t block = dequantize.GetInt("block_size", 0);
  if (block > 0) {
    return dequantize.GetInt("axis", 1) == 0 && block >= kSmallestBlock &&
           std::has_single_bit(static_cast<uint64_t>(block)) && scale->dims.size() == 2;
  }
  return scale->dims.empty() || (scale->dims.size() == 1 && scale->dims[0] == weight->dims[1] &&
                                 dequantize.GetInt("axis", 1) == 1);
}

// Of a product with the sum behind it.
bool IsPlainGemm(const Node& gemm) {
  return gemm.GetFloat("alpha", 1) == 1 && gemm.GetFloat("beta", 1) == 1 &&
         gemm.GetInt("transA", 0) == 0 && gemm.GetInt("transB", 0) == 0;
}

}  // namespace

// One number for each column of the product.
bool RuleFinder::HasRowBias(size_t n) const {
  const std::string& bias = view_.Input(n, 2);
  if (bias.empty()) return true;
  if (const Tensor* numbers = graph_.FindInitializer(bias)) return numbers->dims.size() == 1;
  const ValueType* type = FindValueType(graph_, bias);
  return type != nullptr && type->shape && type->shape->size() == 1;
}

// A clamp behind a node, read by one other node, keeps kernels without codes behind them away.
bool RuleFinder::IsClamped(size_t n) const {
  const std::string& output = view_.Output(n);
  const auto& readings = view_.topology().Uses(output);
  if (readings.size() != 1 || readings[0].slot == Use::kCaptured) return false;
  const Node& reader = graph_.nodes[readings[0].node];
  return view_.Uses(output).quantizers.empty() && (reader.Is("Relu") || reader.Is("Clip")) &&
         view_.topology().HasSingleUse(reader.outputs[0]);
}

// Weights alone in codes.
RuleFinder::Found RuleFinder::CheckFewBits(size_t n) const {
  const PairEnd weight = view_.InputEnd(n, 1);
  const bool fits = weight.node != nullptr && IsDequantize(*weight.node) &&
                    HasForm(graph_, *weight.node) && (!At(n).Is("Gemm") || IsPlainGemm(At(n))) &&
                    (!view_.IsGemm(n) || HasRowBias(n)) && !IsClamped(n) &&
                    view_.Uses(view_.Output(n)).quantizers.empty();
  if (!fits) return CheckInput(n, 0);
  // The engine writes the weights anew and takes those away that were there.
  for (const size_t slot : {0, 1}) {
    const std::string& constant = weight.node->inputs[slot];
    const size_t readers = readers_.Count(constant);
    if (readers > 1)
      return BrokenRule{"sharing", constant,
                        fmt::format("{} of {} nodes", slot == 0 ? "weights" : "a scale", readers),
                        slot == 0 ? "weights of this node alone"
                                  : "a scale that no other node reads, nor an equal one"};
  }
  return std::nullopt;
}

}  // namespace qconvert
