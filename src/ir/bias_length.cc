#include "qconvert/ir/bias_length.h"

#include <fmt/format.h>

#include <limits>

#include "qconvert/base/checked.h"

namespace qconvert {
namespace {

struct Slots {
  size_t weight;
  size_t bias;
};

std::optional<Slots> SlotsOf(const Node& node) {
  if (node.Is("Conv") || node.Is("ConvTranspose")) return Slots{1, 2};
  // Inputs: x, its scale and zero point, weights, theirs, those of the output, bias.
  if (node.Is("QLinearConv")) return Slots{3, 8};
  const bool fused = node.domain == "com.microsoft" && node.op_type == "FusedConv";
  // The engine's optimizer writes these two into models that it saves.
  const bool blocked = node.domain == "com.microsoft.nchwc" && node.op_type == "Conv";
  return fused || blocked ? std::optional(Slots{1, 2}) : std::nullopt;
}

}  // namespace

std::string WhyWrongBias(const Node& node, const FindDims& dims) {
  const std::optional<Slots> slots = SlotsOf(node);
  if (!slots || node.input(slots->bias).empty()) return "";
  const auto weight = dims(node.input(slots->weight));
  const auto bias = dims(node.input(slots->bias));
  const bool transposed = node.Is("ConvTranspose");
  if (!weight || !bias || weight->size() < (transposed ? 2 : 1)) return "";
  // A count that overflows is certainly another one.
  constexpr int64_t kCountless = std::numeric_limits<int64_t>::max();
  const int64_t found = ElementCount(*bias).value_or(kCountless);
  const std::optional<int64_t> expected =
      transposed ? CheckedMul((*weight)[1], node.GetInt("group", 1)) : (*weight)[0];
  return found == expected
             ? ""
             : fmt::format("has {} biases, expected {}", found, expected.value_or(kCountless));
}

}  // namespace qconvert
