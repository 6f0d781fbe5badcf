#include "qconvert/transform/convert_opset.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "opset_adapters.h"
#include "qconvert/base/error.h"
#include "qconvert/ir/scope.h"
#include "qconvert/ir/topology.h"
#include "qconvert/ir/value_types.h"

namespace qconvert {
namespace {

// The IR version that ONNX released an opset with: checkers take no older one.
int64_t IrVersionOf(int64_t opset) {
  constexpr std::array<std::pair<int64_t, int64_t>, 6> kReleases = {
      {{25, 13}, {24, 12}, {23, 11}, {21, 10}, {19, 9}, {15, 8}}};
  for (const auto& [since, version] : kReleases)
    if (opset >= since) return version;
  return 0;
}

const OpsetAdapterRow* FindAdapter(const Node& node, int64_t version) {
  if (!node.domain.empty()) return nullptr;
  const auto& rows = OpsetAdapters();
  const auto it = std::find_if(rows.begin(), rows.end(), [&](const OpsetAdapterRow& row) {
    return row.op_type == node.op_type && row.version == version;
  });
  return it == rows.end() ? nullptr : &*it;
}

// What its replacements need to know of a node; attributes may be large.
Node Identity(const Node& node) {
  Node bare = MakeNode(node.op_type, {}, node.outputs);
  bare.name = node.name;
  bare.origin = node.origin;
  return bare;
}

// A node that an adapter made has the settings of the one it replaces; the one that writes its
// first output has its name as well.
void Inherit(const Node& replaced, Node& node) {
  // The replaced node itself, changed, may stand before the one that now writes its output.
  const bool has_own_name = !node.name.empty() && node.name != replaced.name;
  if (has_own_name || replaced.name.empty() || node.outputs.empty()) return;
  const bool same_output = !replaced.outputs.empty() && node.outputs[0] == replaced.outputs[0];
  node.name = same_output ? replaced.name : node.outputs[0];
  node.origin = same_output ? replaced.origin : replaced.origin_name();
}

class Converter {
 public:
  explicit Converter(const std::string& place) : place_(place) {}

  void ConvertGraph(Graph& graph, int64_t version, NameMaker& names) const {
    AdapterContext context{
        names,
        [&](Tensor tensor) {
          tensor.name = names.Make("c");
          return graph.initializers.emplace(tensor.name, tensor).first->first;
        },
        [&](const std::string& value) -> const ValueType* { return FindValueType(graph, value); },
        [&](const std::string& value) { return graph.FindInitializer(value); }};
    graph.nodes = ConvertNodes(std::move(graph.nodes), version, context, names);
  }

  void ConvertFunction(Function& function, int64_t version) const {
    Graph view;  // names only, for fresh ones
    view.nodes = function.nodes;
    for (const std::string& name : function.inputs) view.inputs.push_back({name, {}, {}, {}});
    NameMaker names(view);
    std::vector<Node> constants;
    // A function has no initializers: constants are nodes, in front of the others.
    AdapterContext context{names,
                           [&](Tensor tensor) {
                             const std::string name = names.Make("c");
                             Node node = MakeNode("Constant", {}, {name});
                             node.Set("value", std::move(tensor));
                             constants.push_back(std::move(node));
                             return name;
                           },
                           [](const std::string&) -> const ValueType* { return nullptr; },
                           [](const std::string&) -> const Tensor* { return nullptr; }};
    std::vector<Node> nodes = ConvertNodes(std::move(function.nodes), version, context, names);
    function.nodes = std::move(constants);
    for (Node& node : nodes) function.nodes.push_back(std::move(node));
  }

 private:
  std::vector<Node> ConvertNodes(std::vector<Node> nodes, int64_t version, AdapterContext& context,
                                 NameMaker& names) const {
    std::vector<Node> out;
    for (Node& node : nodes) {
      // Before the node itself, which is moved from below.
      for (Graph* subgraph : SubgraphsOf(node)) ConvertGraph(*subgraph, version, names);
      const OpsetAdapterRow* row = FindAdapter(node, version);
      if (row == nullptr) {
        out.push_back(std::move(node));
        continue;
      }
      // For a refusal, which comes once the node has been moved from.
      const std::string described = LabelOf(node);
      try {
        // Every operator of the table has both: adapters take the first ones for given.
        if (node.inputs.empty() || node.outputs.empty())
          throw AdapterRefusal{node.inputs.empty() ? "it has no inputs" : "it has no outputs"};
        const Node before = Identity(node);
        for (Node& replacement : row->adapt(std::move(node), context)) {
          Inherit(before, replacement);
          out.push_back(std::move(replacement));
        }
      } catch (const AdapterRefusal& refusal) {
        throw Error(ExitCode::kModel, place_,
                    fmt::format("node \"{}\" cannot be raised to opset {}: {}", described, version,
                                refusal.reason));
      }
    }
    return out;
  }

  const std::string& place_;
};

}  // namespace

void RefuseOldOpset(const Model& model, const std::string& place) {
  if (!model.opsets.contains("") || model.opset() >= kOldestConvertibleOpset) return;
  throw Error(
      ExitCode::kModel, place,
      fmt::format("has opset {}, expected {} or newer", model.opset(), kOldestConvertibleOpset));
}

void ConvertOpset(Model& model, int64_t target, const std::string& place) {
  if (!model.opsets.contains("")) model.opsets[""] = target;  // no standard operator yet
  const int64_t from = model.opset();
  if (from >= target) return;
  RefuseOldOpset(model, place);
  const Converter converter(place);
  NameMaker names(model.graph);
  // Version by version: a row of the table takes a node as it is in the version before.
  for (int64_t version = from + 1; version <= target; ++version)
    converter.ConvertGraph(model.graph, version, names);
  model.opsets[""] = target;
  model.ir_version = std::max(model.ir_version, IrVersionOf(target));
  for (Function& function : model.functions) {
    auto it = function.opsets.find("");
    if (it == function.opsets.end()) continue;
    for (int64_t version = it->second + 1; version <= target; ++version)
      converter.ConvertFunction(function, version);
    it->second = std::max(it->second, target);
  }
}

}  // namespace qconvert
