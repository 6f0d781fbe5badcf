#include "qconvert/transform/fuse_hard_swish.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "matcher.h"

namespace qconvert {
namespace {

// clip(slope * x + offset, 0, top).
struct Gate {
  std::string x;
  double slope = 1;
  double offset = 0;
  double top = 0;
};

class HardSwishFuser {
 public:
  explicit HardSwishFuser(Graph& graph) : graph_(graph), matcher_(graph), writer_(graph) {}

  size_t Run() {
    for (Node& node : graph_.nodes) {
      if (!FuseScaledProduct(node) && !FuseProductOfScaled(node)) FuseSigmoid(node);
    }
    if (fused_ > 0) writer_.Finish();
    return fused_;
  }

 private:
  // The node that writes `value`, which nobody else reads.
  const Node* Step(const std::string& value) const {
    return matcher_.Uses(value) == 1 ? matcher_.Writer(value) : nullptr;
  }

  // node = min(value, number) or, of "Max", max(value, number).
  std::optional<WithNumber> FindLimit(const Node* node, std::string_view of) const {
    if (node == nullptr) return std::nullopt;
    if (node->Is("Clip")) {
      const size_t bound = of == "Min" ? 2 : 1;
      const auto number = matcher_.Number(node->input(bound));
      const bool is_alone = node->input(3 - bound).empty();
      return number && is_alone ? std::optional(WithNumber{node->inputs[0], *number})
                                : std::nullopt;
    }
    if (of == "Max" && node->Is("Relu")) return WithNumber{node->inputs[0], 0};
    return node->Is(of) && node->inputs.size() == 2 ? matcher_.EitherNumber(*node) : std::nullopt;
  }

  // What clamps to [0, top], and what it clamps.
  std::optional<Gate> FindClamp(const Node* node) const {
    if (node == nullptr) return std::nullopt;
    if (node->Is("Clip")) {
      const auto low = matcher_.Number(node->input(1));
      const auto top = matcher_.Number(node->input(2));
      if (low && top)
        return *low == 0 ? std::optional(Gate{node->inputs[0], 1, 0, *top}) : std::nullopt;
    }
    // Both limits as nodes of their own, in either order.
    for (const bool ends_with_top : {true, false}) {
      const auto outer = FindLimit(node, ends_with_top ? "Min" : "Max");
      const auto inner =
          outer ? FindLimit(Step(outer->value), ends_with_top ? "Max" : "Min") : std::nullopt;
      if (!inner) continue;
      const double low = (ends_with_top ? inner : outer)->number;
      const double top = (ends_with_top ? outer : inner)->number;
      if (low == 0) return Gate{inner->value, 1, 0, top};
    }
    return std::nullopt;
  }

  // The gate that ends at `value`.
  std::optional<Gate> FindGate(const std::string& value) const {
    auto gate = FindClamp(Step(value));
    const auto sum = gate ? matcher_.Sum(Step(gate->x)) : std::nullopt;
    // A top of 0 leaves nothing to divide by.
    if (!sum || gate->top <= 0) return std::nullopt;
    gate->x = sum->value;
    gate->offset = sum->number;
    if (const auto scaled = matcher_.Product(Step(gate->x))) {
      gate->x = scaled->value;
      gate->slope = scaled->number;
    }
    return gate;
  }

  bool Normalizes(double factor, const Gate& gate) const {
    return matcher_.IsClose(factor * gate.top, 1);
  }

  // node = scale(gate(x))
  void FuseSigmoid(Node& node) {
    const auto scaled = matcher_.Product(&node);
    const auto gate = scaled ? FindGate(scaled->value) : std::nullopt;
    if (!gate || !Normalizes(scaled->number, *gate)) return;
    writer_.Become(node, "HardSigmoid", {gate->x});
    SetSlope(*gate, node);
    ++fused_;
  }

  // node = scale(x * gate(x))
  bool FuseScaledProduct(Node& node) {
    const auto scaled = matcher_.Product(&node);
    const Node* product = scaled ? Step(scaled->value) : nullptr;
    if (product == nullptr || !product->Is("Mul")) return false;
    for (const size_t i : {0, 1}) {
      const auto gate = FindGate(product->inputs[i]);
      if (!gate || gate->x != product->inputs[1 - i] || !Normalizes(scaled->number, *gate))
        continue;
      return Replace(node, *gate);
    }
    return false;
  }

  // node = scale(x) * gate(x), or x * gate(x) with a gate of at most 1
  bool FuseProductOfScaled(Node& node) {
    if (!node.Is("Mul") || node.inputs.size() != 2) return false;
    for (const size_t i : {0, 1}) {
      const auto gate = FindGate(node.inputs[i]);
      if (gate && gate->x == node.inputs[1 - i] && Normalizes(1, *gate))
        return Replace(node, *gate);
      const auto scaled = gate ? matcher_.Product(Step(node.inputs[1 - i])) : std::nullopt;
      if (scaled && gate->x == scaled->value && Normalizes(scaled->number, *gate))
        return Replace(node, *gate);
    }
    return false;
  }

  bool Replace(Node& node, const Gate& gate) {
    const std::string value = writer_.Add(node, node.outputs[0], "HardSigmoid", {gate.x});
    SetSlope(gate, writer_.Last());
    writer_.Become(node, "Mul", {gate.x, value});
    ++fused_;
    return true;
  }

  static void SetSlope(const Gate& gate, Node& sigmoid) {
    sigmoid.Set("alpha", static_cast<float>(gate.slope / gate.top));
    sigmoid.Set("beta", static_cast<float>(gate.offset / gate.top));
  }

  Graph& graph_;
  const Matcher matcher_;
  UnitWriter writer_;
  size_t fused_ = 0;
};

}  // namespace

size_t FuseHardSwish(Graph& graph) { return HardSwishFuser(graph).Run(); }

}  // namespace qconvert
