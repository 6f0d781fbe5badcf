// Models of old opsets, raised and held against what they were.
#ifndef QCONVERT_TESTS_SUPPORT_RAISE_OPSET_H_
#define QCONVERT_TESTS_SUPPORT_RAISE_OPSET_H_

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "qconvert/transform/convert_opset.h"
#include "support/graph_builder.h"

namespace qconvert {

// Raises a model of x float[1,4,6,6], expects the same bits of both, and returns the raised graph.
inline Graph RaiseAndCompare(GraphBuilder& b, int64_t opset) {
  const Model old = b.model;
  Model raised = old;
  ConvertOpset(raised, opset, "m");
  EXPECT_EQ(raised.opset(), opset);
  const Tensor x = RandomTensor("x", {1, 4, 6, 6}, 11, 2.0F);
  const std::vector<Tensor> before = RunModel(old, {x});
  const std::vector<Tensor> after = RunModel(raised, {x});
  EXPECT_EQ(before.size(), after.size());
  for (size_t o = 0; o < before.size(); ++o) {
    EXPECT_EQ(before[o].dims, after[o].dims);
    EXPECT_EQ(*before[o].bytes, *after[o].bytes);
  }
  b.model = std::move(raised);
  return b.model.graph;
}

inline GraphBuilder OldModel(int64_t opset,
                             const std::vector<std::string>& dims = {"1", "4", "6", "6"}) {
  GraphBuilder b(opset);
  b.model.ir_version = 4;
  b.Input("x", dims).Output("y");
  return b;
}

}  // namespace qconvert

#endif  // QCONVERT_TESTS_SUPPORT_RAISE_OPSET_H_
