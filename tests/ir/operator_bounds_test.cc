// Every row of what operators ask of their attributes and inputs: the last number that is taken on
// either side, and what is said of the next.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <limits>

#include "qconvert/ir/operator_checks.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using Dims = std::vector<int64_t>;

constexpr int64_t k2To31 = int64_t{1} << 31;

std::string Why(const GraphBuilder& b) {
  const Graph& graph = b.model.graph;
  return WhyInvalid(graph.nodes.back(),
                    [&](const std::string& name) { return graph.FindInitializer(name); });
}

// Of a node whose inputs are all computed.
std::string WhyOf(const std::string& op_type, const std::string& key, const Attribute::Data& data) {
  GraphBuilder b;
  b.Add(op_type, std::vector<std::string>(6, "x"), {"y"}).attributes[key].data = data;
  return Why(b);
}

struct BoundsRow {
  const char* op_type;
  const char* attribute;
  int64_t min, max;
  bool is_list;
};

const std::vector<BoundsRow>& BoundsRows() {
  static const std::vector<BoundsRow> rows = {
      {"Conv", "group", 1, k2To31, false},
      {"Conv", "strides", 1, k2To31, true},
      {"Conv", "dilations", 1, k2To31, true},
      {"Conv", "kernel_shape", 1, k2To31, true},
      {"ConvTranspose", "group", 1, k2To31, false},
      {"ConvTranspose", "strides", 1, k2To31, true},
      {"ConvTranspose", "dilations", 1, k2To31, true},
      {"ConvTranspose", "kernel_shape", 1, k2To31, true},
      {"ConvTranspose", "output_padding", 0, k2To31, true},
      {"MaxPool", "kernel_shape", 1, k2To31, true},
      {"MaxPool", "strides", 1, k2To31, true},
      {"MaxPool", "dilations", 1, k2To31, true},
      {"AveragePool", "kernel_shape", 1, k2To31, true},
      {"AveragePool", "strides", 1, k2To31, true},
      {"AveragePool", "dilations", 1, k2To31, true},
      {"LpPool", "kernel_shape", 1, k2To31, true},
      {"LpPool", "strides", 1, k2To31, true},
      {"DepthToSpace", "blocksize", 1, 32768, false},
      {"SpaceToDepth", "blocksize", 1, 32768, false},
      {"LayerNormalization", "axis", -64, 64, false},
      {"Concat", "axis", -64, 64, false},
      {"Split", "axis", -64, 64, false},
      {"Split", "num_outputs", 1, k2To31, false},
      {"Gather", "axis", -64, 64, false},
      {"GatherND", "batch_dims", 0, 64, false},
      {"Softmax", "axis", -64, 64, false},
      {"Flatten", "axis", -64, 64, false},
      {"Transpose", "perm", 0, 64, true},
      {"LSTM", "hidden_size", 1, k2To31, false},
      {"GRU", "hidden_size", 1, k2To31, false},
      {"RNN", "hidden_size", 1, k2To31, false},
      {"RoiAlign", "output_height", 1, 65536, false},
      {"RoiAlign", "output_width", 1, 65536, false},
      {"RoiAlign", "sampling_ratio", 0, 65536, false},
      {"RandomUniform", "shape", 0, k2To31, true},
      {"RandomNormal", "shape", 0, k2To31, true},
      {"LRN", "size", 1, k2To31, false},
      {"GroupNormalization", "num_groups", 1, k2To31, false}};
  return rows;
}

// A bad number may stand anywhere in a list.
TEST(OperatorBoundsTest, TheEndsAreTakenAndWhatLiesBeyondIsNamed) {
  for (const BoundsRow& row : BoundsRows()) {
    SCOPED_TRACE(std::string(row.op_type) + " " + row.attribute);
    const auto why = [&](int64_t number) {
      return row.is_list ? WhyOf(row.op_type, row.attribute, Dims{row.min, number})
                         : WhyOf(row.op_type, row.attribute, number);
    };
    EXPECT_EQ(why(row.min), "");
    EXPECT_EQ(why(row.max), "");
    for (const int64_t bad : {row.min - 1, row.max + 1, std::numeric_limits<int64_t>::min(),
                              std::numeric_limits<int64_t>::max()}) {
      EXPECT_EQ(why(bad),
                fmt::format("has {} {}, expected {} to {}", row.attribute, bad, row.min, row.max));
    }
  }
}

TEST(OperatorBoundsTest, WhatIsNoNumberHereHasNone) {
  EXPECT_EQ(WhyOf("Conv", "group", std::string("0")), "") << "another kind: the default holds";
  EXPECT_EQ(WhyOf("Conv", "group", 0.5F), "");
  EXPECT_EQ(WhyOf("Transpose", "perm", Dims{}), "");
  GraphBuilder b;
  b.Add("Conv", {"x", "w"}, {"y"}).attributes["group"] = {int64_t{0}, "of_the_caller", {}};
  EXPECT_EQ(Why(b), "") << "the caller of a function gives it";
}

// Operators.md says which inputs are not optional.
TEST(RequiredInputsTest, TheLastOneOfEveryOperator) {
  const std::vector<std::vector<const char*>> by_count = {
      {"Constant", "Optional", "OptionalHasElement", "RandomNormal", "RandomUniform",
       "SequenceEmpty", "Loop", "Scan"},
      {"Abs",     "AveragePool",       "Cast",   "Clip",    "Concat",    "Dropout",
       "Flatten", "GlobalAveragePool", "If",     "MaxPool", "Pad",       "ReduceMean",
       "Relu",    "Reshape",           "Resize", "Shape",   "Slice",     "Softmax",
       "Split",   "Squeeze",           "Sum",    "TopK",    "Transpose", "Unsqueeze",
       "Upsample"},
      {"Add",
       "And",
       "BitShift",
       "CenterCropPad",
       "Compress",
       "Conv",
       "ConvInteger",
       "ConvTranspose",
       "CumSum",
       "Div",
       "DequantizeLinear",
       "Equal",
       "Expand",
       "Gather",
       "GatherElements",
       "GatherND",
       "Gemm",
       "Greater",
       "GridSample",
       "LayerNormalization",
       "Less",
       "MatMul",
       "MatMulInteger",
       "MaxRoiPool",
       "MaxUnpool",
       "Mod",
       "Mul",
       "NonMaxSuppression",
       "Or",
       "PRelu",
       "Pow",
       "QuantizeLinear",
       "RMSNormalization",
       "ReverseSequence",
       "STFT",
       "SequenceAt",
       "SequenceInsert",
       "Sub",
       "Tile",
       "Xor"},
      {"DeformConv", "GRU", "GroupNormalization", "InstanceNormalization", "LSTM", "OneHot", "RNN",
       "Range", "RoiAlign", "Scatter", "ScatterElements", "ScatterND", "Where"},
      {},
      {"BatchNormalization"}};
  for (size_t count = 0; count < by_count.size(); ++count) {
    for (const char* op_type : by_count[count]) {
      const auto why = [&](size_t given, bool is_omitted) {
        GraphBuilder b;
        std::vector<std::string> inputs(given, "x");
        if (is_omitted) inputs.back() = "";
        b.Add(op_type, inputs, {"y"});
        return Why(b);
      };
      EXPECT_EQ(why(count, false), "") << op_type;
      if (count == 0) continue;
      const std::string lacks = fmt::format("lacks input {} of {}", count, count);
      EXPECT_EQ(why(count - 1, false), lacks) << op_type;
      EXPECT_EQ(why(count, true), lacks) << op_type;
      EXPECT_EQ(why(count + 1, true), "") << op_type << ": what comes behind may be left out";
    }
  }
}

TEST(RequiredInputsTest, TheFirstThatLacksIsTold) {
  GraphBuilder b;
  b.Add("BatchNormalization", {"x", "scale", "", "", "var"}, {"y"});
  EXPECT_EQ(Why(b), "lacks input 3 of 5");
}

}  // namespace
}  // namespace qconvert
