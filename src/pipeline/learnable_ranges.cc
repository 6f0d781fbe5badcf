#include "learnable_ranges.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "qconvert/ir/tensor.h"

namespace qconvert {
namespace {

bool IsPair(const Node& node) { return node.Is("QuantizeLinear") || node.Is("DequantizeLinear"); }

// Moves codes, whatever they stand for.
bool MovesCodes(const Node& node) {
  constexpr std::string_view kTypes[] = {"MaxPool", "Reshape",   "Transpose", "Flatten",
                                         "Squeeze", "Unsqueeze", "Concat",    "Identity"};
  return std::find(std::begin(kTypes), std::end(kTypes), node.op_type) != std::end(kTypes);
}

Tensor ScalarCode(DataType type, int32_t code) {
  Tensor tensor;
  tensor.type = type;
  tensor.bytes = std::make_shared<const std::string>(PackCodes(std::vector<int32_t>{code}, type));
  return tensor;
}

// Which codes of the quantized model belong to which root.
class CodesOfRoots {
 public:
  CodesOfRoots(const QuantizationPlan& plan, std::set<std::string>& roots, const Graph& graph)
      : plan_(plan), roots_(roots), graph_(graph) {
    // DQ name their values, and the Q of a value that a float node writes reads it.
    for (const Node& node : graph.nodes) {
      if (node.Is("DequantizeLinear")) Name(node.inputs[0], node.outputs[0]);
      if (node.Is("QuantizeLinear") && !plan.placement.integer_values.contains(node.inputs[0]))
        Name(node.outputs[0], node.inputs[0]);
    }
    for (size_t n = graph.nodes.size(); n-- > 0;) GoBack(graph.nodes[n]);
  }

  // "" for other nodes than the Q and DQ of roots that can move.
  std::string RootOf(const Node& node) const {
    if (!IsPair(node)) return "";
    const auto found = of_codes_.find(node.Is("QuantizeLinear") ? node.outputs[0] : node.inputs[0]);
    return found == of_codes_.end() || !roots_.contains(found->second) ? "" : found->second;
  }

 private:
  void Name(const std::string& codes, const std::string& value) {
    const auto planned = plan_.values.find(value);
    if (planned != plan_.values.end()) of_codes_.emplace(codes, planned->second.root);
  }

  // From the codes that a node writes to those that it reads; takes out roots whose parameters a
  // node holds in another way.
  void GoBack(const Node& node) {
    if (node.Is("DequantizeLinear")) {
      const auto found = of_codes_.find(node.inputs[0]);
      if (found != of_codes_.end() && !IsScalar(node.inputs[1])) roots_.erase(found->second);
      return;
    }
    for (const std::string& output : node.outputs) {
      const auto found = of_codes_.find(output);
      if (found == of_codes_.end()) continue;
      const std::string root = found->second;
      if (node.Is("QuantizeLinear")) {
        if (!IsScalar(node.inputs[1]) || IsClippedBefore(root)) roots_.erase(root);
      } else if (MovesCodes(node) || (node.Is("Clip") && IsWholeGrid(node, root))) {
        for (const std::string& input : node.inputs)
          if (graph_.FindInitializer(input) == nullptr) of_codes_.emplace(input, root);
      } else {
        roots_.erase(root);
      }
    }
  }

  bool IsScalar(const std::string& name) const {
    const Tensor* tensor = graph_.FindInitializer(name);
    return tensor != nullptr && tensor->element_count() == 1;
  }

  // Narrow 16-bit grids are a Clip in front of the Q, whose bounds follow from the range.
  bool IsClippedBefore(const std::string& root) const {
    const NumericFormat& format = plan_.values.at(root).format;
    return BitsOf(format.type) > 8 && format.qmax != FullFormat(format.type).qmax;
  }

  bool IsWholeGrid(const Node& clip, const std::string& root) const {
    const NumericFormat& format = plan_.values.at(root).format;
    const auto is = [&](size_t slot, int32_t bound) {
      const Tensor* tensor = graph_.FindInitializer(clip.input(slot));
      return clip.input(slot).empty() ||
             (tensor != nullptr && HaveSameElements(*tensor, ScalarCode(format.type, bound)));
    };
    return is(1, format.qmin) && is(2, format.qmax);
  }

  const QuantizationPlan& plan_;
  std::set<std::string>& roots_;
  const Graph& graph_;
  std::map<std::string, std::string> of_codes_;
};

// The bias of a Gemm in float, where a DQ of an initializer gives it.
std::optional<Tensor> FloatBias(const Graph& graph, const Topology& topology, const Node& gemm) {
  const Node* dequantize = topology.Producer(gemm.input(2));
  if (dequantize == nullptr || !dequantize->Is("DequantizeLinear")) return std::nullopt;
  const Tensor* codes = graph.FindInitializer(dequantize->inputs[0]);
  const Tensor* scales = graph.FindInitializer(dequantize->inputs[1]);
  if (codes == nullptr || scales == nullptr || codes->type != DataType::kInt32) return std::nullopt;
  const auto whole = codes->values<int32_t>();
  const auto scale = scales->values<float>();
  std::vector<float> floats(whole.size());
  for (size_t i = 0; i < whole.size(); ++i)
    floats[i] = static_cast<float>(whole[i]) * scale[scale.size() > 1 ? i : 0];
  return MakeFloatTensor("", codes->dims, floats);
}

}  // namespace

LearnableRanges::LearnableRanges(const Graph& graph, const Topology& topology,
                                 const QuantizationPlan& plan)
    : graph_(graph), topology_(topology), plan_(plan) {
  for (const auto& [name, value] : plan.values) values_[value.root].push_back(name);
}

std::set<std::string> LearnableRanges::Of(const Block& block) const {
  std::set<std::string> written;
  for (const size_t n : block.nodes)
    for (const std::string& output : graph_.nodes[n].outputs) written.insert(output);
  std::set<std::string> roots;
  for (const std::string& value : written) {
    const auto planned = plan_.values.find(value);
    if (planned != plan_.values.end()) roots.insert(planned->second.root);
  }
  std::erase_if(roots, [&](const std::string& root) {
    const auto& members = values_.at(root);
    return !plan_.values.contains(root) || !FollowsFromRange(plan_.values.at(root)) ||
           !std::all_of(members.begin(), members.end(), [&](const std::string& value) {
             return IsReadFreely(value) && ComesFrom(written, value);
           });
  });
  return roots;
}

bool LearnableRanges::FollowsFromRange(const ValuePlan& value) const {
  if (value.method == "fixed" || value.method == "given" || value.method == "kept") return false;
  return value.format.is_integer() && !value.format.power_of_two && value.range.min <= 0 &&
         value.range.max >= 0 && value.range.min < value.range.max &&
         value.params == ParamsFromRange(value.range, value.format);
}

// Nothing else follows from its parameters: neither codes that a body reads nor another grid.
bool LearnableRanges::IsReadFreely(const std::string& value) const {
  const std::vector<Use>& uses = topology_.Uses(value);
  return std::all_of(uses.begin(), uses.end(), [&](const Use& use) {
    const auto integer = plan_.integer_nodes.find(use.node);
    return use.slot != Use::kCaptured &&
           (integer == plan_.integer_nodes.end() || !integer->second.converted.contains(use.slot));
  });
}

bool LearnableRanges::ComesFrom(const std::set<std::string>& written, std::string value) const {
  const std::string& root = plan_.values.at(value).root;
  while (!written.contains(value)) {
    const Node* producer = topology_.Producer(value);
    if (producer == nullptr) return false;
    std::vector<std::string> read;
    for (const std::string& input : producer->inputs)
      if (!input.empty() && graph_.FindInitializer(input) == nullptr) read.push_back(input);
    const auto from = read.size() == 1 ? plan_.values.find(read[0]) : plan_.values.end();
    if (from == plan_.values.end() || from->second.root != root) return false;
    value = read[0];
  }
  return true;
}

RangeConstants::RangeConstants(const QuantizationPlan& plan, std::set<std::string>& roots,
                               Model& model)
    : plan_(plan) {
  if (roots.empty()) return;
  Graph& graph = model.graph;
  NameMaker names(graph);
  const CodesOfRoots codes(plan, roots, graph);
  const Topology topology(graph);
  for (Node& node : graph.nodes) {
    if (node.Is("Gemm")) {
      const Node* input = topology.Producer(node.inputs[0]);
      std::optional<Tensor> bias;
      if (input != nullptr && !codes.RootOf(*input).empty())
        bias = FloatBias(graph, topology, node);
      if (!bias) continue;
      bias->name = node.inputs[2] = names.Make("b");
      graph.initializers.emplace(bias->name, *std::move(bias));
      continue;
    }
    const std::string root = codes.RootOf(node);
    if (root.empty()) continue;
    Names& own = names_[root];
    if (own.scale.empty()) {
      own = {names.Make("s"), names.Make("z")};
      const QuantParams& params = plan.values.at(root).params;
      Tensor zero = ScalarCode(params.type, params.zero_points[0]);
      zero.name = own.zero_point;
      graph.initializers.emplace(own.scale, MakeFloatTensor(own.scale, {}, params.scales));
      graph.initializers.emplace(own.zero_point, std::move(zero));
    }
    node.inputs.resize(3);
    node.inputs[1] = own.scale;
    node.inputs[2] = own.zero_point;
  }
  std::erase_if(roots, [&](const std::string& root) { return !names_.contains(root); });
}

void RangeConstants::Replace(const std::string& root, Range range, LayerwiseRun& run) const {
  const QuantParams params = ParamsFromRange(range, plan_.values.at(root).format);
  const Names& own = names_.at(root);
  run.ReplaceConstant(own.scale, MakeFloatTensor(own.scale, {}, params.scales));
  run.ReplaceConstant(own.zero_point, ScalarCode(params.type, params.zero_points[0]));
}

}  // namespace qconvert
