// Runs a model on a few samples at once, layer after layer: what a layer computed can be looked at,
// and changed, before the next one runs.
#ifndef QCONVERT_SRC_PIPELINE_LAYERWISE_RUN_H_
#define QCONVERT_SRC_PIPELINE_LAYERWISE_RUN_H_

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "qconvert/dataset/sample_source.h"
#include "qconvert/ir/graph.h"
#include "qconvert/ir/topology.h"
#include "qconvert/plan/cost_model.h"

namespace qconvert {

// Type and rank of these, and the dimensions that all agree on.
ValueType CommonType(const std::vector<Tensor>& tensors);

// Whether nodes have bodies. The engine aborts where it takes a branch out of an If whose outputs
// are those of the graph, as they can be in a part of a model.
bool HasBodies(const Graph& graph);

// Nodes [first, end) of `model`, with the constants that they read and inputs for those values of
// `given` that they read; without outputs.
Model CutNodes(const Model& model, size_t first, size_t end,
               const std::map<std::string, std::vector<Tensor>>& given);

// One pass over the model, however many layers are looked at: nodes go to the engine in pieces, and
// between two pieces every sample keeps the values that later nodes read.
class LayerwiseRun {
 public:
  // The model's nodes are sorted. `wanted`: values that are kept until they are
  // dropped as often as they stand there.
  LayerwiseRun(Model model, std::vector<Sample> samples, std::multiset<std::string> wanted,
               int workers, std::string place);
  LayerwiseRun(const LayerwiseRun&) = delete;
  LayerwiseRun& operator=(const LayerwiseRun&) = delete;
  // What it held goes back to the system.
  ~LayerwiseRun();

  // The tensors of a wanted value, by sample; runs as many nodes as that takes. Throws
  // Error(kModel) where the engine cannot run a piece, or a value between pieces is no tensor.
  const std::vector<Tensor>& Reach(const std::string& value);
  // The same to be changed and replaced: until then they are nowhere else.
  std::vector<Tensor> Take(const std::string& value);
  // Replaces them for nodes that have not run.
  void Replace(const std::string& value, std::vector<Tensor> tensors);
  // Replaces an initializer for nodes that have not run.
  void ReplaceConstant(const std::string& name, Tensor tensor);
  // No longer wanted.
  void Drop(const std::string& value);
  int workers() const { return workers_; }

 private:
  Model Piece(size_t end) const;
  void RunUntil(size_t end);
  // By that node or a later one, or by who wants it.
  bool IsUsedFrom(size_t node, const std::string& value) const;
  void ForgetUnused();

  Model model_;
  Topology topology_;
  std::multiset<std::string> wanted_;
  int workers_;
  std::string place_;
  size_t samples_ = 0;
  size_t next_ = 0;                                  // node
  std::map<std::string, std::vector<Tensor>> live_;  // value -> by sample
};

// The most bytes of float values that are alive at the same time when nodes run one by one.
double PeakLiveBytes(const Graph& graph, const ValueSizes& sizes);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_LAYERWISE_RUN_H_
