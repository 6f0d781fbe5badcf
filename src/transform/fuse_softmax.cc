#include "qconvert/transform/fuse_softmax.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "matcher.h"

namespace qconvert {
namespace {

struct SpelledSoftmax {
  std::string x;
  int64_t axis = 0;
  std::set<const Node*> nodes;
};

class SoftmaxFuser {
 public:
  explicit SoftmaxFuser(Graph& graph) : graph_(graph), matcher_(graph), writer_(graph) {}

  size_t Run() {
    size_t fused = 0;
    for (Node& node : graph_.nodes) {
      const auto softmax = Find(node);
      if (!softmax) continue;
      writer_.Become(node, "Softmax", {softmax->x});
      node.Set("axis", softmax->axis);
      ++fused;
    }
    if (fused > 0) writer_.Finish();
    return fused;
  }

 private:
  // y = e / s, or e * (1 / s): s and the nodes that are no Exp or reduction.
  std::optional<std::pair<const Node*, const Node*>> FindQuotient(
      const Node& node, std::set<const Node*>& nodes) const {
    if (node.inputs.size() != 2 || !(node.Is("Div") || node.Is("Mul"))) return std::nullopt;
    for (const size_t i : {0, 1}) {
      const Node* exponential = matcher_.Writer(node.inputs[i], "Exp");
      std::string sum = node.inputs[1 - i];
      if (node.Is("Mul")) {
        const Node* reciprocal = matcher_.Reciprocal(sum);
        if (reciprocal == nullptr) continue;
        nodes.insert(reciprocal);
        sum = reciprocal->inputs.back();
      } else if (i == 1) {
        break;
      }
      const Node* reduction = matcher_.Writer(sum, "ReduceSum");
      if (exponential != nullptr && reduction != nullptr) return {{exponential, reduction}};
    }
    return std::nullopt;
  }

  std::optional<SpelledSoftmax> Find(const Node& node) const {
    SpelledSoftmax softmax;
    const auto quotient = FindQuotient(node, softmax.nodes);
    if (!quotient) return std::nullopt;
    const auto [exponential, sum] = *quotient;
    if (sum->inputs[0] != exponential->outputs[0]) return std::nullopt;
    const auto axis = Axis(*sum);
    if (!axis) return std::nullopt;
    softmax.axis = *axis;
    softmax.nodes.insert({&node, exponential, sum});
    softmax.x = exponential->inputs[0];
    SkipMaximum(softmax);
    return matcher_.IsClosed(softmax.nodes, node) ? std::optional(softmax) : std::nullopt;
  }

  // Sub(x, ReduceMax(x)) or Add(x, Neg(ReduceMax(x))) in front of the Exp.
  void SkipMaximum(SpelledSoftmax& softmax) const {
    const Node* difference = matcher_.Writer(softmax.x);
    if (difference == nullptr || !(difference->Is("Sub") || difference->Is("Add"))) return;
    for (const size_t i : {1, 0}) {
      std::set<const Node*> nodes = {difference};
      std::string value = difference->inputs[i];
      if (difference->Is("Add")) {
        const Node* negative = matcher_.Writer(value, "Neg");
        if (negative == nullptr) continue;
        nodes.insert(negative);
        value = negative->inputs[0];
      } else if (i == 0) {
        break;
      }
      const Node* maximum = matcher_.Writer(value, "ReduceMax");
      if (maximum == nullptr || maximum->inputs[0] != difference->inputs[1 - i] ||
          // Only what is one number along the axis cancels in the quotient.
          Axis(*maximum) != softmax.axis)
        continue;
      softmax.x = maximum->inputs[0];
      softmax.nodes.merge(nodes);
      softmax.nodes.insert(maximum);
      return;
    }
  }

  std::optional<int64_t> Axis(const Node& reduction) const {
    const auto axes = matcher_.KeptAxes(reduction);
    return axes && axes->size() == 1 ? std::optional((*axes)[0]) : std::nullopt;
  }

  Graph& graph_;
  const Matcher matcher_;
  UnitWriter writer_;
};

struct Flattening {
  std::vector<int64_t> to;
  std::vector<int64_t> back;
  std::vector<Dim> flat;
};

// How to make one axis of those behind the axis of `node`.
std::optional<Flattening> FindFlattening(const Matcher& matcher, const Node& node) {
  if (!node.Is("Softmax") && !node.Is("LogSoftmax")) return std::nullopt;
  const auto shape = matcher.Shape(node.inputs[0]);
  if (!shape) return std::nullopt;
  const auto rank = static_cast<int64_t>(shape->size());
  int64_t axis = node.GetInt("axis", -1);
  if (axis < 0) axis += rank;
  // Two axes or more have to be behind it.
  if (axis < 0 || axis > rank - 3) return std::nullopt;
  const auto behind = shape->begin() + axis + 1;
  const auto is_unknown = [](const Dim& dim) { return !dim.known(); };
  const auto is_many = [](const Dim& dim) { return dim.value != 1; };
  if (std::count_if(behind, shape->end(), is_unknown) > 1 ||
      std::none_of(behind, shape->end(), is_many) ||
      // A 0 in the shape of a Reshape would say "as the input".
      std::any_of(behind, shape->end(), [](const Dim& dim) { return dim.value == 0; }))
    return std::nullopt;
  Flattening flattening;
  flattening.to.assign(static_cast<size_t>(axis) + 1, 0);
  flattening.back = flattening.to;
  flattening.flat.assign(shape->begin(), behind);
  Dim product{1, {}};
  for (auto dim = behind; dim != shape->end(); ++dim) {
    flattening.back.push_back(dim->known() ? dim->value : -1);
    product.value = dim->known() && product.known() ? product.value * dim->value : -1;
  }
  // The number where it is known: of no elements -1 would be any.
  flattening.to.push_back(product.value);
  flattening.flat.push_back(product);
  return flattening;
}

}  // namespace

size_t FuseSoftmax(Graph& graph) { return SoftmaxFuser(graph).Run(); }

size_t FlattenSoftmax(Graph& graph) {
  const Matcher matcher(graph);
  UnitWriter writer(graph);
  size_t flattened = 0;
  for (Node& node : graph.nodes) {
    const auto flattening = FindFlattening(matcher, node);
    if (!flattening) continue;
    const std::string& y = node.outputs[0];
    const std::string flat = writer.Add(
        node, y, "Reshape", {node.inputs[0], writer.Constant(MakeInt64List(flattening->to))});
    const std::string softmax = writer.Add(node, y, node.op_type, {flat});
    writer.Last().Set("axis", static_cast<int64_t>(flattening->flat.size()) - 2);
    for (const std::string& value : {flat, softmax})
      writer.SetType(value, {DataType::kFloat, flattening->flat, {}});
    writer.Become(node, "Reshape", {softmax, writer.Constant(MakeInt64List(flattening->back))});
    ++flattened;
  }
  if (flattened > 0) writer.Finish();
  return flattened;
}

}  // namespace qconvert
