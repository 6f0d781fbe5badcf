#include "qconvert/rewrite/round_values.h"

#include <array>
#include <span>
#include <utility>
#include <vector>

namespace qconvert {
namespace {

// Puts nodes between each value and its readers. `Target` is what a value is rounded to, `append`
// makes the nodes: append(target, from, to, nodes).
template <typename Target, typename Append>
class Rounding {
 public:
  Rounding(Graph& graph, const std::map<std::string, Target>& targets, NameMaker& names,
           const Append& append)
      : graph_(graph), targets_(targets), names_(names), append_(append) {}

  void Run() {
    std::map<std::string, std::string> rounded_inputs;
    std::vector<Node> out;
    for (const Value& input : graph_.inputs) {
      const auto it = targets_.find(input.name);
      if (it == targets_.end()) continue;
      const std::string& rounded = rounded_inputs[input.name] = names_.Make("r");
      append_(it->second, input.name, rounded, out);
    }
    for (Node& node : graph_.nodes) {
      for (std::string& input : node.inputs) {
        const auto it = rounded_inputs.find(input);
        if (it != rounded_inputs.end()) input = it->second;
      }
      // An output keeps its name for those who read it, an input for those who feed it.
      std::vector<Node> casts;
      for (std::string& output : node.outputs) {
        const auto it = targets_.find(output);
        if (it == targets_.end()) continue;
        const std::string exact = names_.Make("t");
        append_(it->second, exact, std::exchange(output, exact), casts);
      }
      out.push_back(std::move(node));
      for (Node& cast : casts) out.push_back(std::move(cast));
    }
    graph_.nodes = std::move(out);
  }

 private:
  Graph& graph_;
  const std::map<std::string, Target>& targets_;
  NameMaker& names_;
  const Append& append_;
};

}  // namespace

void RoundValues(Graph& graph, const std::map<std::string, DataType>& types) {
  if (types.empty()) return;
  NameMaker names(graph);
  const auto append = [&](DataType type, const std::string& from, const std::string& to,
                          std::vector<Node>& out) {
    const std::string half = names.Make("h");
    out.push_back(MakeNode("Cast", {from}, {half}));
    out.back().Set("to", static_cast<int64_t>(type));
    out.push_back(MakeNode("Cast", {half}, {to}));
    out.back().Set("to", static_cast<int64_t>(DataType::kFloat));
  };
  Rounding(graph, types, names, append).Run();
}

void AppendRounding(const ValueGrid& grid, const std::string& from, const std::string& to,
                    NameMaker& names, Graph& graph, std::vector<Node>& nodes) {
  const auto scalar = [&](float value) {
    const std::string name = names.Make("g");
    graph.initializers[name] = MakeFloatTensor(name, {}, std::span<const float>(&value, 1));
    return name;
  };
  const int32_t zero = grid.params.zero_points.empty() ? 0 : grid.params.zero_points[0];
  const std::string low = scalar(static_cast<float>(grid.format.qmin - zero));
  const std::string high = scalar(static_cast<float>(grid.format.qmax - zero));
  const std::string scale = scalar(grid.params.scales[0]);
  const std::array<std::string, 3> steps = {names.Make("r"), names.Make("r"), names.Make("r")};
  nodes.push_back(MakeNode("Div", {from, scale}, {steps[0]}));
  nodes.push_back(MakeNode("Round", {steps[0]}, {steps[1]}));
  nodes.push_back(MakeNode("Clip", {steps[1], low, high}, {steps[2]}));
  nodes.push_back(MakeNode("Mul", {steps[2], scale}, {to}));
}

void RoundToGrids(Graph& graph, const std::map<std::string, ValueGrid>& grids) {
  NameMaker names(graph);
  const auto append = [&](const ValueGrid& grid, const std::string& from, const std::string& to,
                          std::vector<Node>& out) {
    AppendRounding(grid, from, to, names, graph, out);
  };
  Rounding(graph, grids, names, append).Run();
}

}  // namespace qconvert
