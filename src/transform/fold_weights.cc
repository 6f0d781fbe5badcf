#include "qconvert/transform/fold_weights.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "channel_affine.h"
#include "conv_weights.h"
#include "qconvert/base/finite.h"
#include "qconvert/ir/topology.h"

namespace qconvert {
namespace {

using FindAffine = std::function<std::optional<ChannelAffine>(
    const Node& weighted, const ChannelWeights& weights, const Node& reader)>;

// Folds each reader that `find` understands into the node with weights before it, one per node and
// round, until nothing changes. The nodes that go stay in the list until the end, so one index over
// the graph serves for all rounds.
size_t FoldReaders(Graph& graph, const FindAffine& find) {
  NameMaker names(graph);
  const Topology topology(graph);
  std::vector<bool> remove(graph.nodes.size(), false);
  std::vector<size_t> open(graph.nodes.size());
  std::iota(open.begin(), open.end(), size_t{0});
  size_t folded = 0;
  while (!open.empty()) {
    std::vector<size_t> changed;
    for (const size_t n : open) {
      Node& node = graph.nodes[n];
      if (remove[n] || node.outputs.size() != 1 || !topology.HasSingleUse(node.outputs[0]))
        continue;
      const auto weights = FindChannelWeights(graph, node);
      if (!weights) continue;
      const size_t reader = topology.Uses(node.outputs[0])[0].node;
      const auto affine = find(node, *weights, graph.nodes[reader]);
      if (!affine) continue;
      ScaleChannels(graph, node, *weights, affine->scale, affine->shift, names);
      node.outputs[0] = graph.nodes[reader].outputs[0];
      remove[reader] = true;
      changed.push_back(n);
      ++folded;
    }
    // Only what has taken a reader in has another one behind it.
    open = std::move(changed);
  }
  RemoveNodes(graph, remove);
  if (folded > 0) SortNodes(graph);
  RemoveDeadNodes(graph);
  return folded;
}

// The matrix with column j times scale[j], and `name` the new one's.
void ScaleColumns(Graph& graph, const Tensor& matrix, const std::vector<double>& scale,
                  NameMaker& names, std::string& name) {
  std::vector<float> values = ToFloats(matrix);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(values[i] * scale[i % scale.size()]);
  name = names.Make("w");
  graph.initializers.emplace(name, MakeFloatTensor(name, matrix.dims, values));
}

// A new constant [N] of a * b.
std::string AddProducts(Graph& graph, const std::vector<double>& a, const std::vector<double>& b,
                        NameMaker& names) {
  std::vector<float> values(a.size());
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(a[i] * b[i]);
  std::string name = names.Make("b");
  graph.initializers.emplace(name,
                             MakeFloatTensor(name, {static_cast<int64_t>(values.size())}, values));
  return name;
}

}  // namespace

size_t FoldBatchNormalization(Graph& graph) {
  return FoldReaders(
      graph, [&](const Node& /*weighted*/, const ChannelWeights& weights, const Node& reader) {
        return BatchNormalizationAffine(graph, reader, weights.channels);
      });
}

size_t FoldArithmeticIntoConv(Graph& graph) {
  return FoldReaders(graph,
                     [&](const Node& weighted, const ChannelWeights& weights,
                         const Node& reader) -> std::optional<ChannelAffine> {
                       if (weighted.Is("Gemm")) return std::nullopt;
                       return ArithmeticAffine(graph, reader, weights.channels,
                                               weights.weight->dims.size(), weighted.outputs[0]);
                     });
}

size_t FoldPadIntoConv(Graph& graph) {
  size_t folded = 0;
  const Topology topology(graph);
  for (Node& conv : graph.nodes) {
    if (!conv.Is("Conv")) continue;
    const Node* pad = topology.Producer(conv.input(0));
    const Tensor* weight = graph.FindInitializer(conv.input(1));
    if (pad == nullptr || weight == nullptr || weight->dims.size() < 3) continue;
    const std::string auto_pad = conv.GetString("auto_pad", "NOTSET");
    // SAME pads by the size that comes in, which the Pad has changed.
    if (auto_pad != "NOTSET" && auto_pad != "VALID") continue;
    const size_t rank = weight->dims.size();
    const auto extra = ZeroSpatialPads(graph, *pad, rank);
    if (!extra) continue;
    std::vector<int64_t> pads(2 * (rank - 2), 0);
    if (const auto* present = conv.FindInts("pads");
        present != nullptr && present->size() == pads.size())
      pads = *present;
    for (size_t d = 0; d < rank - 2; ++d) {
      pads[d] += (*extra)[d + 2];
      pads[d + rank - 2] += (*extra)[rank + d + 2];
    }
    conv.Set("pads", pads);
    // VALID says no padding: the pads now in the node would contradict it.
    conv.attributes.erase("auto_pad");
    conv.inputs[0] = pad->inputs[0];
    ++folded;
  }
  RemoveDeadNodes(graph);
  return folded;
}

size_t FoldScaleIntoMatMul(Graph& graph) {
  const Topology topology(graph);
  NameMaker names(graph);
  std::vector<bool> remove(graph.nodes.size(), false);
  const auto reader_of = [&](size_t n) {
    const std::string& value = graph.nodes[n].outputs[0];
    // Where there is no single reader: n is none of the types that are asked for.
    return topology.HasSingleUse(value) ? topology.Uses(value)[0].node : n;
  };
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Tensor* weight = graph.FindInitializer(graph.nodes[n].input(1));
    if (!graph.nodes[n].Is("MatMul") || weight == nullptr || weight->type != DataType::kFloat ||
        weight->dims.size() != 2 || !topology.HasSingleUse(graph.nodes[n].inputs[1]))
      continue;
    const auto row = [&](size_t reader, size_t before) {
      return ArithmeticAffine(graph, graph.nodes[reader], weight->dims[1], 2,
                              graph.nodes[before].outputs[0]);
    };
    const size_t add = reader_of(n);
    const auto bias = graph.nodes[add].Is("Add") ? row(add, n) : std::nullopt;
    const size_t last = bias ? add : n;
    const size_t product = reader_of(last);
    const auto affine = row(product, last);
    if (!affine || !(graph.nodes[product].Is("Mul") || graph.nodes[product].Is("Div"))) continue;
    ScaleColumns(graph, *weight, affine->scale, names, graph.nodes[n].inputs[1]);
    if (bias)
      graph.nodes[add].inputs[1 - bias->input] =
          AddProducts(graph, bias->shift, affine->scale, names);
    graph.nodes[last].outputs[0] = graph.nodes[product].outputs[0];
    // What stood before the product writes its value: readers and names stay.
    remove[product] = true;
  }
  const size_t folded = RemoveNodes(graph, remove);
  if (folded > 0) SortNodes(graph);
  RemoveDeadNodes(graph);
  return folded;
}

size_t FuseMatMulAdd(Graph& graph) {
  size_t fused = 0;
  const Topology topology(graph);
  std::vector<bool> remove(graph.nodes.size(), false);
  for (Node& node : graph.nodes) {
    const Tensor* weight = graph.FindInitializer(node.input(1));
    if (!node.Is("MatMul") || weight == nullptr || weight->type != DataType::kFloat ||
        weight->dims.size() != 2 || !topology.HasSingleUse(node.outputs[0])) {
      continue;
    }
    const auto type = graph.value_info.find(node.outputs[0]);
    if (type == graph.value_info.end() || !type->second.type.shape ||
        type->second.type.shape->size() != 2)
      continue;
    const size_t reader = topology.Uses(node.outputs[0])[0].node;
    Node& add = graph.nodes[reader];
    if (!add.Is("Add")) continue;
    const std::string bias_name = add.inputs[add.inputs[0] == node.outputs[0] ? 1 : 0];
    const Tensor* bias = graph.FindInitializer(bias_name);
    if (bias == nullptr || bias->dims.empty() || bias->dims.size() > 2 ||
        bias->element_count() != weight->dims[1] || bias->dims.back() != weight->dims[1] ||
        bias->type != DataType::kFloat || !AllFinite(bias->values<float>())) {  // a mask is no bias
      continue;
    }
    node.op_type = "Gemm";
    node.inputs.push_back(bias_name);
    node.outputs[0] = add.outputs[0];
    remove[reader] = true;
    ++fused;
  }
  RemoveNodes(graph, remove);
  SortNodes(graph);
  RemoveDeadNodes(graph);
  return fused;
}

}  // namespace qconvert
