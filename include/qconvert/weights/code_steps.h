// Codes of weights that are not the nearest ones, as text: one letter per weight, in the order of
// the tensor.
//
//   '.'          the nearest code (RoundWeights)
//   'a' to 'z'   1 to 26 steps above it
//   'A' to 'Z'   1 to 26 steps below it
#ifndef QCONVERT_WEIGHTS_CODE_STEPS_H_
#define QCONVERT_WEIGHTS_CODE_STEPS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "qconvert/ir/tensor.h"
#include "qconvert/weights/quantize_weights.h"

namespace qconvert {

inline constexpr int32_t kMostCodeSteps = 26;

// From the nearest codes to `codes`, at most kMostCodeSteps each; empty where they are equal.
std::string StepsBetween(const Tensor& nearest, const Tensor& codes);

// What keeps these steps from being added to the nearest codes of `weights`; empty when they were.
std::string AddSteps(const std::string& steps, FittedWeights& weights);

// The codes in the order of the tensor.
std::vector<int32_t> CodesOfWeights(const FittedWeights& weights);
// Gives the weights these codes; false where they are not as many.
bool TakeCodes(const std::vector<int32_t>& codes, FittedWeights& weights);

}  // namespace qconvert

#endif  // QCONVERT_WEIGHTS_CODE_STEPS_H_
