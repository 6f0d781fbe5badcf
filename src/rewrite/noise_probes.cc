#include "qconvert/rewrite/noise_probes.h"

#include <iterator>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "qconvert/ir/topology.h"
#include "qconvert/ir/value_types.h"
#include "qconvert/rewrite/round_values.h"

namespace qconvert {
namespace {

using Renames = std::map<size_t, std::string>;  // by input of a node

class Prober {
 public:
  Prober(const Model& exact, const Model& rounded, const QuantizationPlan& plan)
      : exact_(exact.graph), rounded_(rounded.graph), plan_(plan), names_(exact.graph) {
    out_.model = exact;  // shares the bytes of tensors
  }

  NoiseProbes Run() {
    out_.model.graph.outputs.clear();
    for (size_t n = 0; n < exact_.nodes.size(); ++n) Probe(n);
    Graph& graph = out_.model.graph;
    graph.nodes.insert(graph.nodes.end(), std::make_move_iterator(made_.begin()),
                       std::make_move_iterator(made_.end()));
    // The engine begins with what the last node needs. From the back, sums follow the values that
    // they are of, which can be dropped; else all values of the model are in memory together.
    graph.nodes.insert(graph.nodes.end(), std::make_move_iterator(sums_.rbegin()),
                       std::make_move_iterator(sums_.rend()));
    return std::move(out_);
  }

 private:
  void Probe(size_t n) {
    const Node& node = exact_.nodes[n];
    if (node.outputs.size() != 1 || !SubgraphsOf(node).empty()) return;
    const FusedUnit& unit = plan_.placement.nodes[n].unit;
    const bool is_integer = plan_.placement.nodes[n].domain == NodeDomain::kInteger;
    const std::string& written = is_integer ? unit.output : node.outputs[0];
    const ValueType* type = FindValueType(exact_, written);
    if (type == nullptr || type->element != DataType::kFloat) return;
    const Renames weights = RoundedWeights(n);
    // A float node reads floats: only its weights are rounded.
    const Renames inputs = is_integer ? RoundedInputs(n) : Renames{};
    if (weights.empty() && inputs.empty()) return;
    const std::vector<size_t> tail = is_integer ? unit.tail : std::vector<size_t>{};
    NoiseProbe probe{.node = n, .signal = Power(written), .weights = {}, .inputs = {}};
    if (!weights.empty()) probe.weights = Difference(Again(n, tail, weights), written);
    if (!inputs.empty()) probe.inputs = Difference(Again(n, tail, inputs), written);
    out_.probes.push_back(std::move(probe));
  }

  Renames RoundedWeights(size_t n) {
    Renames renames;
    const Node& node = exact_.nodes[n];
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const Tensor* before = exact_.FindInitializer(node.inputs[i]);
      const Tensor* after = rounded_.FindInitializer(rounded_.nodes[n].inputs[i]);
      // The same bytes: this weight is not rounded.
      if (before == nullptr || after == nullptr || before->bytes == after->bytes) continue;
      std::string& name = made_weights_[after->bytes.get()];
      if (name.empty()) {
        name = names_.Make("w");
        Tensor& tensor = out_.model.graph.initializers[name] = *after;
        tensor.name = name;
      }
      renames.emplace(i, name);
    }
    return renames;
  }

  // Of the grids that are no floats of 16 bits.
  std::optional<ValueGrid> GridOf(size_t n, size_t input) const {
    const auto integer = plan_.integer_nodes.find(n);
    if (integer != plan_.integer_nodes.end()) {
      const auto converted = integer->second.converted.find(input);
      if (converted != integer->second.converted.end())
        return ValueGrid{converted->second.params, converted->second.format};
    }
    const std::string& value = exact_.nodes[n].inputs[input];
    const auto decided = plan_.values.find(value);
    if (decided == plan_.values.end() || !decided->second.format.is_integer() ||
        !decided->second.params.per_tensor() ||
        plan_.placement.nodes[n].float_inputs.contains(input))
      return std::nullopt;
    return ValueGrid{decided->second.params, decided->second.format};
  }

  Renames RoundedInputs(size_t n) {
    Renames renames;
    const Node& node = exact_.nodes[n];
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const std::optional<ValueGrid> grid = GridOf(n, i);
      if (!grid) continue;
      renames.emplace(i, Rounded(node.inputs[i], *grid));
    }
    return renames;
  }

  // Readers of one value share its codes, where they read it on one grid.
  std::string Rounded(const std::string& value, const ValueGrid& grid) {
    auto& made = made_values_[value];
    for (const auto& [other, name] : made)
      if (other.params == grid.params && other.format == grid.format) return name;
    const std::string name = names_.Make("q");
    AppendRounding(grid, value, name, names_, out_.model.graph, made_);
    made.emplace_back(grid, name);
    return name;
  }

  // The node with its tail once more, with other inputs; returns what they write.
  std::string Again(size_t n, const std::vector<size_t>& tail, const Renames& renames) {
    Node node = exact_.nodes[n];
    for (const auto& [input, name] : renames) node.inputs[input] = name;
    std::map<std::string, std::string> written;
    std::string last = Append(std::move(node), written);
    for (const size_t follower : tail) {
      Node next = exact_.nodes[follower];
      for (std::string& input : next.inputs)
        if (const auto it = written.find(input); it != written.end()) input = it->second;
      last = Append(std::move(next), written);
    }
    return last;
  }

  std::string Append(Node node, std::map<std::string, std::string>& written) {
    const std::string name = names_.Make("p");
    written.emplace(std::exchange(node.outputs[0], name), name);
    // To an engine names of nodes are unique.
    node.name.clear();
    made_.push_back(std::move(node));
    return name;
  }

  std::string Power(const std::string& value) {
    const std::string sum = names_.Make("s");
    sums_.push_back(MakeNode("ReduceSumSquare", {value}, {sum}));
    sums_.back().Set("keepdims", int64_t{0});
    out_.model.graph.outputs.push_back({sum, {}, {}, {}});
    return sum;
  }

  std::string Difference(const std::string& a, const std::string& b) {
    const std::string difference = names_.Make("d");
    made_.push_back(MakeNode("Sub", {a, b}, {difference}));
    return Power(difference);
  }

  const Graph& exact_;
  const Graph& rounded_;
  const QuantizationPlan& plan_;
  NameMaker names_;
  NoiseProbes out_;
  std::vector<Node> made_;
  std::vector<Node> sums_;
  std::map<const void*, std::string> made_weights_;
  std::map<std::string, std::vector<std::pair<ValueGrid, std::string>>> made_values_;
};

}  // namespace

NoiseProbes MakeNoiseProbes(const Model& exact, const Model& rounded,
                            const QuantizationPlan& plan) {
  return Prober(exact, rounded, plan).Run();
}

}  // namespace qconvert
