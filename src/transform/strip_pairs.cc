#include "qconvert/transform/strip_pairs.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "dequantize_constant.h"
#include "qconvert/ir/one_of.h"
#include "qconvert/ir/topology.h"
#include "qconvert/transform/normalize.h"

namespace qconvert {
namespace {

bool IsPairEnd(const Node& node, std::string_view type) {
  // Before opset 21 codes of 16 bits are written in com.microsoft alone.
  return node.op_type == type && (node.domain.empty() || node.domain == "com.microsoft") &&
         node.inputs.size() >= 2;
}

// What moves codes without computing with them, so that it may move the floats instead.
bool MovesCodes(const Node& node) {
  static constexpr std::string_view kTypes[] = {
      "Concat",  "DepthToSpace", "Expand",    "Flatten",  "Gather",  "GatherElements",
      "MaxPool", "Reshape",      "Resize",    "Slice",    "Squeeze", "SpaceToDepth",
      "Split",   "Tile",         "Transpose", "Unsqueeze"};
  return IsOneOf(node, kTypes) && (node.outputs.size() == 1 || node.Is("Split"));
}

// How many of the first inputs hold what is moved.
ptrdiff_t ValueInputs(const Node& node) {
  return node.Is("Concat") ? static_cast<ptrdiff_t>(node.inputs.size())
                           : std::min<ptrdiff_t>(1, static_cast<ptrdiff_t>(node.inputs.size()));
}

// Scale and zero point of a Q or DQ, and along which axis.
struct Grid {
  std::string scale;
  std::string zero_point;
  int64_t axis = 1;

  explicit Grid(const Node& pair_end)
      : scale(pair_end.inputs[1]),
        zero_point(pair_end.input(2)),
        axis(pair_end.GetInt("axis", 1)) {}
};

class Stripper {
 public:
  explicit Stripper(Graph& graph) : graph_(graph), names_(graph) {}

  size_t Run() {
    std::vector<Node> nodes = std::move(graph_.nodes);
    graph_.nodes.clear();
    for (Node& node : nodes) {
      for (Graph* body : SubgraphsOf(node)) stripped_ += StripPairs(*body);
      if (Visit(node)) Keep(std::move(node));
    }
    // The Identities that DequantizeLinear became.
    EliminateIdentity(graph_);
    RemoveDeadNodes(graph_);
    return stripped_;
  }

 private:
  // What codes stand for.
  struct Floats {
    std::string value;
    Grid grid;
  };

  void Keep(Node node) {
    const bool is_never_negative = IsNeverNegative(node);
    for (const std::string& output : node.outputs) never_negative_[output] = is_never_negative;
    graph_.nodes.push_back(std::move(node));
  }

  // False where the node has become a constant. What it writes in float goes in front of it.
  bool Visit(Node& node) {
    if (IsPairEnd(node, "QuantizeLinear")) {
      floats_.emplace(node.outputs[0], Floats{Clamped(node), Grid(node)});
    } else if (IsPairEnd(node, "DequantizeLinear")) {
      return VisitDequantize(node);
    } else if (node.Is("Clip")) {
      ClipFloats(node);
    } else if (MovesCodes(node)) {
      MoveFloats(node);
    }
    return true;
  }

  bool VisitDequantize(Node& node) {
    const auto codes = floats_.find(node.inputs[0]);
    if (codes != floats_.end()) {
      if (!IsSame(codes->second.grid, Grid(node))) return true;
      const std::string origin = node.name;
      node = MakeNode("Identity", {codes->second.value}, {node.outputs[0]});
      node.name = origin;
      ++stripped_;
      return true;
    }
    auto constant =
        graph_.IsOutput(node.outputs[0]) ? std::nullopt : DequantizedConstant(graph_, node);
    if (!constant) return true;
    graph_.initializers.insert_or_assign(node.outputs[0], *std::move(constant));
    ++stripped_;
    return false;
  }

  bool IsSameConstant(const std::string& a, const std::string& b) const {
    if (a == b) return true;
    const Tensor* left = graph_.FindInitializer(a);
    const Tensor* right = graph_.FindInitializer(b);
    if (left == nullptr && right == nullptr) return false;
    const auto all_zero = [](const Tensor& tensor) {
      return std::all_of(tensor.bytes->begin(), tensor.bytes->end(), [](char c) { return c == 0; });
    };
    // A zero point that is left out is 0.
    if (left == nullptr) return a.empty() && all_zero(*right);
    if (right == nullptr) return b.empty() && all_zero(*left);
    return HaveSameElements(*left, *right);
  }

  // A DQ that reads codes on another grid multiplies, and stays.
  bool IsSame(const Grid& a, const Grid& b) const {
    // With one scale in all the axis says nothing.
    return (a.axis == b.axis || StepOf(a)) && IsSameConstant(a.scale, b.scale) &&
           IsSameConstant(a.zero_point, b.zero_point);
  }

  // The scale and zero point of a grid with one of each; uint8 and 0 where none is given (ONNX).
  struct Step {
    float scale = 0;
    int32_t zero_point = 0;
    int32_t lowest = 0;
    int32_t highest = 0;

    float At(int32_t code) const { return static_cast<float>(code - zero_point) * scale; }
  };

  std::optional<Step> StepOf(const Grid& grid) const {
    const Tensor* scale = graph_.FindInitializer(grid.scale);
    const Tensor* zero = graph_.FindInitializer(grid.zero_point);
    if (scale == nullptr || scale->type != DataType::kFloat || scale->element_count() != 1)
      return std::nullopt;
    if (zero == nullptr && !grid.zero_point.empty()) return std::nullopt;
    const DataType type = zero == nullptr ? DataType::kUint8 : zero->type;
    const auto zeros = zero == nullptr ? std::optional(std::vector<int32_t>{0}) : IntegersOf(*zero);
    if (!zeros || zeros->size() != 1 || type == DataType::kInt32) return std::nullopt;
    const bool is_signed = type == DataType::kInt8 || type == DataType::kInt16;
    const int32_t codes = 1 << BitsOf(type);
    const int32_t lowest = is_signed ? -codes / 2 : 0;
    return Step{scale->values<float>()[0], (*zeros)[0], lowest, lowest + codes - 1};
  }

  bool IsNeverNegative(const Node& node) const {
    static constexpr std::string_view kAlways[] = {"Relu", "Sigmoid", "HardSigmoid", "Softmax",
                                                   "Abs",  "Sqrt",    "Exp"};
    static constexpr std::string_view kKeeps[] = {"Identity", "AveragePool", "GlobalAveragePool",
                                                  "GlobalMaxPool"};
    if (node.outputs.empty()) return false;
    if (IsOneOf(node, kAlways)) return true;
    if (node.Is("Clip")) {
      const Tensor* least = graph_.FindInitializer(node.input(1));
      return least != nullptr && least->type == DataType::kFloat && least->element_count() == 1 &&
             least->values<float>()[0] >= 0;
    }
    // A cubic Resize may go below 0 between numbers that do not.
    if (!IsOneOf(node, kKeeps) && (!MovesCodes(node) || node.Is("Resize"))) return false;
    return std::all_of(node.inputs.begin(), node.inputs.begin() + ValueInputs(node),
                       [&](const std::string& input) {
                         const auto known = never_negative_.find(input);
                         return known != never_negative_.end() && known->second;
                       });
  }

  // What a Q reads; where its codes have no negatives, though what it reads may be, with the clamp
  // that it stands for: a Relu or Clip that went into the codes is not in the file.
  std::string Clamped(const Node& quantize) {
    const std::string& value = quantize.inputs[0];
    const auto step = StepOf(Grid(quantize));
    const auto written = never_negative_.find(value);
    if (!step || step->zero_point != step->lowest || written == never_negative_.end() ||
        written->second)
      return value;
    return Clip(value, {0.0F, step->At(step->highest)}, quantize.name);
  }

  std::string Clip(const std::string& value, std::pair<float, float> bounds,
                   const std::string& name) {
    std::vector<std::string> inputs = {value};
    for (const float bound : {bounds.first, bounds.second}) {
      inputs.push_back(names_.Make("bound"));
      graph_.initializers.emplace(inputs.back(),
                                  MakeFloatTensor(inputs.back(), {}, std::vector<float>{bound}));
    }
    const std::string out = names_.Make("clamped");
    Node node = MakeNode("Clip", std::move(inputs), {out});
    node.name = name;
    Keep(std::move(node));
    return out;
  }

  // A Clip of codes is a clamp, or keeps them in fewer bits: what is as far on both sides.
  void ClipFloats(Node& node) {
    const auto codes = floats_.find(node.inputs[0]);
    if (codes == floats_.end()) return;
    const Grid grid = codes->second.grid;
    const std::string value = codes->second.value;
    const auto step = StepOf(grid);
    if (!step) return;
    const auto least = BoundOf(node.input(1), step->lowest);
    const auto most = BoundOf(node.input(2), step->highest);
    if (!least || !most) return;
    const int32_t below = step->zero_point - *least;
    const int32_t above = *most - step->zero_point;
    const bool is_narrow = below == above || below == above + 1;
    const std::pair bounds = {step->At(*least), step->At(*most)};
    floats_.emplace(node.outputs[0],
                    Floats{is_narrow ? value : Clip(value, bounds, node.name), grid});
  }

  std::optional<int32_t> BoundOf(const std::string& name, int32_t fallback) const {
    if (name.empty()) return fallback;
    const Tensor* bound = graph_.FindInitializer(name);
    const auto codes = bound == nullptr ? std::nullopt : IntegersOf(*bound);
    return codes && codes->size() == 1 ? std::optional((*codes)[0]) : std::nullopt;
  }

  // The same on the floats, in front of what moves the codes; that goes where nobody reads it.
  void MoveFloats(Node& node) {
    Node moved = node;
    for (size_t i = 0; i < static_cast<size_t>(ValueInputs(node)); ++i) {
      const auto codes = floats_.find(node.inputs[i]);
      if (codes == floats_.end() || !StepOf(codes->second.grid) ||
          !IsSame(codes->second.grid, floats_.at(node.inputs[0]).grid))
        return;
      moved.inputs[i] = codes->second.value;
    }
    const Grid grid = floats_.at(node.inputs[0]).grid;
    for (std::string& output : moved.outputs) {
      const std::string value = names_.Make("moved");
      floats_.emplace(std::exchange(output, value), Floats{value, grid});
    }
    node.name = node.outputs[0];  // settings by name are for the one that is left
    Keep(std::move(moved));
  }

  Graph& graph_;
  NameMaker names_;
  std::unordered_map<std::string, Floats> floats_;        // by the name of the codes
  std::unordered_map<std::string, bool> never_negative_;  // of what nodes write
  size_t stripped_ = 0;
};

}  // namespace

size_t StripPairs(Graph& graph) { return Stripper(graph).Run(); }

size_t FoldDequantized(Graph& graph) {
  const Topology topology(graph);
  std::vector<bool> folded(graph.nodes.size(), false);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    if (!IsPairEnd(node, "DequantizeLinear") || topology.IsGraphOutput(node.outputs[0])) continue;
    auto constant = DequantizedConstant(graph, node);
    if (!constant) continue;
    graph.initializers.insert_or_assign(node.outputs[0], *std::move(constant));
    folded[n] = true;
  }
  const size_t count = RemoveNodes(graph, folded);
  RemoveDeadNodes(graph);
  return count;
}

}  // namespace qconvert
