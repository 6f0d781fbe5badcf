// The integers of a plan's weights.
#ifndef QCONVERT_WEIGHTS_FILL_CODES_H_
#define QCONVERT_WEIGHTS_FILL_CODES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/plan/plan.h"
#include "qconvert/targets/target.h"
#include "qconvert/weights/layer_corrections.h"
#include "qconvert/weights/quantize_weights.h"
#include "qconvert/weights/store_weights.h"

namespace qconvert {

// Integers of weights of earlier plans of the same float graph: fitting them is most of the work,
// and a search makes many plans.
class CodeCache {
 public:
  // Weights are quantized by so many threads.
  explicit CodeCache(int workers = 1) : workers_(workers) {}

  int workers() const { return workers_; }
  // The weights named `weight` as a kernel walks them, whatever reads them is scaled by: those of
  // before, or what `make` returns. Good until the next call. Nodes that share weights share codes.
  const FittedWeights& Integer(const std::string& weight, const WeightOrder& order,
                               const TensorSettings& settings,
                               const std::function<FittedWeights()>& make);
  const DynamicNodePlan& Dynamic(size_t node, const TensorSettings& settings,
                                 const std::function<DynamicNodePlan()>& make);
  // Called when a plan has all that Integer and Dynamic give it: those that it did not ask for go
  // where they are many.
  void EndPlan();
  // Makes what is missing of these weights, on all threads.
  void MakeStored(const std::vector<std::pair<WeightUse, StoredForm>>& wanted);
  // Null for weights that are better left as they are (CanStore).
  const StoredWeight* FindStored(const std::string& way, const StoredForm& form) const;

 private:
  // What WeightOrder tells, comparable.
  using Walk = std::tuple<std::array<int64_t, 9>, bool>;

  template <typename Codes>
  struct Kept {
    TensorSettings settings;
    Codes codes;
    size_t plan = 0;  // the last one that asked for them
  };

  int workers_;
  size_t plan_ = 0;  // counted from 0
  std::map<std::pair<std::string, Walk>, Kept<FittedWeights>> integer_;
  std::map<size_t, Kept<DynamicNodePlan>> dynamic_;
  std::map<std::pair<std::string, StoredForm>, std::optional<StoredWeight>> stored_;
};

struct CodeOptions {
  // Nodes that are quantized at run time; float in the placement.
  std::set<size_t> dynamic;
  // Initializers, those of bodies with the way to them: stored in 16 bits, which is one 256th of
  // the error, or left float.
  std::set<std::string> wide;
  std::set<std::string> keep;
  int32_t pair_limit = kCpuTarget.pair_limit;     // of the kernels; see quantize_weights.h
  const LayerCorrections* corrections = nullptr;  // may be null
};

// Fills in the weights and biases of integer nodes (quantize_weights.h), of nodes quantized at run
// time, and the stored weights of all others (store_weights.h, round_values.h), in bodies too.
// Weights without codes of their own that an integer node shares with a float node are stored for
// the latter.
void FillCodes(const Graph& graph, const ModelSettings& settings, const CodeOptions& options,
               CodeCache& cache, QuantizationPlan& plan);

}  // namespace qconvert

#endif  // QCONVERT_WEIGHTS_FILL_CODES_H_
