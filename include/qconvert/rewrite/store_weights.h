// Weights of nodes that compute in float, written as integers.
#ifndef QCONVERT_REWRITE_STORE_WEIGHTS_H_
#define QCONVERT_REWRITE_STORE_WEIGHTS_H_

#include <map>
#include <string>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/plan/plan.h"

namespace qconvert {

// Replaces float weights by their codes, on this level and in bodies:
//
//   W (initializer) -> Conv      becomes      W_q -> Cast -> Mul{s} -> W -> Conv
//                                (and -> Reshape behind Mul where the codes have other dimensions)
//
// or, in a floating type of 16 bits,   W_h -> Cast -> W -> Conv
//
// with the same values as DequantizeLinear(W_q, s) would have. The nodes read constants only, so an
// engine computes them once when it loads the model and then runs the float kernels at float speed;
// ONNX Runtime runs a DequantizeLinear of weights again in every run (measured: docs/plan.md).
// As the plan says (StoredAs), weights with one axis of scales become W_q -> DequantizeLinear -> W
// instead, those in blocks from opset 21 on. Codes stand in the narrowest type of the opset
// (NarrowestType). Weights that are no longer there are passed over. Needs opset >= 13.
void StoreWeights(Model& model, const std::map<std::string, StoredWeight>& stored,
                  StoredAs form = StoredAs::kProduct);

// Floats of stored weights, by BodyPrefix and name: a search makes many models of which few weights
// differ from one to the next. Holds the last ones of every weight.
class FloatCache {
 public:
  // Floats are made by so many threads.
  explicit FloatCache(int workers = 1) : workers_(workers) {}

  // An entry of a plan's stored weights.
  using Entry = std::map<std::string, StoredWeight>::value_type;
  // Makes what is missing of these.
  void Make(const std::vector<const Entry*>& wanted);
  // Lets go of all.
  void Clear() { made_.clear(); }
  // The floats that were last made of the weight.
  const Tensor& Find(const std::string& way) const { return made_.at(way).floats; }

 private:
  struct Made {
    StoredWeight weight;
    Tensor floats;
  };

  bool Holds(const Entry& entry) const;

  int workers_;
  std::map<std::string, Made> made_;
};

// The floats that an engine makes of a weight that StoreWeights has written, bit for bit.
Tensor ExpandedWeight(const StoredWeight& weight);

// The floats that an engine makes of what StoreWeights writes, bit for bit, in place of the
// weights: for models that only run here. An engine makes them on one thread and holds two copies
// meanwhile.
void ExpandWeights(Model& model, const std::map<std::string, StoredWeight>& stored,
                   FloatCache& cache);

}  // namespace qconvert

#endif  // QCONVERT_REWRITE_STORE_WEIGHTS_H_
