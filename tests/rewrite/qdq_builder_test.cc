#include "qdq_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;

Tensor Bytes(DataType type, std::vector<int64_t> dims, std::vector<int32_t> codes) {
  Tensor tensor{.type = type, .dims = std::move(dims)};
  tensor.bytes = std::make_shared<const std::string>(PackCodes(codes, type));
  return tensor;
}

TEST(QdqBuilderTest, ConstantsOfEqualContentAreOne) {
  Graph graph;
  QdqBuilder builder(graph, false);
  const std::string first = builder.Constant(Bytes(DataType::kInt8, {2}, {1, 2}), "w");
  EXPECT_EQ(builder.Constant(Bytes(DataType::kInt8, {2}, {1, 2}), "z"), first);
  EXPECT_EQ(graph.initializers.size(), 1U);
  EXPECT_EQ(graph.initializers.at(first).name, first);
}

// The same bytes are other constants in another type or shape, and other bytes are others whatever
// they are found by.
TEST(QdqBuilderTest, ConstantsThatDifferAnywhereStayApart) {
  Graph graph;
  QdqBuilder builder(graph, false);
  std::set<std::string> names;
  for (const Tensor& tensor :
       {Bytes(DataType::kInt8, {2}, {1, 2}), Bytes(DataType::kUint8, {2}, {1, 2}),
        Bytes(DataType::kInt8, {1, 2}, {1, 2}), Bytes(DataType::kInt8, {2}, {2, 1}),
        Bytes(DataType::kInt8, {}, {0}), Bytes(DataType::kInt8, {1}, {0}),
        Bytes(DataType::kInt8, {0}, {})})
    names.insert(builder.Constant(tensor, "c"));
  EXPECT_EQ(names.size(), 7U);
  EXPECT_EQ(graph.initializers.size(), 7U);
}

TEST(QdqBuilderTest, ANameThatTheModelHasIsNotTaken) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y");
  b.Add("Relu", {"x"}, {"y"});
  QdqBuilder fresh(b.model.graph, false);
  const std::string name = fresh.Constant(Bytes(DataType::kInt8, {}, {0}), "q");
  GraphBuilder taken;
  taken.Input("x", {"2"}).Output(name);
  taken.Add("Relu", {"x"}, {name});
  QdqBuilder builder(taken.model.graph, false);
  EXPECT_NE(builder.Constant(Bytes(DataType::kInt8, {}, {0}), "q"), name);
}

TEST(QdqBuilderTest, ScalarZeroPointsAreWrittenAndVectorsOfZerosLeftOut) {
  Graph graph;
  QdqBuilder builder(graph, false);
  const QuantParams scalar{DataType::kInt8, -1, {0.5F}, {0}};
  const QuantParams zeros{DataType::kInt8, 1, {0.5F, 1}, {0, 0}};
  const QuantParams shifted{DataType::kUint8, 0, {0.5F, 1}, {0, 3}};
  EXPECT_EQ(builder.Dequantize("q", "d", scalar).inputs.size(), 3U);
  EXPECT_EQ(builder.Dequantize("q", "d", zeros).inputs.size(), 2U);
  EXPECT_EQ(builder.Dequantize("q", "d", zeros, /*explicit_zero_point=*/true).inputs.size(), 3U);
  EXPECT_EQ(builder.Dequantize("q", "d", shifted).inputs.size(), 3U);
  EXPECT_EQ(builder.Quantize("d", "q", zeros).inputs.size(), 3U) << "it says the type";
  EXPECT_EQ(builder.Quantize("d", "q", scalar).GetInt("axis", 99), 99);
  EXPECT_EQ(builder.Quantize("d", "q", zeros).GetInt("axis", 99), 1);
  EXPECT_THAT(graph.initializers.at(builder.ScaleName(zeros)).dims, ElementsAre(2));
  EXPECT_THAT(graph.initializers.at(builder.ScaleName(scalar)).dims, ElementsAre());
}

// com.microsoft has them before opset 21; int8 never needs it.
TEST(QdqBuilderTest, SixteenBitsComeFromTheForeignDomainWhereAsked) {
  for (const bool foreign : {false, true}) {
    for (const DataType type : {DataType::kInt8, DataType::kInt16, DataType::kUint16}) {
      Graph graph;
      QdqBuilder builder(graph, foreign);
      const QuantParams params{type, -1, {0.5F}, {0}};
      const bool expected = foreign && type != DataType::kInt8;
      EXPECT_EQ(builder.Quantize("x", "q", params).domain, expected ? "com.microsoft" : "");
      EXPECT_EQ(builder.used_foreign_domain(), expected);
    }
  }
}

}  // namespace
}  // namespace qconvert
