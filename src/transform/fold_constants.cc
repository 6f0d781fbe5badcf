#include "qconvert/transform/fold_constants.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "constant_size.h"
#include "qconvert/base/error.h"
#include "qconvert/ir/one_of.h"
#include "qconvert/ir/topology.h"

namespace qconvert {
namespace {

constexpr int64_t kSmallValue = 4096;  // shapes, axes, channel factors: folded in any case
constexpr int64_t kNodeBytes = 32;     // of a node that stays in the file
constexpr int64_t kWeightShare = 4;    // a float weight takes a quarter of its bytes in the end
constexpr size_t kLargestCone = 1000;  // nodes looked at for one value

bool IsFoldableOperator(const Node& node) {
  static constexpr std::array<std::string_view, 10> kNever = {
      "RandomNormal",     "RandomUniform",
      "RandomNormalLike", "RandomUniformLike",
      "Multinomial",      "Bernoulli",
      "Dropout",          "DequantizeLinear",
      "Constant",         "DynamicQuantizeLinear"};
  return node.domain.empty() && SubgraphsOf(node).empty() && !node.outputs.empty() &&
         !IsOneOf(node, kNever) &&
         // Their values are no tensors of numbers.
         !node.op_type.starts_with("Sequence") && !node.op_type.starts_with("Optional") &&
         node.op_type.find("String") == std::string::npos;
}

// True for the inputs that quantization and the passes before it want as initializers: weights and
// what belongs to them.
bool IsWeightSlot(const Node& node, size_t slot) {
  static constexpr std::array<std::string_view, 7> kSecond = {
      "Conv", "ConvTranspose", "LSTM", "GRU", "RNN", "BatchNormalization", "DeformConv"};
  static constexpr std::array<std::string_view, 3> kEither = {"MatMul", "Gemm", "Einsum"};
  if (slot == Use::kCaptured) return false;
  return IsOneOf(node, kEither) || (slot > 0 && IsOneOf(node, kSecond));
}

class ConstantFolder {
 public:
  ConstantFolder(Graph& graph, const FoldConstantsOptions& options)
      : graph_(graph), options_(options), topology_(graph), folded_(graph.nodes.size(), false) {
    budget_ = options.max_bytes;
    for (const auto& [name, tensor] : graph.initializers) budget_ += 2 * tensor.byte_size();
  }

  size_t Run() {
    ComputeValues();
    const std::vector<std::string> wanted = FindWanted();
    const std::set<std::string> made = ChooseMade(wanted);
    return Rewrite(wanted, made);
  }

 private:
  const Tensor* Find(const std::string& name) const {
    const auto it = values_.find(name);
    return it != values_.end() ? &it->second : graph_.FindInitializer(name);
  }

  bool CanCompute(const Node& node) const {
    if (!IsFoldableOperator(node)) return false;
    const bool constant = std::all_of(
        node.inputs.begin(), node.inputs.end(),
        [&](const std::string& input) { return input.empty() || Find(input) != nullptr; });
    const bool is_output =
        std::any_of(node.outputs.begin(), node.outputs.end(),
                    [&](const std::string& output) { return topology_.IsGraphOutput(output); });
    if (!constant || is_output) return false;
    const auto bytes = BoundOutputBytes(node, [&](const std::string& name) { return Find(name); });
    return bytes && *bytes <= options_.max_bytes;
  }

  // In waves: nodes whose inputs are all known are computed together, then those that read them.
  void ComputeValues() {
    std::vector<size_t> wave;
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (CanCompute(graph_.nodes[n])) wave.push_back(n);
    }
    while (!wave.empty()) {
      Evaluate(wave);
      // A node that reads several of them comes once, in the order of the graph.
      std::set<size_t> next;
      for (const size_t n : wave) {
        if (!folded_[n]) continue;
        for (const std::string& output : graph_.nodes[n].outputs) {
          for (const Use& use : topology_.Uses(output)) {
            if (!folded_[use.node] && CanCompute(graph_.nodes[use.node])) next.insert(use.node);
          }
        }
      }
      wave.assign(next.begin(), next.end());
    }
  }

  // Computes the nodes that the engine can run: where it fails, halves are tried, down to the nodes
  // at fault.
  void Evaluate(std::span<const size_t> nodes) {
    if (nodes.empty()) return;
    try {
      Keep(nodes, options_.evaluate(Collect(nodes)));
    } catch (const Error&) {
      if (nodes.size() == 1) return;
      Evaluate(nodes.first(nodes.size() / 2));
      Evaluate(nodes.subspan(nodes.size() / 2));
    }
  }

  Graph Collect(std::span<const size_t> nodes) const {
    Graph wave;
    wave.name = "constants";
    for (const size_t n : nodes) {
      const Node& node = graph_.nodes[n];
      wave.nodes.push_back(node);
      for (const std::string& input : node.inputs) {
        if (!input.empty())
          wave.initializers.emplace(input, *Find(input)).first->second.name = input;
      }
      for (const std::string& output : node.outputs) {
        if (!output.empty()) wave.outputs.push_back({output, {}, {}, {}});
      }
    }
    return wave;
  }

  void Keep(std::span<const size_t> nodes, std::vector<Tensor> values) {
    std::unordered_map<std::string, Tensor> by_name;
    for (Tensor& value : values) by_name.emplace(value.name, std::move(value));
    for (const size_t n : nodes) {
      int64_t bytes = 0;
      bool tensors = true;
      for (const std::string& output : graph_.nodes[n].outputs) {
        if (output.empty()) continue;
        // What is no tensor comes back without a type.
        tensors = tensors && by_name.at(output).type != DataType::kUndefined;
        bytes += by_name.at(output).byte_size();
      }
      if (!tensors || bytes > budget_) continue;
      budget_ -= bytes;
      folded_[n] = true;
      for (const std::string& output : graph_.nodes[n].outputs) {
        if (!output.empty()) values_.emplace(output, std::move(by_name.at(output)));
      }
    }
  }

  // Computed values that nodes read which stay, in the order of the nodes that write them.
  std::vector<std::string> FindWanted() const {
    std::vector<std::string> out;
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (!folded_[n]) continue;
      for (const std::string& output : graph_.nodes[n].outputs) {
        const auto& uses = topology_.Uses(output);
        if (std::any_of(uses.begin(), uses.end(),
                        [&](const Use& use) { return !folded_[use.node]; }))
          out.push_back(output);
      }
    }
    return out;
  }

  struct Cone {
    std::set<size_t> nodes;
    std::set<std::string> initializers;
  };

  // What computes `value` in the file, down to initializers and the values in `made`.
  Cone ConeOf(const std::string& value, const std::set<std::string>& made) const {
    Cone cone;
    std::vector<std::string> open = {value};
    // Cones of all values of a long chain would be quadratic.
    while (!open.empty() && cone.nodes.size() < kLargestCone) {
      const std::string name = std::move(open.back());
      open.pop_back();
      if (name.empty() || made.contains(name)) continue;
      const size_t producer = topology_.ProducerIndex(name);
      if (producer == Topology::kNpos) {
        cone.initializers.insert(name);
      } else if (cone.nodes.insert(producer).second) {
        const auto& inputs = graph_.nodes[producer].inputs;
        open.insert(open.end(), inputs.begin(), inputs.end());
      }
    }
    return cone;
  }

  bool IsNeeded(const std::string& initializer) const {
    const auto& uses = topology_.Uses(initializer);
    return needed_.contains(initializer) || topology_.IsGraphOutput(initializer) ||
           std::any_of(uses.begin(), uses.end(),
                       [&](const Use& use) { return !folded_[use.node]; });
  }

  // Bytes that the value takes as an initializer once all passes are done.
  int64_t StoredBytes(const std::string& value) const {
    const auto& uses = topology_.Uses(value);
    const bool weight = std::all_of(uses.begin(), uses.end(), [&](const Use& use) {
      return folded_[use.node] || IsWeightSlot(graph_.nodes[use.node], use.slot);
    });
    return values_.at(value).byte_size() / (weight ? kWeightShare : 1);
  }

  // The wanted values that become initializers; the others keep the nodes that compute them.
  std::set<std::string> ChooseMade(const std::vector<std::string>& wanted) {
    std::set<std::string> made;
    std::vector<std::string> large;
    std::map<std::string, int64_t> sharers;  // initializer -> large values that it takes part in
    for (const std::string& value : wanted) {
      if (values_.at(value).byte_size() <= kSmallValue) {
        made.insert(value);
        continue;
      }
      large.push_back(value);
      for (const std::string& name : ConeOf(value, {}).initializers) ++sharers[name];
    }
    for (const std::string& value : large) {
      const Cone cone = ConeOf(value, made);
      int64_t kept_bytes = kNodeBytes * static_cast<int64_t>(cone.nodes.size());
      for (const std::string& name : cone.initializers) {
        if (!IsNeeded(name))
          kept_bytes +=
              graph_.FindInitializer(name)->byte_size() / std::max<int64_t>(sharers[name], 1);
      }
      // Codes are wanted as constants whatever they take, and a cone cut short tells no size.
      const bool is_code = graph_.nodes[topology_.ProducerIndex(value)].Is("QuantizeLinear");
      if (is_code || StoredBytes(value) <= kept_bytes || cone.nodes.size() >= kLargestCone) {
        made.insert(value);
      } else {
        // They stay in the file: for the values that follow they cost nothing more.
        needed_.insert(cone.initializers.begin(), cone.initializers.end());
      }
    }
    return made;
  }

  size_t Rewrite(const std::vector<std::string>& wanted, const std::set<std::string>& made) {
    for (const std::string& value : wanted) {
      if (made.contains(value)) continue;
      for (const size_t n : ConeOf(value, made).nodes) folded_[n] = false;
    }
    // A node of two outputs may stay for the other one, and then writes this one itself.
    for (const std::string& value : made) {
      if (folded_[topology_.ProducerIndex(value)])
        graph_.initializers.insert_or_assign(value, std::move(values_.at(value)));
    }
    return RemoveNodes(graph_, folded_);
  }

  Graph& graph_;
  const FoldConstantsOptions& options_;
  const Topology topology_;
  std::vector<bool> folded_;
  int64_t budget_ = 0;
  std::unordered_map<std::string, Tensor> values_;
  std::set<std::string> needed_;  // initializers that nodes read which stay
};

}  // namespace

size_t FoldConstants(Graph& graph, const FoldConstantsOptions& options) {
  return ConstantFolder(graph, options).Run();
}

}  // namespace qconvert
