#include "qconvert/transform/absorb_biases.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <utility>

#include "equalized_group.h"
#include "equalized_layer.h"
#include "qconvert/base/error.h"
#include "qconvert/ir/topology.h"
#include "rename_values.h"

namespace qconvert {
namespace {

bool HasZeros(const Node& node, const char* attribute) {
  const auto* values = node.FindInts(attribute);
  return values == nullptr ||
         std::all_of(values->begin(), values->end(), [](int64_t value) { return value == 0; });
}

bool HasNoPadding(const Node& node) {
  // SAME_UPPER and SAME_LOWER pad by the size that comes in.
  const std::string padding = node.GetString("auto_pad", "NOTSET");
  return (padding == "NOTSET" || padding == "VALID") && HasZeros(node, "pads");
}

// Whether f(x + c) = f(x) + c for c >= 0 that is the same all over a channel, and x >= 0.
bool KeepsAddends(const Node& node) {
  if (node.Is("AveragePool")) {
    // With ceil_mode the last window may reach over the edge.
    return node.GetInt("ceil_mode", 0) == 0 &&
           (node.GetInt("count_include_pad", 0) == 0 || HasNoPadding(node));
  }
  for (const char* type : {"Relu", "MaxPool", "GlobalMaxPool", "GlobalAveragePool", "ReduceMean",
                           "Squeeze", "Flatten", "Reshape"})
    if (node.Is(type)) return true;
  return false;
}

// A bias that can be moved by any number, or be made.
bool CanShift(const Graph& graph, const EqualizedLayer& layer) {
  const Node& node = graph.nodes[layer.node];
  if (layer.is_normalization) return false;
  // It has no slot for a bias: only an Add behind it takes a shift.
  if (node.Is("MatMul")) return !layer.bias.empty();
  return node.GetFloat("alpha", 1) == 1 && node.GetFloat("beta", 1) == 1;
}

bool CanAbsorb(const Graph& graph, const EqualizedLayer& layer) {
  const Node& node = graph.nodes[layer.node];
  return CanShift(graph, layer) && !node.Is("ConvTranspose") &&
         (!node.Is("Conv") || HasNoPadding(node));
}

// What a layer's outputs gain when its input channels gain `c`.
std::vector<double> OutputShift(const EqualizedLayer& layer, const std::vector<float>& c,
                                size_t spread) {
  std::vector<double> shift(layer.out_scale.size(), 0.0);
  const auto weights = layer.weight->values<float>();
  for (size_t k = 0; k < weights.size(); ++k) {
    const size_t row = k / layer.inner / layer.columns;
    const size_t column = k / layer.inner % layer.columns;
    shift[layer.OutputOf(row, column)] +=
        // Behind a flattening a channel has `spread` inputs, one after the other.
        static_cast<double>(weights[k]) * c[layer.InputOf(row, column) / spread];
  }
  return shift;
}

// The layers of a graph and where one's values can be lowered.
class Absorber {
 public:
  explicit Absorber(Graph& graph) : graph_(graph) {
    const Topology topology(graph);
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      std::optional<EqualizedLayer> layer = FindEqualizedLayer(graph, topology, n);
      if (layer) layers_.push_back(std::move(*layer));
    }
    for (EqualizedGroup& group : FindEqualizedGroups(graph, topology, layers_, {})) {
      if (!IsAbsorbable(topology, group)) continue;
      const std::string& value = layers_[group.first].output;
      groups_.emplace(value, std::move(group));
    }
  }

  std::map<std::string, AbsorbableValue> Values() const {
    const Topology topology(graph_);
    std::map<std::string, AbsorbableValue> values;
    for (const auto& [value, group] : groups_) {
      const EqualizedLayer& layer = layers_[group.first];
      const Node& relu = graph_.nodes[topology.Uses(value)[0].node];
      values[value] = {layer.out_scale.size(), layer.in_rows, relu.outputs[0]};
    }
    return values;
  }

  void Check(const std::string& value, const std::vector<float>& c,
             const std::string& place) const {
    const auto refuse = [&](const std::string& why) {
      throw Error(ExitCode::kConfig, place,
                  fmt::format("absorbed value \"{}\" {}", EscapeForTerminal(value), why));
    };
    const auto group = groups_.find(value);
    if (group == groups_.end()) refuse("is in front of no Relu whose readers could absorb");
    const size_t channels = layers_[group->second.first].out_scale.size();
    if (c.size() != channels)
      refuse(fmt::format("has {} numbers, expected {}, one per channel", c.size(), channels));
    const auto is_odd = [](float one) { return !std::isfinite(one) || one < 0; };
    if (const auto odd = std::find_if(c.begin(), c.end(), is_odd); odd != c.end())
      refuse(fmt::format("is lowered by {}, expected a finite number of at least 0", *odd));
  }

  void Absorb(const AbsorbedBiases& absorbed) {
    // Summed before anything changes: a layer may be the first of one value and read another.
    std::map<size_t, std::vector<double>> shifts;  // of outputs, by layer
    const auto add = [&](size_t layer, const std::vector<double>& more) {
      std::vector<double>& sum = shifts[layer];
      sum.resize(more.size(), 0.0);
      for (size_t o = 0; o < more.size(); ++o) sum[o] += more[o];
    };
    std::set<std::string> changed;
    for (const auto& [value, c] : absorbed) {
      const EqualizedGroup& group = groups_.at(value);
      std::vector<double> down(c.size());
      // What writes the value goes down by c, what reads it makes up for that.
      std::transform(c.begin(), c.end(), down.begin(), [](float one) { return -double{one}; });
      add(group.first, down);
      for (const auto& [reader, spread] : group.readers)
        add(reader, OutputShift(layers_[reader], c, spread));
      // What a MatMul writes in front of its Add stays.
      for (const std::string& one : group.values)
        if (one != graph_.nodes[layers_[group.first].node].outputs[0] || one == value)
          changed.insert(one);
    }
    for (const auto& [layer, shift] : shifts) Shift(layers_[layer], shift);
    RenameValues(graph_, changed, "_absorbed");
  }

 private:
  bool IsAbsorbable(const Topology& topology, const EqualizedGroup& group) const {
    const EqualizedLayer& first = layers_[group.first];
    if (!CanShift(graph_, first) || !topology.HasSingleUse(first.output) ||
        !graph_.nodes[topology.Uses(first.output)[0].node].Is("Relu"))
      return false;
    for (const std::string& value : group.values) {
      const Node& writer = *topology.Producer(value);
      // What the first layer and its Add write is lowered by their bias itself.
      const bool is_of_first = value == first.output || &writer == &graph_.nodes[first.node];
      if (!is_of_first && !KeepsAddends(writer)) return false;
    }
    return std::all_of(group.readers.begin(), group.readers.end(), [&](const auto& reader) {
      return CanAbsorb(graph_, layers_[reader.layer]);
    });
  }

  void Shift(const EqualizedLayer& layer, const std::vector<double>& shift) {
    std::vector<float> bias(shift.size());
    for (size_t o = 0; o < shift.size(); ++o)
      bias[o] = static_cast<float>(shift[o] + (layer.bias.empty() ? 0.0F : layer.bias_values[o]));
    if (!layer.bias.empty()) {
      Tensor& tensor = graph_.initializers.at(layer.bias);
      tensor = MakeFloatTensor(layer.bias, tensor.dims, bias);
      return;
    }
    Node& node = graph_.nodes[layer.node];
    const std::string name = NameMaker(graph_).Make(node.outputs[0] + "_bias");
    node.inputs.resize(3);
    node.inputs[2] = name;
    graph_.initializers.emplace(name,
                                MakeFloatTensor(name, {static_cast<int64_t>(bias.size())}, bias));
  }

  Graph& graph_;
  std::vector<EqualizedLayer> layers_;
  std::map<std::string, EqualizedGroup> groups_;  // by the value in front of the Relu
};

}  // namespace

std::map<std::string, AbsorbableValue> FindAbsorbableValues(const Graph& graph) {
  Graph copy = graph;  // shares the bytes of tensors
  return Absorber(copy).Values();
}

size_t AbsorbBiases(Graph& graph, const AbsorbedBiases& absorbed, const std::string& place) {
  if (absorbed.empty()) return 0;
  Absorber absorber(graph);
  // All before the first change: where one is refused, the graph is as it came.
  for (const auto& [value, c] : absorbed) absorber.Check(value, c, place);
  absorber.Absorb(absorbed);
  return absorbed.size();
}

}  // namespace qconvert
