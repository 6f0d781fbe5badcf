#include "qconvert/transform/fuse_hard_swish.h"

#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "qconvert/ir/topology.h"

namespace qconvert {
namespace {

constexpr double kSameFactor = 1e-5;  // 1/6 written as a decimal

// clip(x + offset, 0, top), or a scaled value factor * x.
struct Gate {
  std::string x;
  double offset = 0;
  double top = 0;
};
struct Scaled {
  std::string x;
  double factor = 1;
};

class HardSwishFuser {
 public:
  explicit HardSwishFuser(Graph& graph) : graph_(graph), topology_(graph), names_(graph) {}

  size_t Run() {
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (!FuseScaledProduct(n) && !FuseProductOfScaled(n)) FuseSigmoid(n);
    }
    if (fused_ == 0) return 0;
    for (Node& node : made_) graph_.nodes.push_back(std::move(node));
    SortNodes(graph_);
    RemoveDeadNodes(graph_);
    return fused_;
  }

 private:
  std::optional<double> Scalar(const std::string& name) const {
    const Tensor* tensor = graph_.FindInitializer(name);
    if (tensor == nullptr || tensor->type != DataType::kFloat || tensor->element_count() != 1)
      return std::nullopt;
    return tensor->values<float>()[0];
  }

  // The node that writes `value`, which nobody else reads.
  const Node* Step(const std::string& value) const {
    return topology_.HasSingleUse(value) ? topology_.Producer(value) : nullptr;
  }

  // `node` = x * factor or x / (1 / factor).
  std::optional<Scaled> FindScaled(const Node* node) const {
    if (node == nullptr || node->inputs.size() != 2) return std::nullopt;
    if (node->Is("Div")) {
      const auto divisor = Scalar(node->inputs[1]);
      return divisor && *divisor != 0 ? std::optional(Scaled{node->inputs[0], 1 / *divisor})
                                      : std::nullopt;
    }
    if (!node->Is("Mul")) return std::nullopt;
    for (const size_t i : {0, 1}) {
      if (const auto factor = Scalar(node->inputs[1 - i])) return Scaled{node->inputs[i], *factor};
    }
    return std::nullopt;
  }

  // What clamps to [0, top], and what it clamps.
  std::optional<Gate> FindClamp(const Node* node) const {
    if (node == nullptr) return std::nullopt;
    if (node->Is("Clip")) {
      const auto low = Scalar(node->input(1));
      const auto top = Scalar(node->input(2));
      if (!low || !top || *low != 0) return std::nullopt;
      return Gate{node->inputs[0], 0, *top};
    }
    // Min(Relu(v), top), Min(Max(v, 0), top)
    if (!node->Is("Min") || node->inputs.size() != 2) return std::nullopt;
    for (const size_t i : {0, 1}) {
      const auto top = Scalar(node->inputs[1 - i]);
      const Node* floor = Step(node->inputs[i]);
      if (!top || floor == nullptr) continue;
      if (floor->Is("Relu")) return Gate{floor->inputs[0], 0, *top};
      if (!floor->Is("Max") || floor->inputs.size() != 2) continue;
      for (const size_t k : {0, 1}) {
        const auto low = Scalar(floor->inputs[1 - k]);
        if (low && *low == 0) return Gate{floor->inputs[k], 0, *top};
      }
    }
    return std::nullopt;
  }

  // The gate that ends at `value`.
  std::optional<Gate> FindGate(const std::string& value) const {
    auto gate = FindClamp(Step(value));
    const Node* add = gate ? Step(gate->x) : nullptr;
    if (add == nullptr || !add->Is("Add") || gate->top <= 0) return std::nullopt;
    for (const size_t i : {0, 1}) {
      if (const auto offset = Scalar(add->inputs[1 - i])) {
        gate->x = add->inputs[i];
        gate->offset = *offset;
        return gate;
      }
    }
    return std::nullopt;
  }

  static bool Normalizes(double factor, const Gate& gate) {
    return std::abs(factor * gate.top - 1) < kSameFactor;
  }

  // n = scale(gate(x))
  void FuseSigmoid(size_t n) {
    const auto scaled = FindScaled(&graph_.nodes[n]);
    const auto gate = scaled ? FindGate(scaled->x) : std::nullopt;
    if (!gate || !Normalizes(scaled->factor, *gate)) return;
    graph_.nodes[n] = Sigmoid(*gate, graph_.nodes[n], graph_.nodes[n].outputs[0]);
    ++fused_;
  }

  // n = scale(x * gate(x))
  bool FuseScaledProduct(size_t n) {
    const auto scaled = FindScaled(&graph_.nodes[n]);
    const Node* product = scaled ? Step(scaled->x) : nullptr;
    if (product == nullptr || !product->Is("Mul")) return false;
    for (const size_t i : {0, 1}) {
      const auto gate = FindGate(product->inputs[i]);
      if (!gate || gate->x != product->inputs[1 - i] || !Normalizes(scaled->factor, *gate))
        continue;
      return Replace(n, *gate);
    }
    return false;
  }

  // n = scale(x) * gate(x)
  bool FuseProductOfScaled(size_t n) {
    const Node& node = graph_.nodes[n];
    if (!node.Is("Mul") || node.inputs.size() != 2) return false;
    for (const size_t i : {0, 1}) {
      const auto gate = FindGate(node.inputs[i]);
      const auto scaled = gate ? FindScaled(Step(node.inputs[1 - i])) : std::nullopt;
      if (scaled && gate->x == scaled->x && Normalizes(scaled->factor, *gate))
        return Replace(n, *gate);
    }
    return false;
  }

  bool Replace(size_t n, const Gate& gate) {
    Node& node = graph_.nodes[n];
    const std::string value = names_.Make("gate");
    const auto type = graph_.value_info.find(node.outputs[0]);
    if (type != graph_.value_info.end()) {
      Value gate_type = type->second;
      gate_type.name = value;
      graph_.value_info.emplace(value, std::move(gate_type));
    }
    Node sigmoid = Sigmoid(gate, node, value);
    sigmoid.name = node.name + "/gate";
    sigmoid.origin = node.origin_name();
    made_.push_back(std::move(sigmoid));
    Node product = MakeNode("Mul", {gate.x, value}, node.outputs);
    product.name = node.name;
    product.origin = node.origin;
    node = std::move(product);
    ++fused_;
    return true;
  }

  static Node Sigmoid(const Gate& gate, const Node& of, const std::string& output) {
    Node node = MakeNode("HardSigmoid", {gate.x}, {output});
    node.name = of.name;
    node.origin = of.origin;
    node.Set("alpha", static_cast<float>(1 / gate.top));
    node.Set("beta", static_cast<float>(gate.offset / gate.top));
    return node;
  }

  Graph& graph_;
  const Topology topology_;
  NameMaker names_;
  std::vector<Node> made_;
  size_t fused_ = 0;
};

}  // namespace

size_t FuseHardSwish(Graph& graph) { return HardSwishFuser(graph).Run(); }

}  // namespace qconvert
