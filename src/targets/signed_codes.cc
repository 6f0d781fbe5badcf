// What becomes of int8 codes, and of pairs straight behind pairs, on the way to the kernels.
#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <string_view>
#include <utility>

#include "qconvert/ir/constant_values.h"
#include "qconvert/ir/one_of.h"
#include "qconvert/ir/value_types.h"
#include "qconvert/numbers/numeric_format.h"
#include "qconvert/targets/constant_readers.h"
#include "qconvert/targets/op_rules.h"
#include "qconvert/targets/pair_view.h"

namespace qconvert {
namespace {

constexpr int kByte = 8;

// The codes that both grids have: their ranges' intersection, as the engine computes it.
PairParameters Intersection(const PairParameters& a, const PairParameters& b, DataType type) {
  const NumericFormat codes = FullFormat(type);
  const auto real = [](int64_t code, const PairParameters& of) {
    return static_cast<float>(code - of.zero_point) * of.scale;
  };
  const float low = std::max(real(codes.qmin, a), real(codes.qmin, b));
  const float high = std::min(real(codes.qmax, a), real(codes.qmax, b));
  PairParameters both = a;
  both.scale = (high - low) / static_cast<float>(codes.qmax - codes.qmin);
  both.zero_point =
      static_cast<int64_t>(std::round(static_cast<float>(codes.qmin) - low / both.scale));
  return both;
}

// Nodes that are nowhere once the shapes that can be known are.
class FoldedShapes {
 public:
  FoldedShapes(const Graph& graph, const Topology& topology, const std::set<std::string>& constants)
      : graph_(graph), topology_(topology), constants_(constants), is_gone_(graph.nodes.size()) {
    // From the back: a node goes where all its readers have gone.
    for (size_t n = graph.nodes.size(); n-- > 0;) is_gone_[n] = Goes(graph.nodes[n]);
  }

  std::vector<bool> Take() { return std::move(is_gone_); }

 private:
  bool Goes(const Node& node) const {
    static constexpr std::array<std::string_view, 7> kOfShapes = {
        "Shape", "Cast", "Gather", "Slice", "Squeeze", "Unsqueeze", "Concat"};
    if (!IsOneOf(node, kOfShapes)) return false;
    const std::string& output = node.outputs[0];
    if (topology_.IsGraphOutput(output)) return false;
    if (node.Is("Shape") && HasFixedShape(graph_, node.inputs[0])) return true;
    const std::vector<Use>& uses = topology_.Uses(output);
    return !uses.empty() && std::all_of(uses.begin(), uses.end(), [&](const Use& use) {
      if (use.slot == Use::kCaptured) return false;
      const Node& reader = graph_.nodes[use.node];
      return is_gone_[use.node] || (reader.Is("Reshape") && use.slot == 1 && IsKnown(node));
    });
  }

  // The engine writes a shape of one unknown number with -1, unless there is one already.
  bool IsKnown(const Node& concat) const {
    if (!concat.Is("Concat")) return false;
    size_t unknown = 0;
    for (const std::string& input : concat.inputs) {
      const Tensor* numbers = graph_.FindInitializer(input);
      if (numbers == nullptr) {
        unknown += constants_.contains(input) ? 0U : 1U;
        continue;
      }
      if (numbers->type != DataType::kInt64) return false;
      const auto values = numbers->values<int64_t>();
      unknown += static_cast<size_t>(std::count(values.begin(), values.end(), int64_t{-1}));
    }
    return unknown <= 1;
  }

  const Graph& graph_;
  const Topology& topology_;
  const std::set<std::string>& constants_;
  std::vector<bool> is_gone_;
};

}  // namespace

// What needs no kernel: its result is known when the file is loaded.
std::vector<bool> PairView::FindGone() const {
  return FoldedShapes(graph_, topology_, FindConstantValues(graph_)).Take();
}

// A DQ that one Q alone reads, right between the two pairs.
void PairView::JoinDoublePairs() {
  for (const Node& second : graph_.nodes) {
    const Node* dequantize = IsQuantize(second) ? topology_.Producer(second.inputs[0]) : nullptr;
    if (dequantize == nullptr || !IsDequantize(*dequantize)) continue;
    const Node* first = topology_.Producer(dequantize->inputs[0]);
    if (first == nullptr || !IsQuantize(*first)) continue;
    const auto& behind = topology_.Uses(second.outputs[0]);
    const bool is_alone = topology_.HasSingleUse(first->outputs[0]) &&
                          topology_.HasSingleUse(dequantize->outputs[0]) &&
                          topology_.HasSingleUse(second.outputs[0]) &&
                          behind[0].slot != Use::kCaptured &&
                          IsDequantize(graph_.nodes[behind[0].node]);
    const DataType type = EndOf(graph_, second).type;
    const Node* origin = Origin(first);
    const PairParameters before = Parameters(*origin);
    const PairParameters after = ParametersOf(graph_, second);
    if (!is_alone || type != EndOf(graph_, *first).type || BitsOf(type) != kByte ||
        !before.is_scalar || !after.is_scalar || !before.has_zero_point || !after.has_zero_point)
      continue;
    merged_.insert_or_assign(&second, origin);
    doubled_.insert(&second);
    if (before != after)
      reset_[origin] = reset_[&graph_.nodes[behind[0].node]] = Intersection(before, after, type);
  }
}

const Node* PairView::Origin(const Node* quantize) const {
  for (auto same = merged_.find(quantize); same != merged_.end(); same = merged_.find(quantize))
    quantize = same->second;
  return quantize;
}

PairParameters PairView::Parameters(const Node& pair) const {
  const auto reset = reset_.find(&pair);
  return reset == reset_.end() ? ParametersOf(graph_, pair) : reset->second;
}

PairParameters PairView::Parameters(const PairEnd& end) const {
  constexpr int64_t kShift = 128;
  PairParameters out = Parameters(*end.node);
  const bool is_shifted =
      end.type == DataType::kUint8 && EndOf(graph_, *end.node).type == DataType::kInt8;
  if (is_shifted) out.zero_point += kShift;
  return out;
}

// Whether a DQ reads what a Q writes.
bool PairView::IsDequantized(const Node& quantize) const {
  const std::vector<Use>& uses = topology_.Uses(quantize.outputs[0]);
  return std::any_of(uses.begin(), uses.end(),
                     [&](const Use& use) { return IsDequantize(graph_.nodes[use.node]); });
}

// The Q that wrote the codes of an end, or the DQ of codes that none wrote.
const Node* PairView::SourceOf(const PairEnd& end) const {
  if (end.node == nullptr || !IsDequantize(*end.node)) return end.node;
  const Node* producer = topology_.Producer(end.node->inputs[0]);
  return producer == nullptr || !IsQuantize(*producer) ? end.node : Origin(producer);
}

PairView::Readings PairView::CountReadings() const {
  Readings readings;
  for (const PairEnd& end : written_behind_) ++readings[{SourceOf(end), end.copy}];
  for (size_t n = 0; n < ends_.size(); ++n) {
    // The Q of a second pair reads nothing any more: the two pairs are one.
    if (gone_[n] || doubled_.contains(&graph_.nodes[n])) continue;
    for (const PairEnd& end : ends_[n])
      if (end.exists() && end.node != nullptr) ++readings[{SourceOf(end), end.copy}];
    CountOtherReadings(graph_.nodes[n], readings);
  }
  return readings;
}

// Outputs of the graph and bodies together have one DQ of their own; whoever reads the codes
// themselves reads the Q.
void PairView::CountOtherReadings(const Node& node, Readings& readings) const {
  const bool writes_codes = IsQuantize(node);
  if (!writes_codes && !IsDequantize(node)) return;
  const std::string& output = node.outputs[0];
  const auto& uses = topology_.Uses(output);
  const bool is_elsewhere =
      topology_.IsGraphOutput(output) || std::any_of(uses.begin(), uses.end(), [&](const Use& use) {
        return use.slot == Use::kCaptured ||
               (writes_codes && !IsDequantize(graph_.nodes[use.node]));
      });
  if (is_elsewhere) ++readings[{SourceOf(EndOf(graph_, node)), 0}];
}

// The engine may move a Transpose behind the pair that it has behind it, or drop it. Then the two
// pairs are one, which all read that read the second: neither keeps the type that its own readers
// give it. The same where codes that nothing dequantizes are behind a Transpose of moved ones.
void PairView::MarkUncertain(const Readings& readings) {
  std::set<std::pair<const Node*, size_t>> uncertain;
  const auto stays_signed = [&](size_t n, const PairEnd& behind) {
    const size_t before = topology_.ProducerIndex(graph_.nodes[n].inputs[0]);
    return behind.copy == 0 && !IsDequantized(*behind.node) && ends_[n][0].copy > 0 &&
           before != Topology::kNpos && !ends_[before].empty() &&
           ends_[before][0].type == DataType::kInt8;
  };
  for (size_t n = 0; n < ends_.size(); ++n) {
    const Node& node = graph_.nodes[n];
    if (!node.Is("Transpose") || ends_[n][0].type != DataType::kInt8) continue;
    const ValueUses& uses = Uses(node.outputs[0]);
    if (!uses.OnlyQuantized() || uses.quantizers[0].type != DataType::kInt8) continue;
    const PairEnd& end = uses.quantizers[0];
    const std::pair front(SourceOf(ends_[n][0]), ends_[n][0].copy);
    const std::pair behind(SourceOf(end), end.copy);
    const auto is_shared = [&](const auto& pair) {
      const auto count = readings.find(pair);
      return count != readings.end() && count->second > 1;
    };
    const bool is_one = is_shared(behind) ||
                        (is_shared(front) && Parameters(*front.first) == Parameters(*behind.first));
    if (!is_one && !stays_signed(n, end)) continue;
    uncertain.insert(behind);
    uncertain.insert(front);
  }
  ForEachEnd([&](PairEnd& end) {
    if (end.exists()) end.is_uncertain = uncertain.contains({SourceOf(end), end.copy});
  });
}

// The kernels of x86 take int8 activations as uint8. A Q that several nodes read keeps its type,
// since each of them gets a DQ of its own before.
void PairView::UnsignCodes() {
  const std::set<std::string> folded = FindFoldedValues(graph_, topology_);
  const Readings readings = CountReadings();
  MarkUncertain(readings);
  ForEachEnd([&](PairEnd& end) {
    if (end.node == nullptr || end.type != DataType::kInt8) return;
    const Node* from = SourceOf(end);
    const PairParameters parameters = ParametersOf(graph_, *from);
    if (!parameters.is_scalar || !parameters.has_zero_point) return;
    const auto count = readings.find({from, end.copy});
    if (count != readings.end() && count->second > 1) return;
    // Constants keep their type, also those that a Q makes: the engine folds it before. So does
    // what no Q wrote, or no DQ reads straight behind it. The Q of a moved pair is neither.
    const bool is_constant =
        IsQuantize(*from) &&
        (graph_.FindInitializer(from->inputs[0]) != nullptr || folded.contains(from->inputs[0]));
    const bool is_back = end.copy > 0 && end.copy <= graph_.nodes.size();
    const bool keeps =
        is_back ? is_constant
                : end.copy == 0 && (!IsQuantize(*from) || is_constant || !IsDequantized(*from));
    if (!keeps) end.type = DataType::kUint8;
  });
}

}  // namespace qconvert
