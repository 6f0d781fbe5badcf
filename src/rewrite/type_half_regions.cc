#include "qconvert/rewrite/type_half_regions.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "qconvert/ir/one_of.h"
#include "qconvert/ir/topology.h"
#include "qconvert/rewrite/store_float16.h"
#include "qconvert/targets/op_rules.h"
#include "qconvert/transform/normalize.h"

namespace qconvert {
namespace {

// What has a float16 kernel in TensorRT and whose ONNX schema takes float16 on every float input.
constexpr std::string_view kComputed[] = {"Add",
                                          "AveragePool",
                                          "Conv",
                                          "ConvTranspose",
                                          "Div",
                                          "Elu",
                                          "Erf",
                                          "Exp",
                                          "Gelu",
                                          "Gemm",
                                          "HardSwish",
                                          "GlobalAveragePool",
                                          "LeakyRelu",
                                          "HardSigmoid",
                                          "InstanceNormalization",
                                          "MatMul",
                                          "LayerNormalization",
                                          "Mish",
                                          "Mul",
                                          "PRelu",
                                          "Pow",
                                          "ReduceMean",
                                          "ReduceSum",
                                          "BatchNormalization",
                                          "Resize",
                                          "Selu",
                                          "Sigmoid",
                                          "Softmax",
                                          "Softplus",
                                          "Sqrt",
                                          "Sub",
                                          "Tanh"};

// What writes numbers that it has read, so that their rounding stays.
constexpr std::string_view kMoved[] = {
    "Clip",          "Concat",  "DepthToSpace", "Expand",    "Flatten",  "Gather",
    "GlobalMaxPool", "MaxPool", "Relu",         "Reshape",   "Slice",    "SpaceToDepth",
    "Split",         "Squeeze", "Tile",         "Transpose", "Unsqueeze"};

// The scales of a Resize are float32 whatever it resizes.
bool IsTypedAlone(const Node& node, size_t slot) { return node.Is("Resize") && slot > 0; }

bool IsCastTo(const Node& node, DataType type) {
  return node.Is("Cast") && node.GetInt("to", 0) == static_cast<int64_t>(type);
}

// Nodes that are joined belong together, and are marked together.
class Regions {
 public:
  explicit Regions(size_t count) : next_(count), is_marked_(count, false) {
    std::iota(next_.begin(), next_.end(), size_t{0});
  }
  void Join(size_t a, size_t b) {
    a = Root(a);
    b = Root(b);
    is_marked_[b] = is_marked_[b] || is_marked_[a];
    next_[a] = b;
  }
  void Mark(size_t n) { is_marked_[Root(n)] = true; }
  bool IsMarked(size_t n) { return is_marked_[Root(n)]; }

 private:
  size_t Root(size_t n) {
    // Every step shortens the way for those who come after.
    while (next_[n] != n) n = next_[n] = next_[next_[n]];
    return n;
  }

  std::vector<size_t> next_;
  std::vector<bool> is_marked_;
};

class Typing {
 public:
  // Nodes that write one of `kept` stay float32.
  explicit Typing(Graph& graph, std::unordered_set<std::string> kept = {})
      : graph_(graph), topology_(graph), names_(graph), kept_(std::move(kept)) {}

  // Returns how many nodes became float16.
  size_t Run() {
    size_t typed = 0;
    std::vector<bool> dropped(graph_.nodes.size(), false);
    std::vector<std::vector<Node>> behind(graph_.nodes.size());
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      Node& node = graph_.nodes[n];
      const bool writes_half = IsCastTo(node, DataType::kFloat16);
      if (writes_half || (IsCastTo(node, DataType::kFloat) && IsHalf(node.inputs[0])))
        NoteCast(node, writes_half);
      if (IsTypable(node)) typed += Type(node, dropped, behind[n]);
    }
    std::vector<Node> nodes;
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (dropped[n]) continue;
      nodes.push_back(std::move(graph_.nodes[n]));
      for (Node& node : behind[n]) nodes.push_back(std::move(node));
    }
    graph_.nodes = std::move(nodes);
    return typed;
  }

  // What the nodes of float16 wrote before, in regions where numbers are moved alone.
  std::unordered_set<std::string> MovedAlone() const {
    Regions regions(graph_.nodes.size());
    std::unordered_map<std::string, size_t> writers;
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      for (const std::string& input : graph_.nodes[n].inputs) {
        const auto writer = writers.find(input);
        if (writer != writers.end() && IsTyped(graph_.nodes[n])) regions.Join(n, writer->second);
      }
      if (!IsTyped(graph_.nodes[n])) continue;
      if (IsOneOf(graph_.nodes[n], kComputed)) regions.Mark(n);
      for (const std::string& output : graph_.nodes[n].outputs) writers.emplace(output, n);
    }
    std::unordered_set<std::string> moved;
    for (const auto& [output, n] : writers)
      if (!regions.IsMarked(n)) moved.insert(float_of_.at(output));
    return moved;
  }

 private:
  bool IsTyped(const Node& node) const {
    return !node.outputs.empty() && float_of_.contains(node.outputs[0]);
  }

  bool IsHalf(const std::string& value) const {
    const Tensor* constant = graph_.FindInitializer(value);
    return constant != nullptr ? constant->type == DataType::kFloat16 : is_half_.contains(value);
  }

  void NoteCast(const Node& cast, bool writes_half) {
    if (writes_half) {
      is_half_.insert(cast.outputs[0]);
    } else {
      half_of_[cast.outputs[0]] = cast.inputs[0];
    }
  }

  // The constant as float16, or "" where that rounds it.
  std::string HalfConstant(const Tensor& constant) {
    std::optional<Tensor> half = ExactHalf(constant);
    if (!half) return "";
    const auto [known, is_new] = constants_.emplace(constant.name, "");
    if (is_new) {
      half->name = known->second = names_.Make("half");
      graph_.initializers.emplace(known->second, *std::move(half));
    }
    return known->second;
  }

  // What an input is read as; "" where it has to stay float32.
  std::string HalfOf(const std::string& input) {
    const auto known = half_of_.find(input);
    if (known != half_of_.end()) return known->second;
    const Tensor* constant = graph_.FindInitializer(input);
    const DataType type = TypeOfValue(graph_, input);
    if (constant != nullptr && type == DataType::kFloat) return HalfConstant(*constant);
    // What has no known type is taken for a float.
    const bool is_float = type == DataType::kFloat || type == DataType::kUndefined;
    return is_float ? "" : input;
  }

  // The only reader of a value, a Cast to float16; kNpos where it is another one.
  size_t Rounding(const std::string& value) const {
    if (!topology_.HasSingleUse(value)) return Topology::kNpos;
    const Use use = topology_.Uses(value)[0];
    const bool rounds =
        use.slot != Use::kCaptured && IsCastTo(graph_.nodes[use.node], DataType::kFloat16);
    return rounds ? use.node : Topology::kNpos;
  }

  bool IsTypable(const Node& node) const {
    if (node.outputs.empty() || kept_.contains(node.outputs[0])) return false;
    if (IsOneOf(node, kMoved)) return node.outputs.size() == 1 || node.Is("Split");
    return IsOneOf(node, kComputed) && node.outputs.size() == 1 &&
           Rounding(node.outputs[0]) != Topology::kNpos;
  }

  size_t Type(Node& node, std::vector<bool>& dropped, std::vector<Node>& behind) {
    std::vector<std::string> inputs = node.inputs;
    bool reads_half = false;
    for (size_t slot = 0; slot < inputs.size(); ++slot) {
      if (inputs[slot].empty() || IsTypedAlone(node, slot)) continue;
      std::string half = HalfOf(inputs[slot]);
      if (half.empty()) return 0;
      reads_half |= half_of_.contains(inputs[slot]);
      inputs[slot] = std::move(half);
    }
    // What reads nothing in float16 has no rounding in front of it to save.
    if (!reads_half) return 0;
    node.inputs = std::move(inputs);
    for (std::string& output : node.outputs) {
      const size_t rounding = Rounding(output);
      const bool is_rounded = rounding != Topology::kNpos;
      // The readers of the Cast keep its name, which the node writes itself from now on.
      const std::string half = is_rounded ? graph_.nodes[rounding].outputs[0] : names_.Make("half");
      if (is_rounded) {
        dropped[rounding] = true;
      } else {
        behind.push_back(MakeNode("Cast", {half}, {output}));
        behind.back().Set("to", static_cast<int64_t>(DataType::kFloat));
      }
      is_half_.insert(half);
      float_of_[half] = output;
      half_of_[std::exchange(output, half)] = half;
    }
    return 1;
  }

  Graph& graph_;
  const Topology topology_;
  NameMaker names_;
  const std::unordered_set<std::string> kept_;
  std::unordered_set<std::string> is_half_;
  std::unordered_map<std::string, std::string> half_of_;    // of a float32 value, where it has one
  std::unordered_map<std::string, std::string> float_of_;   // what a node of float16 wrote before
  std::unordered_map<std::string, std::string> constants_;  // as float16
};

using Names = std::unordered_set<std::string>;

// What a Cast hands on that undoes the Cast before it, but for one that writes any of `kept`; ""
// where it does not.
std::string Undone(const Graph& graph, const Topology& topology, const Names& kept,
                   const Node& cast) {
  const Node* before = topology.Producer(cast.input(0));
  if (before == nullptr || kept.contains(cast.input(0))) return "";
  const std::string& source = before->input(0);
  const DataType type = TypeOfValue(graph, source);
  if (IsCastTo(cast, DataType::kFloat) && IsCastTo(*before, DataType::kFloat16))
    return type == DataType::kFloat || type == DataType::kUndefined ? source : "";
  const bool widens = IsCastTo(cast, DataType::kFloat16) && IsCastTo(*before, DataType::kFloat);
  return widens && type == DataType::kFloat16 ? source : "";
}

// Readers go to what was there before the pair; what has to keep the name of an output gets it.
void CancelCasts(Graph& graph, const Names& kept = {}) {
  const Topology topology(graph);
  std::unordered_map<std::string, std::string> renames;
  std::vector<bool> cancelled(graph.nodes.size(), false);
  std::unordered_set<std::string> given;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const std::string source = Undone(graph, topology, kept, graph.nodes[n]);
    if (source.empty()) continue;
    const std::string& output = graph.nodes[n].outputs[0];
    // The name of an output goes to what wrote the source, once, unless that is an output too.
    const size_t writer = topology.ProducerIndex(source);
    if (!topology.IsGraphOutput(output)) {
      renames[output] = source;
    } else if (writer != Topology::kNpos && !cancelled[writer] && !topology.IsGraphOutput(source) &&
               given.insert(source).second) {
      std::vector<std::string>& outputs = graph.nodes[writer].outputs;
      std::replace(outputs.begin(), outputs.end(), source, output);
      renames[source] = output;
    } else {
      continue;
    }
    cancelled[n] = true;
  }
  RenameUses(graph, renames);
  RemoveNodes(graph, cancelled);
}

}  // namespace

size_t TypeHalfRegions(Graph& graph) {
  Graph draft = graph;  // shares the bytes of tensors
  // The draft tells which nodes would only move numbers; the second run leaves them float32.
  Typing drafted(draft);
  drafted.Run();
  const size_t typed = Typing(graph, drafted.MovedAlone()).Run();
  CancelCasts(graph);
  RemoveDeadNodes(graph);
  return typed;
}

void DropLostRoundings(Graph& graph) {
  Graph written = graph;  // shares the bytes of tensors
  TypeHalfRegions(written);
  Names kept;
  for (const Node& node : written.nodes) kept.insert(node.outputs.begin(), node.outputs.end());
  CancelCasts(graph, kept);
  RemoveDeadNodes(graph);
}

}  // namespace qconvert
