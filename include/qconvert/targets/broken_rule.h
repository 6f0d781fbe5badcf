// Why an operator of a quantized model is computed in float on a target.
#ifndef QCONVERT_TARGETS_BROKEN_RULE_H_
#define QCONVERT_TARGETS_BROKEN_RULE_H_

#include <cstddef>
#include <optional>
#include <string>

#include "qconvert/ir/graph.h"
#include "qconvert/targets/constant_readers.h"
#include "qconvert/targets/op_rules.h"
#include "qconvert/targets/pair_view.h"
#include "qconvert/targets/target.h"

namespace qconvert {

// The first rule that an operator breaks: `value` is where, an input or output of the node.
struct BrokenRule {
  std::string rule;  // "operator", "input", "output", "clamp", "type", "parameters", "bias",
                     // "sharing"
  std::string value;
  std::string found;
  std::string wanted;
};

// Goes by the tables of operators (op_rules.h, target.h) and, for the CPU, by what its fusions want
// of the pairs around a node (pair_view.h). Valid until the graph changes. Needs sorted nodes and
// types in value_info.
class RuleFinder {
 public:
  // `opset` of ai.onnx, of the model that came.
  RuleFinder(const Graph& graph, const Target& target, int64_t opset = 13);

  // Nothing when the target computes node `n`, which works on floats, with an integer kernel.
  std::optional<BrokenRule> Find(size_t n) const;
  // Whether node `n` has no kernel of its own: a bias Add or clamp that another node computes.
  bool IsAbsorbed(size_t n) const { return view_.IsAbsorbed(n); }
  // Whether the types that the engine gives its codes cannot be told: only the engine itself knows
  // whether such a node, which breaks no rule but of types, has a kernel.
  bool IsUncertain(size_t n) const;

 private:
  using Found = std::optional<BrokenRule>;
  const Node& At(size_t n) const { return graph_.nodes[n]; }
  Found FindOnCpu(size_t n) const;
  Found FindOnOther(size_t n) const;
  Found CheckMovement(size_t n) const;
  Found CheckIndices(size_t n) const;
  Found CheckArithmetic(size_t n) const;
  Found CheckNumbers(size_t n) const;
  Found CheckConv(size_t n) const;
  Found CheckProduct(size_t n) const;
  Found CheckZeroPoints(size_t n) const;
  Found CheckGemm(size_t n) const;
  Found CheckFewBits(size_t n) const;
  Found CheckInput(size_t n, size_t slot) const;
  Found CheckInputs(size_t n, size_t from) const;
  Found CheckOutput(const std::string& value) const;
  Found CheckBits(size_t n, size_t slot, bool allows_16) const;
  Found CheckSigned(size_t n) const;
  Found CheckBias(size_t n) const;
  Found CheckBiasScale(size_t n) const;
  Found CheckParameters(size_t n, const PairEnd& out) const;
  Found CheckResidual(size_t n) const;
  std::string Describe(const std::string& value) const;
  size_t InputCount(size_t n) const;
  bool HasRowBias(size_t n) const;
  bool IsClamped(size_t n) const;

  const Graph& graph_;
  const Target& target_;
  PairView view_;
  ConstantReaders readers_;
  int64_t opset_;
  Graph floats_;  // with the types of dequantized constants as float initializers
};

}  // namespace qconvert

#endif  // QCONVERT_TARGETS_BROKEN_RULE_H_
