// Matrices of nodes that are quantized at run time, as their kernels want them.
#include "dynamic_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "qconvert/numbers/numeric_format.h"
#include "qconvert/weights/quantize_weights.h"
#include "support/graph_builder.h"
#include "support/peak_bytes.h"

namespace qconvert {
namespace {

using testing::ElementsAre;

struct Asked {
  size_t weight = 0;
  int64_t direction = 0;
  Tensor matrix;
  WeightOrder order;
};

// Numbers 0, 1, ... of a matrix, their lowest 7 bits the codes: what stands where is seen in both.
Tensor Counted(const std::string& name, std::vector<int64_t> dims) {
  int64_t count = 1;
  for (const int64_t dim : dims) count *= dim;
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  return MakeFloatTensor(name, std::move(dims), values);
}

FitMatrix Recorder(std::vector<Asked>& asked, bool per_tensor = false) {
  return [&asked, per_tensor](const Tensor& matrix, const WeightOrder& order, size_t w, int64_t d) {
    asked.push_back({w, d, matrix, order});
    FittedWeights out;
    std::vector<int32_t> codes;
    for (const float value : matrix.values<float>())
      codes.push_back(static_cast<int32_t>(value) & 127);
    out.weight.type = DataType::kInt8;
    out.weight.dims = matrix.dims;
    out.weight.bytes = std::make_shared<const std::string>(PackCodes(codes, DataType::kInt8));
    out.params.type = DataType::kInt8;
    const int64_t scales = per_tensor ? 1 : matrix.dims[1];
    for (int64_t n = 0; n < scales; ++n)
      out.params.scales.push_back(static_cast<float>(100 * w + 10 * static_cast<size_t>(d)) +
                                  static_cast<float>(n));
    out.pair_limit = 128;
    return out;
  };
}

// Element [d, r, c] of a counted tensor [directions, rows, columns].
float At(const std::vector<int64_t>& dims, int64_t d, int64_t r, int64_t c) {
  return static_cast<float>((d * dims[1] + r) * dims[2] + c);
}

TEST(DynamicWeightsTest, RecurrentMatricesAreTurnedDirectionByDirection) {
  // More gate rows than a strip of the transposition, and no multiple of it.
  const std::vector<int64_t> w_dims = {2, 20, 3};
  const std::vector<int64_t> r_dims = {2, 20, 5};
  GraphBuilder b;
  b.model.graph.initializers["w"] = Counted("w", w_dims);
  b.model.graph.initializers["r"] = Counted("r", r_dims);
  const Node node = MakeNode("LSTM", {"x", "w", "r"}, {"y"});
  std::vector<Asked> asked;
  const DynamicNodePlan plan = MakeDynamicNode(b.model.graph, node, Recorder(asked));
  ASSERT_EQ(asked.size(), 4U);
  for (const Asked& one : asked) {
    const auto& dims = one.weight == 0 ? w_dims : r_dims;
    EXPECT_THAT(one.matrix.dims, ElementsAre(dims[2], dims[1]));
    for (int64_t k = 0; k < dims[2]; ++k)
      for (int64_t g = 0; g < dims[1]; ++g)
        EXPECT_EQ(one.matrix.values<float>()[static_cast<size_t>(k * dims[1] + g)],
                  At(dims, one.direction, g, k));
    EXPECT_EQ(one.order.channels, 20) << "a scale for each gate row";
    EXPECT_EQ(one.order.count, dims[2]);
  }
  ASSERT_EQ(plan.weights.size(), 2U);
  EXPECT_EQ(plan.weights[0].name, "w");
  EXPECT_EQ(plan.weights[1].name, "r");
  for (size_t w = 0; w < 2; ++w) {
    const ConstantCodes& of = plan.weights[w];
    const auto& dims = w == 0 ? w_dims : r_dims;
    EXPECT_THAT(of.codes.dims, ElementsAre(2, dims[2], dims[1]));
    EXPECT_EQ(of.pair_limit, 128);
    const auto codes = of.codes.values<int8_t>();
    ASSERT_EQ(of.params.scales.size(), 40U);
    EXPECT_EQ(of.params.zero_points, std::vector<int32_t>(40, 0));
    for (int64_t d = 0; d < 2; ++d) {
      for (int64_t g = 0; g < 20; ++g) {
        EXPECT_EQ(of.params.scales[static_cast<size_t>(d * 20 + g)],
                  static_cast<float>(100 * static_cast<int64_t>(w) + 10 * d + g));
        for (int64_t k = 0; k < dims[2]; ++k)
          EXPECT_EQ(codes[static_cast<size_t>((d * dims[2] + k) * 20 + g)],
                    static_cast<int>(At(dims, d, g, k)) & 127);
      }
    }
  }
}

TEST(DynamicWeightsTest, OneScaleOfADirectionIsThatOfAllItsRows) {
  GraphBuilder b;
  b.model.graph.initializers["w"] = Counted("w", {2, 3, 2});
  b.model.graph.initializers["r"] = Counted("r", {2, 3, 1});
  const Node node = MakeNode("GRU", {"x", "w", "r"}, {"y"});
  std::vector<Asked> asked;
  const DynamicNodePlan plan = MakeDynamicNode(b.model.graph, node, Recorder(asked, true));
  EXPECT_THAT(plan.weights[0].params.scales, ElementsAre(0, 0, 0, 10, 10, 10));
  EXPECT_THAT(plan.weights[1].params.scales, ElementsAre(100, 100, 100, 110, 110, 110));
}

TEST(DynamicWeightsTest, ProductsHaveTheirMatrixOnTheRight) {
  GraphBuilder b;
  b.model.graph.initializers["w"] = Counted("w", {2, 3});
  std::vector<Asked> asked;
  Node node = MakeNode("Gemm", {"x", "w"}, {"y"});
  const DynamicNodePlan plain = MakeDynamicNode(b.model.graph, node, Recorder(asked));
  EXPECT_THAT(plain.weights[0].codes.dims, ElementsAre(2, 3));
  EXPECT_THAT(ToFloats(asked[0].matrix), ElementsAre(0, 1, 2, 3, 4, 5));
  node.Set("transB", int64_t{1});
  const DynamicNodePlan turned = MakeDynamicNode(b.model.graph, node, Recorder(asked));
  EXPECT_THAT(turned.weights[0].codes.dims, ElementsAre(3, 2));
  EXPECT_THAT(ToFloats(asked[1].matrix), ElementsAre(0, 3, 1, 4, 2, 5));
  EXPECT_EQ(asked[1].order.channels, 2);
  EXPECT_EQ(turned.weights[0].name, "w");
  const Node matmul = MakeNode("MatMul", {"x", "w"}, {"y"});
  EXPECT_EQ(MakeDynamicNode(b.model.graph, matmul, Recorder(asked)).weights.size(), 1U);
  EXPECT_EQ(asked[2].order.channels, 3);
  EXPECT_EQ(asked[2].order.axis, 1);
}

// They may take half of the memory there is.
TEST(DynamicWeightsTest, NoMatrixIsThereMoreThanOnceBesideTheModel) {
  constexpr int64_t kRows = 4096;
  constexpr int64_t kColumns = 4096;
  constexpr int64_t kBytes = kRows * kColumns * 4;
  const auto fit = [](const Tensor& /*matrix*/, const WeightOrder& /*order*/, size_t /*w*/,
                      int64_t /*d*/) {
    FittedWeights out;
    out.weight.bytes = std::make_shared<const std::string>();
    out.params.scales = {1};
    return out;
  };
  Node gemm = MakeNode("Gemm", {"x", "w"}, {"y"});
  gemm.Set("transB", int64_t{1});
  for (const Node& node : {gemm, MakeNode("GRU", {"x", "w", "r"}, {"y"})}) {
    GraphBuilder b;
    Tensor& weight = b.model.graph.initializers["w"];
    weight.type = DataType::kFloat;
    weight.dims = node.Is("Gemm") ? std::vector<int64_t>{kRows, kColumns}
                                  : std::vector<int64_t>{1, kRows, kColumns};
    weight.bytes = std::make_shared<const std::string>(static_cast<size_t>(kBytes), '\0');
    b.model.graph.initializers["r"] = Counted("r", {1, 3, 1});
    if (PeakBytes() == 0) GTEST_SKIP() << "this system has no VmHWM";
    const int64_t before = PeakBytes();
    MakeDynamicNode(b.model.graph, node, fit);
    EXPECT_LT(PeakBytes() - before, 3 * kBytes / 2) << node.op_type;
  }
}

TEST(DynamicWeightsTest, NamesAreThoseOfTheInputs) {
  EXPECT_THAT(DynamicWeightsOf(MakeNode("GRU", {"x", "w", "r", "b"}, {"y"})),
              ElementsAre("w", "r"));
  EXPECT_THAT(DynamicWeightsOf(MakeNode("MatMul", {"x", "w"}, {"y"})), ElementsAre("w"));
}

}  // namespace
}  // namespace qconvert
