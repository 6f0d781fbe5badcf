// Models that are equalized and held against what they were.
#ifndef QCONVERT_TESTS_SUPPORT_EQUALIZED_H_
#define QCONVERT_TESTS_SUPPORT_EQUALIZED_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "qconvert/pipeline/prepare_model.h"
#include "qconvert/transform/equalize_layers.h"
#include "support/graph_builder.h"

namespace qconvert {

inline float Largest(const Tensor& tensor) {
  float largest = 0;
  for (const float value : tensor.values<float>()) largest = std::max(largest, std::abs(value));
  return largest;
}

// Equalizes the model, expects so many pairs and the same outputs, to 1e-5 of the largest.
inline void ExpectPairs(GraphBuilder& b, size_t pairs, const std::vector<int64_t>& dims,
                        const EqualizeOptions& options = {}) {
  InferTypes(b.model, "m");
  const Model before = b.model;
  EXPECT_EQ(EqualizeLayers(b.model.graph, options), pairs);
  const Tensor x = RandomTensor("x", dims, 7);
  const auto a = RunModel(before, {x});
  const auto c = RunModel(b.model, {x});
  for (size_t o = 0; o < a.size(); ++o) EXPECT_LE(MaxDifference(a[o], c[o]), 1e-5F * Largest(a[o]));
}

inline std::vector<float> Values(const GraphBuilder& b, const std::string& name) {
  return ToFloats(b.model.graph.initializers.at(name));
}

}  // namespace qconvert

#endif  // QCONVERT_TESTS_SUPPORT_EQUALIZED_H_
