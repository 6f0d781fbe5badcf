// What channels in front of a Relu never go below, by the samples that calibrate.
#ifndef QCONVERT_SRC_PIPELINE_FIND_ABSORBED_BIASES_H_
#define QCONVERT_SRC_PIPELINE_FIND_ABSORBED_BIASES_H_

#include <functional>
#include <map>
#include <span>
#include <string>

#include "qconvert/calibration/input_feeder.h"
#include "qconvert/ir/graph.h"
#include "qconvert/transform/absorb_biases.h"

namespace qconvert {

struct FoundBiases {
  AbsorbedBiases absorbed;
  // By value behind the Relu: its range with them over that without, below 1.
  std::map<std::string, double> narrowed;
};

// For AbsorbBiases, by the least l and the largest h that each channel had over up to 64 samples,
// spread evenly over `by_content` (all samples in an order that no file names change):
//
//   a = max over channels of h - max(l, 0),   c = max(h - a, 0) <= max(l, 0)
//
// a is as narrow as the range can get where v never goes below c; what channels could be lowered by
// beyond that brings nothing, and samples that go below c lose by it. Only of values whose range
// gets narrower. None where runs depend on each other. Throws Error where the engine refuses the
// model.
//
// `is_worth`, where given, is asked before and after the first samples, with what a has come to by
// value behind the Relu: more samples cannot make it less. None where it says no.
using AbsorbedRanges = std::map<std::string, double>;
FoundBiases FindAbsorbedBiases(const Model& model, const InputFeeder& feeder,
                               std::span<const size_t> by_content, const std::string& place,
                               const std::function<bool(const AbsorbedRanges&)>& is_worth = {});

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_FIND_ABSORBED_BIASES_H_
