#include "qconvert/transform/cancel_transposes.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "qconvert/ir/topology.h"
#include "qconvert/transform/eliminate_no_ops.h"

namespace qconvert {
namespace {

using Perm = std::vector<int64_t>;

constexpr int kMostSweeps = 200;  // one for each residual sum that follows another

template <size_t N>
bool IsAnyOf(const Node& node, const std::array<std::string_view, N>& types) {
  return node.domain.empty() && std::find(types.begin(), types.end(), node.op_type) != types.end();
}

// One result from each element; further inputs are scalars (bounds of Clip).
bool IsUnary(const Node& node) {
  static constexpr std::array<std::string_view, 20> kTypes = {
      "Relu", "LeakyRelu", "Sigmoid", "Tanh",     "HardSwish", "HardSigmoid", "Clip",
      "Elu",  "Selu",      "Celu",    "Softplus", "Mish",      "Gelu",        "Abs",
      "Neg",  "Sqrt",      "Exp",     "Erf",      "Cast",      "Reciprocal"};
  return IsAnyOf(node, kTypes);
}

bool IsBinary(const Node& node) {
  static constexpr std::array<std::string_view, 7> kTypes = {"Add", "Sub", "Mul", "Div",
                                                             "Pow", "Min", "Max"};
  return IsAnyOf(node, kTypes) && node.inputs.size() == 2;
}

bool IsConvolution(const Node* node) {
  return node != nullptr && (node->Is("Conv") || node->Is("ConvTranspose"));
}

const Perm* PermOf(const Node* node) {
  return node != nullptr && node->Is("Transpose") && node->outputs.size() == 1
             ? node->FindInts("perm")
             : nullptr;
}

bool Undoes(const Perm& first, const Perm& second) {
  if (first.size() != second.size()) return false;
  for (size_t d = 0; d < second.size(); ++d) {
    const auto from = static_cast<size_t>(second[d]);
    if (from >= first.size() || first[from] != static_cast<int64_t>(d)) return false;
  }
  return true;
}

class TransposeCanceller {
 public:
  explicit TransposeCanceller(Graph& graph) : graph_(graph), topology_(graph), names_(graph) {}

  // One sweep; each node takes part in one change at most, since the index is that of before.
  size_t Sweep() {
    touched_.assign(graph_.nodes.size(), false);
    const size_t count = graph_.nodes.size();  // those that are added wait for the next sweep
    for (size_t n = 0; n < count; ++n) {
      if (!touched_[n]) Compose(n);
    }
    for (size_t n = 0; n < count; ++n) {
      if (!touched_[n]) Sink(n);
    }
    if (changes_ == 0) return 0;
    SortNodes(graph_);
    RemoveDeadNodes(graph_);
    return changes_;
  }

 private:
  // Transpose of a Transpose: reads the input of the first.
  void Compose(size_t n) {
    Node& node = graph_.nodes[n];
    const Perm* second = PermOf(&node);
    const size_t before = second == nullptr ? kNone : topology_.ProducerIndex(node.inputs[0]);
    if (before == kNone || touched_[before]) return;
    const Perm* first = PermOf(&graph_.nodes[before]);
    if (first == nullptr || first->size() != second->size()) return;
    Perm both;
    for (const int64_t d : *second) {
      if (d < 0 || d >= static_cast<int64_t>(first->size())) return;
      both.push_back((*first)[static_cast<size_t>(d)]);
    }
    node.inputs[0] = graph_.nodes[before].inputs[0];
    node.Set("perm", std::move(both));
    touched_[n] = touched_[before] = true;
    ++changes_;
  }

  // Moves the transposes that node n reads behind it.
  void Sink(size_t n) {
    Node& node = graph_.nodes[n];
    if (node.outputs.size() != 1 || (!IsUnary(node) && !IsBinary(node))) return;
    const size_t values = IsUnary(node) ? 1 : 2;
    std::vector<size_t> transposes;
    const Perm* perm = nullptr;
    for (size_t i = 0; i < values; ++i) {
      const size_t producer = topology_.ProducerIndex(node.inputs[i]);
      const Perm* one = producer == kNone ? nullptr : PermOf(&graph_.nodes[producer]);
      if (one == nullptr) continue;
      if (touched_[producer] || (perm != nullptr && *one != *perm)) return;
      perm = one;
      transposes.push_back(producer);
    }
    if (transposes.empty()) return;
    if (transposes.size() == values && values == 2) {
      // One of the two has to go, or their number would grow.
      if (std::none_of(node.inputs.begin(), node.inputs.end(),
                       [&](const auto& input) { return topology_.HasSingleUse(input); }))
        return;
      MoveBehind({n}, transposes, Perm(*perm));
    } else {
      SinkAlone(n, transposes[0], Perm(*perm));
    }
  }

  // Moves one transpose behind the whole run of nodes from n on that it can pass.
  void SinkAlone(size_t n, size_t transpose, const Perm& perm) {
    const Node& before = graph_.nodes[transpose];
    if (!topology_.HasSingleUse(before.outputs[0])) return;
    std::vector<size_t> run;
    std::string value = before.outputs[0];
    bool undone = false;
    for (;;) {
      const Node& reader = graph_.nodes[n];
      const Perm* second = PermOf(&reader);
      undone = second != nullptr && Undoes(perm, *second);
      if (second != nullptr || touched_[n] || reader.outputs.size() != 1 ||
          (!IsUnary(reader) && !IsBinary(reader)) ||
          !CanPermuteConstants(reader, value, perm.size()))
        break;
      run.push_back(n);
      value = reader.outputs[0];
      if (!topology_.HasSingleUse(value)) break;
      n = topology_.Uses(value)[0].node;
    }
    if (!run.empty() && (undone || IsConvolution(topology_.Producer(before.inputs[0]))))
      MoveBehind(run, {transpose}, perm);
  }

  // True when all inputs but `value` are constants whose elements keep their order.
  bool CanPermuteConstants(const Node& node, const std::string& value, size_t rank) const {
    for (const std::string& input : node.inputs) {
      if (input.empty() || input == value) continue;
      const Tensor* tensor = graph_.FindInitializer(input);
      if (tensor == nullptr || tensor->dims.size() > rank ||
          std::count_if(tensor->dims.begin(), tensor->dims.end(),
                        [](int64_t dim) { return dim != 1; }) > 1)
        return false;
    }
    return true;
  }

  // The run computes on what the transposes read; one Transpose stands behind it.
  void MoveBehind(const std::vector<size_t>& run, const std::vector<size_t>& transposes,
                  const Perm& perm) {
    std::string moved;  // what the node before writes now, in the place of `value`
    std::string value;
    for (const size_t n : run) {
      Node& node = graph_.nodes[n];
      for (std::string& input : node.inputs) {
        const size_t producer = topology_.ProducerIndex(input);
        if (!value.empty() && input == value) {
          input = moved;
        } else if (producer != kNone && PermOf(&graph_.nodes[producer]) != nullptr) {
          input = graph_.nodes[producer].inputs[0];
        } else if (!input.empty()) {
          input = PermuteConstant(input, perm);
        }
      }
      value = node.outputs[0];
      moved = names_.Make("t");
      KeepType(value, moved, perm);
      node.outputs[0] = moved;
      touched_[n] = true;
    }
    Node behind = MakeNode("Transpose", {moved}, {value});
    behind.name = graph_.nodes[transposes[0]].name;
    behind.origin = graph_.nodes[transposes[0]].origin;
    behind.Set("perm", perm);
    for (const size_t t : transposes) touched_[t] = true;
    // The nodes behind go by what the run wrote before.
    for (const Use& use : topology_.Uses(value)) touched_[use.node] = true;
    graph_.nodes.push_back(std::move(behind));
    ++changes_;
  }

  // c of the transposed value as c' of the value itself: dimension i of c is dimension perm[i].
  std::string PermuteConstant(const std::string& name, const Perm& perm) {
    const Tensor tensor = *graph_.FindInitializer(name);
    if (tensor.element_count() == 1) return name;
    std::vector<int64_t> dims(perm.size(), 1);
    const size_t lead = perm.size() - tensor.dims.size();
    for (size_t d = 0; d < tensor.dims.size(); ++d)
      dims[static_cast<size_t>(perm[lead + d])] = tensor.dims[d];
    Tensor moved = tensor;
    moved.name = names_.Make("c");
    moved.dims = std::move(dims);
    const std::string made = moved.name;
    graph_.initializers.emplace(made, std::move(moved));
    return made;
  }

  // Declares `before`, the value that Transpose{perm} makes `value` of.
  void KeepType(const std::string& value, const std::string& before, const Perm& perm) {
    const auto it = graph_.value_info.find(value);
    if (it == graph_.value_info.end()) return;
    Value type = it->second;
    type.name = before;
    if (type.type.shape && type.type.shape->size() == perm.size()) {
      for (size_t d = 0; d < perm.size(); ++d)
        (*type.type.shape)[static_cast<size_t>(perm[d])] = (*it->second.type.shape)[d];
    }
    graph_.value_info.emplace(before, std::move(type));
  }

  static constexpr size_t kNone = Topology::kNpos;

  Graph& graph_;
  const Topology topology_;
  NameMaker names_;
  std::vector<bool> touched_;
  size_t changes_ = 0;
};

}  // namespace

size_t CancelTransposes(Graph& graph) {
  size_t changes = 0;
  for (int sweep = 0; sweep < kMostSweeps; ++sweep) {
    const size_t swept = TransposeCanceller(graph).Sweep();
    if (swept == 0) break;
    changes += swept;
    EliminateNoOps(graph);
  }
  return changes;
}

}  // namespace qconvert
