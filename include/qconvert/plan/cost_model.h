// Estimated time of a node on float and on integer kernels, for deciding where integers pay.
//
// The estimates come from a table of per-element and per-product times (targets/cost_table.h), not
// from a clock, so that the same model gets the same plan on every machine.
#ifndef QCONVERT_PLAN_COST_MODEL_H_
#define QCONVERT_PLAN_COST_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "qconvert/ir/graph.h"
#include "qconvert/targets/cost_table.h"

namespace qconvert {

// Elements of each value in one run.
using ValueSizes = std::map<std::string, int64_t>;

class CostModel {
 public:
  // `sizes` may be incomplete: then the declared shape decides (free dimensions count as 1), and a
  // value without one has 1024 elements. Keeps references to `graph` and `table`.
  CostModel(const Graph& graph, ValueSizes sizes, const CostTable& table = kAvx2Costs);

  // Nanoseconds of one run of the node's kernel, the same activation fused behind it in both.
  double FloatCost(const Node& node) const;
  double IntegerCost(const Node& node) const;
  // Of a MatMul, Gemm, LSTM or GRU with its activations quantized at run time; FloatCost knows LSTM
  // too.
  double DynamicCost(const Node& node) const;
  // Nanoseconds of the conversion of a value, with the change of memory layout that images need
  // between float kernels (blocked by channels) and integer kernels (channels last).
  // `producer` is the float node that writes the value, or null for a graph input.
  double QuantizeCost(const std::string& value, const Node* producer) const;
  double DequantizeCost(const std::string& value) const;

  // What those consist of.
  CostShares FloatShares(const Node& node) const;
  CostShares IntegerShares(const Node& node) const;
  CostShares DynamicShares(const Node& node) const;
  CostShares QuantizeShares(const std::string& value, const Node* producer) const;
  CostShares DequantizeShares(const std::string& value) const;

  double SizeOf(const std::string& value) const;

 private:
  struct Products;
  Products CountProducts(const Node& node) const;
  // Of a GRU with constant weights; nothing for any other node.
  struct Steps {
    double batch = 1;
    double count = 0;   // of all directions
    double states = 0;  // elements of all steps
    double gates = 0;
    double of_states = 0;  // products with R
  };
  std::optional<Steps> CountSteps(const Node& gru) const;
  // Steps of all sequences and directions.
  double CountLstmSteps(const Node& lstm) const;
  // Of kElementOperators[k].
  CostShares ElementShares(const Node& node, size_t k, bool on_integers) const;
  CostShares ConversionShares(const std::string& value, CostTerm element) const;

  const Graph& graph_;
  const CostTable* table_;
  ValueSizes sizes_;
  std::map<std::string, bool> is_image_;  // four dimensions
};

}  // namespace qconvert

#endif  // QCONVERT_PLAN_COST_MODEL_H_
