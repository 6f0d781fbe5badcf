#include "qconvert/rewrite/round_values.h"

#include <utility>
#include <vector>

#include "qconvert/ir/topology.h"

namespace qconvert {
namespace {

class Rounding {
 public:
  Rounding(Graph& graph, const std::map<std::string, DataType>& types)
      : graph_(graph), types_(types), names_(graph) {}

  void Run() {
    std::map<std::string, std::string> rounded_inputs;
    std::vector<Node> out;
    for (const Value& input : graph_.inputs) {
      const auto it = types_.find(input.name);
      if (it == types_.end()) continue;
      const std::string& rounded = rounded_inputs[input.name] = names_.Make("r");
      AppendCasts(input.name, it->second, rounded, out);
    }
    for (Node& node : graph_.nodes) {
      for (std::string& input : node.inputs) {
        const auto it = rounded_inputs.find(input);
        if (it != rounded_inputs.end()) input = it->second;
      }
      std::vector<Node> casts;
      for (std::string& output : node.outputs) {
        const auto it = types_.find(output);
        if (it == types_.end()) continue;
        const std::string exact = names_.Make("t");
        AppendCasts(exact, it->second, std::exchange(output, exact), casts);
      }
      out.push_back(std::move(node));
      for (Node& cast : casts) out.push_back(std::move(cast));
    }
    graph_.nodes = std::move(out);
  }

 private:
  void AppendCasts(const std::string& from, DataType type, const std::string& to,
                   std::vector<Node>& out) {
    const std::string half = names_.Make("h");
    out.push_back(MakeNode("Cast", {from}, {half}));
    out.back().Set("to", static_cast<int64_t>(type));
    out.push_back(MakeNode("Cast", {half}, {to}));
    out.back().Set("to", static_cast<int64_t>(DataType::kFloat));
  }

  Graph& graph_;
  const std::map<std::string, DataType>& types_;
  NameMaker names_;
};

}  // namespace

void RoundValues(Graph& graph, const std::map<std::string, DataType>& types) {
  if (!types.empty()) Rounding(graph, types).Run();
}

}  // namespace qconvert
