#include "qconvert/transform/cancel_transposes.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "permute_axes.h"
#include "qconvert/ir/one_of.h"
#include "qconvert/ir/topology.h"
#include "qconvert/transform/eliminate_no_ops.h"

namespace qconvert {
namespace {

constexpr int kMostSweeps = 200;  // one for each residual sum that follows another

// One result from each element; further inputs are scalars (bounds of Clip).
bool IsUnary(const Node& node) {
  static constexpr std::array<std::string_view, 20> kTypes = {
      "Relu", "LeakyRelu", "Sigmoid", "Tanh",     "HardSwish", "HardSigmoid", "Clip",
      "Elu",  "Selu",      "Celu",    "Softplus", "Mish",      "Gelu",        "Abs",
      "Neg",  "Sqrt",      "Exp",     "Erf",      "Cast",      "Reciprocal"};
  return IsOneOf(node, kTypes);
}

bool IsBinary(const Node& node) {
  static constexpr std::array<std::string_view, 7> kTypes = {"Add", "Sub", "Mul", "Div",
                                                             "Pow", "Min", "Max"};
  return IsOneOf(node, kTypes) && node.inputs.size() == 2;
}

// That its axis is one of `rank`.
bool IsAxisOf(const Node& node, size_t rank) {
  const auto limit = static_cast<int64_t>(rank);
  const int64_t axis = node.GetInt("axis", 0);
  return axis >= -limit && axis < limit;
}

bool IsConcat(const Node& node, size_t rank) { return node.Is("Concat") && IsAxisOf(node, rank); }

bool IsConvolution(const Node* node) {
  return node != nullptr && (node->Is("Conv") || node->Is("ConvTranspose"));
}

const Perm* PermOf(const Node* node) {
  if (node == nullptr || !node->Is("Transpose") || node->outputs.size() != 1) return nullptr;
  const Perm* perm = node->FindInts("perm");
  // Not every list is a permutation; what is none the engine will refuse.
  return perm != nullptr && Inverse(*perm) ? perm : nullptr;
}

bool Undoes(const Perm& first, const Perm& second) { return Inverse(second) == first; }

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
    for (size_t n = 0; n < count; ++n) {
      if (!touched_[n]) Hoist(n);
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
    const Node& node = graph_.nodes[n];
    if (node.Is("Split")) return SinkThroughSplit(n);
    if (node.outputs.size() != 1) return;
    const bool joins = IsBinary(node) || node.Is("Concat");
    std::vector<size_t> transposes;
    const Perm* perm = nullptr;
    for (size_t i = 0; i < (joins ? node.inputs.size() : 1); ++i) {
      const size_t producer = topology_.ProducerIndex(node.input(i));
      const Perm* one = producer == kNone ? nullptr : PermOf(&graph_.nodes[producer]);
      if (one == nullptr) continue;
      if (touched_[producer] || (perm != nullptr && *one != *perm)) return;
      perm = one;
      transposes.push_back(producer);
    }
    if (node.Is("Concat") && (perm == nullptr || !IsConcat(node, perm->size()))) return;
    // A copy of the permutation: it lies in a node, and nodes are added.
    if (transposes.size() == 1) return SinkAlone(n, transposes[0], Perm(*perm));
    // Of several, one has to go, or their number would grow.
    if (transposes.size() < node.inputs.size() || transposes.empty() ||
        std::none_of(node.inputs.begin(), node.inputs.end(),
                     [&](const auto& input) { return topology_.HasSingleUse(input); }))
      return;
    MoveBehind({n}, transposes, Perm(*perm));
  }

  // Moves one transpose behind the whole run of nodes from n on that it can pass. Nodes of the run
  // may read it again: x * Sigmoid(x).
  void SinkAlone(size_t n, size_t transpose, const Perm& perm) {
    const Node& before = graph_.nodes[transpose];
    const std::string& from = before.outputs[0];
    std::vector<size_t> run;
    size_t plain = 0;  // nodes at the start of the run that name no axes
    std::string value = from;
    std::optional<Perm> behind = perm;
    while (!touched_[n]) {
      const Node& node = graph_.nodes[n];
      behind = PermOfPassed(node, value, from, *behind);
      if (!behind) break;
      if (plain == run.size() && (IsUnary(node) || IsBinary(node))) ++plain;
      run.push_back(n);
      value = node.outputs[0];
      if (Gain(from, run, *behind) > 0) return MoveBehind(run, {transpose}, perm);
      if (!topology_.HasSingleUse(value)) break;
      n = topology_.Uses(value)[0].node;
    }
    run.resize(plain);
    if (!run.empty() && ReadInside(from, run) &&
        IsConvolution(topology_.Producer(before.inputs[0])))
      MoveBehind(run, {transpose}, perm);
  }

  // True when nothing outside of the run reads `value`.
  bool ReadInside(const std::string& value, const std::vector<size_t>& run) const {
    const std::vector<Use>& uses = topology_.Uses(value);
    return !topology_.IsGraphOutput(value) &&
           std::all_of(uses.begin(), uses.end(), [&](const Use& use) {
             return use.slot != Use::kCaptured &&
                    std::find(run.begin(), run.end(), use.node) != run.end();
           });
  }

  // How many transposes less there are when the one that writes `from` stands behind the run, as
  // `behind`.
  int Gain(const std::string& from, const std::vector<size_t>& run, const Perm& behind) const {
    const Readers readers = ReadersOf(graph_.nodes[run.back()].outputs[0], behind);
    return readers.undone + (ReadInside(from, run) ? 1 : 0) -
           (readers.is_read && !IsIdentity(behind) ? 1 : 0);
  }

  struct Readers {
    int undone = 0;        // Transposes that undo another
    bool is_read = false;  // by anything else
  };

  // What reads `value`, which Transpose{perm} will write.
  Readers ReadersOf(const std::string& value, const Perm& perm) const {
    Readers readers{0, topology_.IsGraphOutput(value)};
    for (const Use& use : topology_.Uses(value)) {
      const Perm* second = use.slot == 0 ? PermOf(&graph_.nodes[use.node]) : nullptr;
      const bool undoes = second != nullptr && !touched_[use.node] && Undoes(perm, *second);
      readers.undone += undoes ? 1 : 0;
      readers.is_read |= !undoes;
    }
    return readers;
  }

  // The Perm behind a node that reads `value`, transposed by `perm`, once it reads what is not
  // transposed; nothing when it cannot. It may read `from` too, transposed by as much.
  std::optional<Perm> PermOfPassed(const Node& node, const std::string& value,
                                   const std::string& from, const Perm& perm) const {
    if (node.outputs.size() != 1) return std::nullopt;
    if (!IsUnary(node) && !IsBinary(node) && !IsConcat(node, perm.size()))
      return node.input(0) == value ? PermBehind(graph_, node, perm) : std::nullopt;
    const bool reads_from =
        value != from &&
        node.inputs.end() != std::find(node.inputs.begin(), node.inputs.end(), from);
    const Perm* first = PermOf(topology_.Producer(from));
    if (reads_from && (first == nullptr || *first != perm)) return std::nullopt;
    return CanPermuteConstants(node, {value, from}, perm.size()) ? std::optional(perm)
                                                                 : std::nullopt;
  }

  // x -> Transpose -> Split -> back, all of them     becomes     x -> Split
  void SinkThroughSplit(size_t n) {
    const size_t transpose = topology_.ProducerIndex(graph_.nodes[n].input(0));
    const Perm* found = transpose == kNone ? nullptr : PermOf(&graph_.nodes[transpose]);
    if (found == nullptr || touched_[transpose] || !IsAxisOf(graph_.nodes[n], found->size()))
      return;
    const Perm perm = *found;
    const std::vector<std::string> parts = graph_.nodes[n].outputs;
    for (const std::string& part : parts)
      // A part that anything else reads would need a Transpose of its own.
      if (part.empty() || ReadersOf(part, perm).is_read) return;
    graph_.nodes[n].inputs[0] = graph_.nodes[transpose].inputs[0];
    PermuteAxis(perm, graph_.nodes[n]);
    for (size_t o = 0; o < parts.size(); ++o) {
      graph_.nodes[n].outputs[o] = names_.Make("t");
      KeepType(parts[o], graph_.nodes[n].outputs[o], perm);
      PutBehind(transpose, false, graph_.nodes[n].outputs[o], parts[o], perm);
    }
    touched_[n] = touched_[transpose] = true;
    ++changes_;
  }

  // Pad -> Transpose -> Conv     becomes     Transpose -> Pad -> Conv, which can be one
  void Hoist(size_t n) {
    const Perm* perm = PermOf(&graph_.nodes[n]);
    const size_t before =
        perm == nullptr ? kNone : topology_.ProducerIndex(graph_.nodes[n].input(0));
    if (before == kNone || touched_[before] || !graph_.nodes[before].Is("Pad") ||
        !topology_.HasSingleUse(graph_.nodes[n].inputs[0]) ||
        !topology_.HasSingleUse(graph_.nodes[n].outputs[0]))
      return;
    Node& pad = graph_.nodes[before];
    Node& transpose = graph_.nodes[n];
    const Use reader = topology_.Uses(transpose.outputs[0])[0];
    const std::optional<Perm> inverse = Inverse(*perm);
    if (reader.slot != 0 || !graph_.nodes[reader.node].Is("Conv") || !inverse ||
        !PermBehind(graph_, pad, *inverse))
      return;
    PermuteAxes(*inverse, names_, graph_, pad);
    const std::string moved = names_.Make("t");
    transpose.inputs[0] = pad.inputs[0];
    pad.inputs[0] = moved;
    pad.outputs[0] = std::exchange(transpose.outputs[0], moved);
    touched_[n] = touched_[before] = touched_[reader.node] = true;
    ++changes_;
  }

  // True when all inputs but the values are constants whose elements keep their order.
  bool CanPermuteConstants(const Node& node, const std::array<std::string, 2>& values,
                           size_t rank) const {
    for (const std::string& input : node.inputs) {
      if (input.empty() || input == values[0] || input == values[1]) continue;
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
                  Perm perm) {
    const auto gone = std::find_if(transposes.begin(), transposes.end(), [&](size_t t) {
      return ReadInside(graph_.nodes[t].outputs[0], run);
    });
    std::string moved;  // what the node before writes now, in the place of `value`
    std::string value;
    for (const size_t n : run) {
      Node& node = graph_.nodes[n];
      const std::optional<Perm> behind = PermBehind(graph_, node, perm);
      if (behind) PermuteAxes(perm, names_, graph_, node);
      if (node.Is("Concat")) PermuteAxis(perm, node);
      for (size_t i = 0; i < (behind ? 1 : node.inputs.size()); ++i) {
        std::string& input = node.inputs[i];
        const size_t producer = topology_.ProducerIndex(input);
        // The first of the run reads the Transposes, the others what the one before them writes.
        if (!value.empty() && input == value) {
          input = moved;
        } else if (producer != kNone && PermOf(&graph_.nodes[producer]) != nullptr) {
          input = graph_.nodes[producer].inputs[0];
        } else if (!input.empty()) {
          input = PermuteConstant(input, perm);
        }
      }
      if (behind) perm = *behind;
      value = node.outputs[0];
      moved = names_.Make("t");
      KeepType(value, moved, perm);
      node.outputs[0] = moved;
      touched_[n] = true;
    }
    PutBehind(gone == transposes.end() ? transposes[0] : *gone, gone != transposes.end(), moved,
              value, perm);
    for (const size_t t : transposes) touched_[t] = true;
    ++changes_;
  }

  static void PermuteAxis(const Perm& perm, Node& node) {
    const auto rank = static_cast<int64_t>(perm.size());
    const int64_t axis = node.GetInt("axis", 0);
    node.Set("axis", perm[static_cast<size_t>(axis < 0 ? axis + rank : axis)]);
  }

  // Transpose{perm} of `moved` writes `value` from now on, in the place of another or, where that
  // one stays, beside it.
  void PutBehind(size_t transpose, bool takes_its_place, const std::string& moved,
                 const std::string& value, const Perm& perm) {
    const Node& like = graph_.nodes[transpose];
    Node behind = MakeNode("Transpose", {moved}, {value});
    behind.name = takes_its_place ? like.name : NameBeside(like.name);
    behind.origin = takes_its_place ? like.origin : like.origin_name();
    behind.Set("perm", perm);
    // The nodes behind go by what the run wrote before.
    for (const Use& use : topology_.Uses(value)) touched_[use.node] = true;
    graph_.nodes.push_back(std::move(behind));
  }

  // The name of a second node like the one with this name: engines refuse a name twice.
  std::string NameBeside(const std::string& name) {
    if (name.empty()) return name;
    if (node_names_.empty()) {
      for (const Node& node : graph_.nodes) node_names_.insert(node.name);
    }
    for (size_t k = 1;; ++k) {
      std::string beside = name + "_" + std::to_string(k);
      if (node_names_.insert(beside).second) return beside;
    }
  }

  // c of the transposed value as c' of the value itself: dimension i of c is dimension perm[i].
  std::string PermuteConstant(const std::string& name, const Perm& perm) {
    const Tensor tensor = *graph_.FindInitializer(name);
    if (tensor.element_count() == 1) return name;
    std::vector<int64_t> dims(perm.size(), 1);
    // Broadcasting aligns dimensions at the end.
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
  std::unordered_set<std::string> node_names_;  // once NameBeside has asked
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
    // What has come to keep the order goes before the next sweep looks for neighbours.
    EliminateNoOps(graph);
  }
  return changes;
}

}  // namespace qconvert
