#include "qconvert/transform/fuse_hard_swish.h"

#include <optional>
#include <string>
#include <utility>

#include "matcher.h"

namespace qconvert {
namespace {

// clip(x + offset, 0, top).
struct Gate {
  std::string x;
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

  // What clamps to [0, top], and what it clamps.
  std::optional<Gate> FindClamp(const Node* node) const {
    if (node == nullptr) return std::nullopt;
    if (node->Is("Clip")) {
      const auto low = matcher_.Number(node->input(1));
      const auto top = matcher_.Number(node->input(2));
      if (!low || !top || *low != 0) return std::nullopt;
      return Gate{node->inputs[0], 0, *top};
    }
    // Min(Relu(v), top), Min(Max(v, 0), top)
    if (!node->Is("Min") || node->inputs.size() != 2) return std::nullopt;
    for (const size_t i : {0, 1}) {
      const auto top = matcher_.Number(node->inputs[1 - i]);
      const Node* floor = Step(node->inputs[i]);
      if (!top || floor == nullptr) continue;
      if (floor->Is("Relu")) return Gate{floor->inputs[0], 0, *top};
      if (!floor->Is("Max") || floor->inputs.size() != 2) continue;
      for (const size_t k : {0, 1}) {
        const auto low = matcher_.Number(floor->inputs[1 - k]);
        if (low && *low == 0) return Gate{floor->inputs[k], 0, *top};
      }
    }
    return std::nullopt;
  }

  // The gate that ends at `value`.
  std::optional<Gate> FindGate(const std::string& value) const {
    auto gate = FindClamp(Step(value));
    const Node* add = gate ? Step(gate->x) : nullptr;
    const auto sum = matcher_.Sum(add);
    // A top of 0 leaves nothing to divide by.
    if (!sum || gate->top <= 0) return std::nullopt;
    gate->x = sum->value;
    gate->offset = sum->number;
    return gate;
  }

  static bool Normalizes(double factor, const Gate& gate) { return IsClose(factor * gate.top, 1); }

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

  // node = scale(x) * gate(x)
  bool FuseProductOfScaled(Node& node) {
    if (!node.Is("Mul") || node.inputs.size() != 2) return false;
    for (const size_t i : {0, 1}) {
      const auto gate = FindGate(node.inputs[i]);
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
    sigmoid.Set("alpha", static_cast<float>(1 / gate.top));
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
