#include "qconvert/transform/fuse_instance_norm.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "matcher.h"
#include "spelled_units.h"

namespace qconvert {
namespace {

class InstanceNormFuser {
 public:
  explicit InstanceNormFuser(Graph& graph) : graph_(graph), matcher_(graph), writer_(graph) {}

  size_t Run() {
    size_t fused = 0;
    for (const Node& node : graph_.nodes) {
      if (Fuse(node)) ++fused;
    }
    if (fused > 0) writer_.Finish();
    return fused;
  }

 private:
  // The number of channels of [N, C, ...] of which the norm takes all axes behind C.
  std::optional<size_t> Channels(const SpelledNorm& norm) const {
    const auto shape = matcher_.Shape(norm.x);
    if (!shape || shape->size() < 3 || shape->size() > 5 || !(*shape)[1].known())
      return std::nullopt;
    std::vector<int64_t> behind(shape->size() - 2);
    std::iota(behind.begin(), behind.end(), int64_t{2});
    return norm.axes == behind ? std::optional(static_cast<size_t>((*shape)[1].value))
                               : std::nullopt;
  }

  // The constant that the node `type` behind `value` combines it with by channel.
  std::optional<std::vector<float>> Constant(const Node* node, const std::string& type,
                                             const std::string& value, size_t channels,
                                             size_t rank) const {
    if (node == nullptr || !node->Is(type) || node->inputs.size() != 2) return std::nullopt;
    const Tensor* tensor = graph_.FindInitializer(Matcher::Other(*node, value));
    if (tensor == nullptr || tensor->type != DataType::kFloat || tensor->dims.size() > rank)
      return std::nullopt;
    for (size_t d = 0; d < tensor->dims.size(); ++d) {
      const bool is_channel = rank - tensor->dims.size() + d == 1;
      if (tensor->dims[d] != 1 &&
          !(is_channel && tensor->dims[d] == static_cast<int64_t>(channels)))
        return std::nullopt;
    }
    std::vector<float> values = ToFloats(*tensor);
    if (values.size() == 1) values.assign(channels, values[0]);
    return values.size() == channels ? std::optional(values) : std::nullopt;
  }

  static bool DiffersByChannel(const std::vector<float>& values) {
    return std::any_of(values.begin(), values.end(),
                       [&](float value) { return value != values[0]; });
  }

  bool Fuse(const Node& node) {
    auto norm = FindSpelledNorm(matcher_, node);
    const auto channels = norm && norm->is_centered ? Channels(*norm) : std::nullopt;
    if (!channels) return false;
    const size_t rank = matcher_.Shape(norm->x)->size();
    std::vector<float> weight(*channels, 1);
    std::vector<float> bias(*channels, 0);
    const Node* last = &node;
    const auto take = [&](const std::string& type, std::vector<float>& into) {
      const std::string& value = last->outputs[0];
      const Node* next = matcher_.Reader(value);
      const auto constant = Constant(next, type, value, *channels, rank);
      if (!constant) return;
      into = *constant;
      norm->nodes.insert(next);
      last = next;
    };
    // In this order: a product behind the sum is not part of the operator.
    take("Mul", weight);
    take("Add", bias);
    // Along the last of three axes it is a LayerNormalization, unless channels say otherwise.
    if (rank == 3 && !DiffersByChannel(weight) && !DiffersByChannel(bias)) return false;
    if (!matcher_.IsClosed(norm->nodes, *last)) return false;
    const std::vector<int64_t> dims = {static_cast<int64_t>(*channels)};
    Node& result = graph_.nodes[matcher_.IndexOf(*last)];
    writer_.Become(result, "InstanceNormalization",
                   {norm->x, writer_.Constant(MakeFloatTensor("", dims, weight)),
                    writer_.Constant(MakeFloatTensor("", dims, bias))});
    result.Set("epsilon", static_cast<float>(norm->epsilon));
    return true;
  }

  Graph& graph_;
  const Matcher matcher_;
  UnitWriter writer_;
};

}  // namespace

size_t FuseInstanceNorm(Graph& graph) { return InstanceNormFuser(graph).Run(); }

}  // namespace qconvert
