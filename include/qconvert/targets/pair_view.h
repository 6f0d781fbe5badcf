// A graph with QuantizeLinear (Q) and DequantizeLinear (DQ) as ONNX Runtime's CPU provider sees it
// when it looks for integer kernels.
#ifndef QCONVERT_TARGETS_PAIR_VIEW_H_
#define QCONVERT_TARGETS_PAIR_VIEW_H_

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/ir/topology.h"
#include "qconvert/targets/target.h"

namespace qconvert {

bool IsQuantize(const Node& node);    // of ai.onnx or com.microsoft
bool IsDequantize(const Node& node);  // the same

// One end of a pair: the type of its codes, and the Q or DQ that has its parameters.
struct PairEnd {
  const Node* node = nullptr;  // null with a type: quantized by the engine itself
  DataType type = DataType::kUndefined;
  size_t copy = 0;  // told apart from its original: the pair that a moved Q leaves in front of it
  // Signed codes whose type in the engine hangs on where it moves a Transpose.
  bool is_uncertain = false;

  bool exists() const { return type != DataType::kUndefined; }
};

// That of a Q or DQ, by its zero point.
PairEnd EndOf(const Graph& graph, const Node& pair);

// Who reads a float value.
struct ValueUses {
  std::vector<PairEnd> quantizers;
  size_t others = 0;  // readings by other nodes, bodies included
  bool is_output = false;

  bool OnlyQuantized() const { return quantizers.size() == 1 && others == 0 && !is_output; }
};

// The constant scale and zero point of a Q or DQ with one of each; `is_scalar` false otherwise.
struct PairParameters {
  bool is_scalar = false;
  float scale = 0;
  int64_t zero_point = 0;
  bool has_zero_point = false;
  bool has_vectors = false;  // in vectors of one number, which mean the same

  bool operator==(const PairParameters& other) const {
    return is_scalar == other.is_scalar && scale == other.scale && zero_point == other.zero_point &&
           has_zero_point == other.has_zero_point;
  }
};
PairParameters ParametersOf(const Graph& graph, const Node& pair);

// What the engine does to pairs before it fuses (1.28.0, measured):
//   x -> DQ -> Reshape -> Conv     becomes     x -> DQ -> Reshape -> Q -> DQ -> Conv
//   Conv -> MaxPool -> Q           becomes     Conv -> Q -> DQ -> MaxPool -> Q
//   Relu -> Q, lowest code = zero point        becomes     Q       (Clip by its bounds)
//   DQ -> Conv{float weights} -> Q             becomes one with int8 weights and int32 bias,
//                                              also of weights computed from constants
//   MatMul -> Add{bias}                        becomes     Gemm
//   Q -> DQ -> Q -> DQ, nobody else reads      becomes     Q -> DQ with the codes that both have
//   Q(int8) -> DQ(int8), one reader            becomes     uint8, x86 only; Qs of constants do not
// The first two along Reshape, Transpose, Squeeze, Unsqueeze, Slice and MaxPool, with constant
// scalar parameters, where nobody else reads. Valid until the graph changes. Needs sorted nodes and
// types in value_info.
class PairView {
 public:
  // Of another target than ONNX Runtime's CPU the graph as it is: less is known of its engine.
  explicit PairView(const Graph& graph, const Target& target = kCpuTarget);

  const Topology& topology() const { return topology_; }
  // By what input `slot` of node `n` arrives as codes; none when it is float.
  PairEnd InputEnd(size_t n, size_t slot) const;
  const ValueUses& Uses(const std::string& value) const;
  // Whether a MatMul is computed as Gemm together with the Add behind it: its bias is input 2 then.
  bool IsGemm(size_t n) const;
  // Input `slot` of a node, and what it writes first; of such a Gemm those of both.
  const std::string& Input(size_t n, size_t slot) const;
  const std::string& Output(size_t n) const;
  // Whether the node is a bias Add, or a clamp that its Q makes superfluous: no kernel of its own.
  bool IsAbsorbed(size_t n) const { return absorbed_.contains(n); }
  // ParametersOf, or what two pairs have that became one, of the codes that the engine gives them.
  PairParameters Parameters(const PairEnd& end) const;

 private:
  void CollectEnds();
  void AddQuantizer(const Node& node);
  void CountOthers(const std::string& value);
  void JoinBiasAdds();
  bool MoveBack();
  bool MoveForward();
  bool MoveForwardFrom(size_t n, const PairEnd& end);
  void QuantizeWeights();
  void QuantizeWeightsOf(size_t n, const std::set<std::string>& folded);
  bool LeadsToQuantize(size_t n) const;
  bool FitsBias(const PairEnd& weight, size_t n, int64_t bias_size) const;
  std::pair<size_t, size_t> Reading(size_t n, size_t slot) const;
  void AbsorbClamps();
  bool IsClampOfCodes(const Node& clamp, const PairEnd& quantizer) const;
  using Readings = std::map<std::pair<const Node*, size_t>, size_t>;
  std::vector<bool> FindGone() const;
  void JoinDoublePairs();
  const Node* Origin(const Node* quantize) const;
  PairParameters Parameters(const Node& pair) const;
  const Node* SourceOf(const PairEnd& end) const;
  bool IsDequantized(const Node& quantize) const;
  Readings CountReadings() const;
  void CountOtherReadings(const Node& node, Readings& readings) const;
  void MarkUncertain(const Readings& readings);
  void UnsignCodes();
  template <typename Change>
  void ForEachEnd(const Change& change) {
    for (auto& ends : ends_) std::for_each(ends.begin(), ends.end(), change);
    for (auto& [value, uses] : uses_)
      std::for_each(uses.quantizers.begin(), uses.quantizers.end(), change);
  }

  const Graph& graph_;
  Topology topology_;
  std::vector<std::vector<PairEnd>> ends_;  // by node and slot
  std::unordered_map<std::string, ValueUses> uses_;
  std::unordered_map<const Node*, const Node*> merged_;  // Qs that another one stands for
  std::set<const Node*> doubled_;                        // of these the second one of two pairs
  std::unordered_map<const Node*, PairParameters> reset_;
  std::vector<PairEnd> written_behind_;  // moved pairs whose DQ writes an output of the graph
  std::vector<bool> gone_;               // by node: shapes that are known when the file is loaded
  std::unordered_map<size_t, size_t> bias_adds_;  // of MatMuls
  std::set<size_t> absorbed_;
};

}  // namespace qconvert

#endif  // QCONVERT_TARGETS_PAIR_VIEW_H_
