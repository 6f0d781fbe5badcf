// A model cut where an input begins to count.
#ifndef QCONVERT_SRC_PIPELINE_PREFIXED_MODEL_H_
#define QCONVERT_SRC_PIPELINE_PREFIXED_MODEL_H_

#include <memory>
#include <string>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/runtime/session.h"

namespace qconvert {

// The part of a model that does not depend on one of its inputs, run once for a sample, and the
// rest, run for every value of that input:
//
//   x --> nodes before --> border values --+--> nodes behind --> y
//                              switches ---+
//
// Both by float kernels alone, as OpenSwitched runs them.
class PrefixedModel {
 public:
  // Takes the outputs of `model`, which is sorted, in their order. `input`: the one that changes.
  PrefixedModel(Model model, std::string input, std::string place);

  // Runs what comes before, for the sample at hand. False: a value on the border is no tensor, and
  // the model cannot be cut there.
  bool SetSample(const std::vector<Tensor>& inputs);

  // All outputs for this value of the input. After SetSample.
  std::vector<Tensor> Run(const Tensor& input) const;

  size_t nodes_behind() const { return behind_.graph.nodes.size(); }

 private:
  void OpenBehind();

  const std::string input_;
  const std::string place_;
  std::vector<std::string> outputs_;  // of the whole
  Model before_;                      // its outputs are the border
  Model behind_;                      // its inputs get their types from the first sample
  std::shared_ptr<const Session> session_before_;
  std::shared_ptr<const Session> session_behind_;
  std::vector<Tensor> border_;  // of the sample, then its inputs
};

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_PREFIXED_MODEL_H_
