// Ranges of values that learn with a block, and what the quantized model has of them.
#ifndef QCONVERT_SRC_PIPELINE_LEARNABLE_RANGES_H_
#define QCONVERT_SRC_PIPELINE_LEARNABLE_RANGES_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "layerwise_run.h"
#include "qconvert/ir/graph.h"
#include "qconvert/ir/topology.h"
#include "qconvert/plan/find_blocks.h"
#include "qconvert/plan/plan.h"

namespace qconvert {

// Which roots of a plan's values can move with a block.
class LearnableRanges {
 public:
  // All must outlive it.
  LearnableRanges(const Graph& graph, const Topology& topology, const QuantizationPlan& plan);

  // Roots of what the nodes of the block write, whose parameters follow from their range alone, not
  // one that is given, fixed or came with the model, nor from powers of two; and whose values all
  // are written by the block or only moved on from there (MaxPool, Reshape): what shares parameters
  // with a value in front of the block or beside it stays.
  std::set<std::string> Of(const Block& block) const;

 private:
  bool FollowsFromRange(const ValuePlan& value) const;
  bool IsReadFreely(const std::string& value) const;
  bool ComesFrom(const std::set<std::string>& written, std::string value) const;

  const Graph& graph_;
  const Topology& topology_;
  const QuantizationPlan& plan_;
  std::map<std::string, std::vector<std::string>> values_;  // by root
};

// Constants of the quantized model that only one root's Q and DQ read.
class RangeConstants {
 public:
  // Gives such constants to the roots in `model`, which the plan made, and takes out of `roots`
  // those whose parameters stand in other nodes too. A Gemm that reads them gets a float bias:
  // integer kernels take the scale of a bias from that of the input. `plan` must outlive it.
  RangeConstants(const QuantizationPlan& plan, std::set<std::string>& roots, Model& model);

  // For nodes that have not run.
  void Replace(const std::string& root, Range range, LayerwiseRun& run) const;

 private:
  struct Names {
    std::string scale;
    std::string zero_point;
  };
  const QuantizationPlan& plan_;
  std::map<std::string, Names> names_;
};

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_LEARNABLE_RANGES_H_
