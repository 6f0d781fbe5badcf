// A graph with QuantizeLinear (Q) and DequantizeLinear (DQ) as ONNX Runtime's CPU provider sees it
// when it looks for integer kernels.
#ifndef QCONVERT_TARGETS_PAIR_VIEW_H_
#define QCONVERT_TARGETS_PAIR_VIEW_H_

#include <cstddef>
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

  bool exists() const { return type != DataType::kUndefined; }
};

// Who reads a float value.
struct ValueUses {
  std::vector<PairEnd> quantizers;
  size_t others = 0;  // readings by other nodes, bodies included
  bool is_output = false;

  bool OnlyQuantized() const { return quantizers.size() == 1 && others == 0 && !is_output; }
};

// What the engine does to pairs before it fuses (1.28.0, measured):
//   x -> DQ -> Reshape -> Conv     becomes     x -> DQ -> Reshape -> Q -> DQ -> Conv
//   Conv -> MaxPool -> Q           becomes     Conv -> Q -> DQ -> MaxPool -> Q
//   Relu -> Q, lowest code = zero point        becomes     Q       (Clip by its bounds)
//   DQ -> Conv{float weights} -> Q             becomes one with int8 weights and int32 bias,
//                                              also of weights computed from constants
//   MatMul -> Add{bias}                        becomes     Gemm
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

 private:
  void CollectEnds();
  void AddQuantizer(const Node& node);
  void CountOthers(const std::string& value);
  void JoinBiasAdds();
  bool MoveBack();
  bool MoveForward();
  bool MoveForwardFrom(size_t n, const PairEnd& end);
  void QuantizeWeights();
  void QuantizeWeightsOf(size_t n, const std::set<std::string>& constants);
  bool LeadsToQuantize(size_t n) const;
  bool FitsBias(const PairEnd& weight, size_t n, int64_t bias_size) const;
  std::pair<size_t, size_t> Reading(size_t n, size_t slot) const;
  void AbsorbClamps();
  bool IsClampOfCodes(const Node& clamp, const PairEnd& quantizer) const;
  void UnsignCodes();
  const Graph& graph_;
  Topology topology_;
  std::vector<std::vector<PairEnd>> ends_;  // by node and slot
  std::unordered_map<std::string, ValueUses> uses_;
  std::unordered_map<const Node*, const Node*> merged_;  // Qs that another one stands for
  std::unordered_map<size_t, size_t> bias_adds_;         // of MatMuls
  std::set<size_t> absorbed_;
};

// The constant scale and zero point of a Q or DQ with one of each; `is_scalar` false otherwise.
struct PairParameters {
  bool is_scalar = false;
  float scale = 0;
  int64_t zero_point = 0;
  bool has_zero_point = false;

  bool operator==(const PairParameters&) const = default;
};
PairParameters ParametersOf(const Graph& graph, const Node& pair);

}  // namespace qconvert

#endif  // QCONVERT_TARGETS_PAIR_VIEW_H_
