#include "qconvert/report/output_kind.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "qconvert/ir/value_types.h"

namespace qconvert {
namespace {

using Scores = OutputKind::Scores;

// Longest chain of views and elementwise nodes that is walked.
constexpr int kMaxSteps = 32;

size_t Rank(const Graph& graph, const std::string& value) {
  const std::vector<Dim>* shape = FindShape(graph, value);
  return shape == nullptr ? 0 : shape->size();
}

// An axis attribute counted from the front; nothing when the rank is unknown or too small.
std::optional<size_t> AxisOf(const Graph& graph, const Node& node, int64_t fallback,
                             const std::string& value) {
  const auto rank = static_cast<int64_t>(Rank(graph, value));
  const int64_t axis = node.GetInt("axis", fallback);
  const int64_t positive = axis < 0 ? axis + rank : axis;
  if (positive < 0 || positive >= rank) return std::nullopt;
  return static_cast<size_t>(positive);
}

int64_t SizeOf(const Graph& graph, const std::string& value, size_t axis) {
  const std::vector<Dim>* shape = FindShape(graph, value);
  return shape == nullptr || axis >= shape->size() ? -1 : (*shape)[axis].value;
}

// The axis that a Softmax sums to one over. Over one element every result would be 1: then it is
// one of an opset before 13, which takes all axes from `axis` (1 where none is given) on together.
std::optional<size_t> SoftmaxAxis(const Graph& graph, const Node& node, const std::string& value) {
  const std::optional<size_t> axis = AxisOf(graph, node, -1, value);
  if (!axis || SizeOf(graph, value, *axis) != 1) return axis;
  std::optional<size_t> found;
  for (size_t d = AxisOf(graph, node, 1, value).value_or(*axis); d < Rank(graph, value); ++d) {
    // Axes of one place add nothing to a sum.
    if (SizeOf(graph, value, d) == 1) continue;
    if (found) return std::nullopt;
    found = d;
  }
  return found ? found : axis;
}

// The last axis of what a Reshape writes, where the model declares another number of axes: what it
// says of its outputs may be wrong, and the last axis is mostly what it was.
std::optional<size_t> LastAxisOfReshape(const Graph& graph, const Node& view) {
  if (!view.Is("Reshape")) return std::nullopt;
  const std::string& target = view.inputs[1];
  const Tensor* constant = graph.FindInitializer(target);
  const int64_t axes = constant != nullptr ? constant->element_count() : SizeOf(graph, target, 0);
  if (axes < 1 || static_cast<size_t>(axes) == Rank(graph, view.outputs[0])) return std::nullopt;
  return static_cast<size_t>(axes) - 1;
}

// Axis `axis` of the input of a view, as an axis of its output: by the permutation of a Transpose;
// of reshapes the only axis that has the same size, or the last where nothing is known.
std::optional<size_t> FollowAxis(const Graph& graph, const Node& view, size_t axis) {
  const std::string& from = view.inputs[0];
  const std::string& to = view.outputs[0];
  if (view.Is("Transpose")) {
    const std::vector<int64_t>* perm = view.FindInts("perm");
    // Without a permutation a Transpose turns the axes around.
    if (perm == nullptr) return Rank(graph, from) - 1 - axis;
    const auto it = std::find(perm->begin(), perm->end(), static_cast<int64_t>(axis));
    if (it == perm->end()) return std::nullopt;
    return static_cast<size_t>(it - perm->begin());
  }
  if (!OnlyReshapes(view)) return axis;
  const int64_t size = SizeOf(graph, from, axis);
  const auto last = LastAxisOfReshape(graph, view);
  if (last && axis + 1 == Rank(graph, from)) return last;
  std::optional<size_t> found;
  // Sizes of 1 and unknown ones tell nothing apart.
  for (size_t d = 0; size > 1 && d < Rank(graph, to); ++d) {
    if (SizeOf(graph, to, d) != size) continue;
    if (found) return std::nullopt;
    found = d;
  }
  return found;
}

bool IsView(const Node& node) {
  return OnlyReshapes(node) || node.Is("Transpose") || node.Is("Identity") || node.Is("Cast") ||
         node.Is("Dropout");
}

// The nodes from the one that computes `value` down to it: the first computes, the others are
// views.
std::vector<const Node*> ChainTo(const Topology& topology, std::string value) {
  std::vector<const Node*> chain;
  for (int step = 0; step < kMaxSteps; ++step) {
    const Node* node = topology.Producer(value);
    if (node == nullptr) break;
    chain.insert(chain.begin(), node);
    if (!IsView(*node)) return chain;
    // Shapes and permutations are other inputs: a view has the numbers of its first one.
    value = node->inputs[0];
  }
  return {};
}

// True when what comes out of a Conv reaches `node` through nodes that keep its axes.
bool HasConvChannels(const Topology& topology, const Node& node) {
  const Node* producer = topology.Producer(node.input(0));
  for (int step = 0; producer != nullptr && step < kMaxSteps; ++step) {
    if (producer->Is("Conv") || producer->Is("ConvTranspose")) return true;
    const bool keeps_axes = producer->Is("Add") || producer->Is("Mul") ||
                            producer->Is("BatchNormalization") || producer->Is("Resize") ||
                            producer->Is("Identity") || producer->Is("Cast");
    if (!keeps_axes) return false;
    producer = topology.Producer(producer->input(0));
  }
  return false;
}

// Of all axes but the first, the last of equal ones: there are fewer classes than places.
size_t ShortestAxis(const Graph& graph, const std::string& value) {
  // The caller has seen a rank of 2 at least.
  size_t shortest = Rank(graph, value) - 1;
  for (size_t d = shortest; d >= 1; --d) {
    const int64_t size = SizeOf(graph, value, d);
    const int64_t least = SizeOf(graph, value, shortest);
    // A free axis is taken for longer than any other.
    if (size >= 0 && (least < 0 || size < least)) shortest = d;
  }
  return shortest;
}

OutputKind KindOfSigmoid(const Graph& graph, const Topology& topology, const Node& sigmoid) {
  const size_t rank = Rank(graph, sigmoid.outputs[0]);
  // Without an axis of its own a class cannot be told from a batch.
  if (rank < 2) return {Scores::kBinary};
  const size_t axis =
      HasConvChannels(topology, sigmoid) ? 1 : ShortestAxis(graph, sigmoid.outputs[0]);
  const int64_t classes = SizeOf(graph, sigmoid.outputs[0], axis);
  return classes == 1 ? OutputKind{Scores::kBinary} : OutputKind{Scores::kProbabilities, axis};
}

// A matrix product with a constant factor, or the Add of its bias.
bool IsProjection(const Graph& graph, const Topology& topology, const Node& node) {
  if (node.Is("Gemm") || node.Is("MatMul")) return graph.FindInitializer(node.input(1)) != nullptr;
  if (!node.Is("Add")) return false;
  for (const size_t slot : {size_t{0}, size_t{1}}) {
    const Node* product = topology.Producer(node.input(slot));
    // The bias may stand on either side.
    if (graph.FindInitializer(node.input(1 - slot)) != nullptr && product != nullptr &&
        product->Is("MatMul")) {
      return IsProjection(graph, topology, *product);
    }
  }
  return false;
}

// A pointwise Conv over its channels, or what is resized of it, as the only output of a model. One
// channel is no class axis, three are a picture.
bool IsPointwiseHead(const Graph& graph, const Topology& topology, const Node& last) {
  if (graph.outputs.size() != 1) return false;
  const Node* node = &last;
  for (int step = 0; node != nullptr && node->Is("Resize") && step < kMaxSteps; ++step)
    node = topology.Producer(node->input(0));
  if (node == nullptr || !node->Is("Conv") || node->GetInt("group", 1) != 1) return false;
  const Tensor* weight = graph.FindInitializer(node->input(1));
  if (weight == nullptr || weight->dims.size() != 4) return false;
  return weight->dims[0] > 1 && weight->dims[0] != 3 && weight->dims[2] * weight->dims[3] == 1;
}

// By the node that computes the value.
OutputKind KindOfComputing(const Graph& graph, const Topology& topology, const Node& node) {
  const std::string& value = node.outputs[0];
  if (node.Is("Softmax") || node.Is("LogSoftmax")) {
    const std::optional<size_t> axis = SoftmaxAxis(graph, node, value);
    if (!axis) return {};
    return {node.Is("Softmax") ? Scores::kProbabilities : Scores::kLogits, *axis};
  }
  if (node.Is("Sigmoid")) return KindOfSigmoid(graph, topology, node);
  const size_t rank = Rank(graph, value);
  if (rank >= 2 && rank <= 4 && IsProjection(graph, topology, node) &&
      SizeOf(graph, value, rank - 1) >= 2) {
    return {Scores::kLikelyLogits, rank - 1};
  }
  if (IsPointwiseHead(graph, topology, node)) return {Scores::kLikelyLogits, 1};
  return {};
}

// By the nodes that read `value` itself.
OutputKind KindOfReaders(const Graph& graph, const Topology& topology, const std::string& value) {
  for (const Use& use : topology.Uses(value)) {
    const Node& node = graph.nodes[use.node];
    // What TopK reads at slot 1 is a number, no score.
    if (use.slot != 0) continue;
    const bool softmax = node.Is("Softmax") || node.Is("LogSoftmax") || node.Is("TopK");
    if (!softmax && !node.Is("ArgMax")) continue;
    const std::optional<size_t> axis =
        softmax ? SoftmaxAxis(graph, node, value) : AxisOf(graph, node, 0, value);
    if (axis && SizeOf(graph, value, *axis) != 1) return {Scores::kLogits, *axis};
  }
  return {};
}

}  // namespace

OutputKind FindOutputKind(const Graph& graph, const Topology& topology, const std::string& value) {
  const std::vector<const Node*> chain = ChainTo(topology, value);
  if (chain.empty()) return {};
  OutputKind kind = KindOfComputing(graph, topology, *chain[0]);
  // Who computes a value says more than who reads it; a guess alone gives way.
  const bool is_sure = kind.scores != Scores::kNone && kind.scores != Scores::kLikelyLogits;
  if (!is_sure) {
    const OutputKind read = KindOfReaders(graph, topology, value);
    if (read.scores != Scores::kNone) return read;
  }
  if (kind.scores == Scores::kNone || kind.scores == Scores::kBinary) return kind;
  for (size_t k = 1; k < chain.size(); ++k) {
    const std::optional<size_t> axis = FollowAxis(graph, *chain[k], kind.axis);
    if (!axis) return {};
    kind.axis = *axis;
  }
  return kind;
}

}  // namespace qconvert
