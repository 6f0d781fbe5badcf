#include "qconvert/pipeline/inspect_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "qconvert/base/error.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "support/graph_builder.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using testing::HasSubstr;
using testing::Not;

// Four convolutions, a Softmax that no integer kernel takes, and a large constant.
Model Network() {
  GraphBuilder b;
  b.Input("x", {"N", "16", "56", "56"}).Output("y");
  std::string value = "x";
  for (int k = 0; k < 4; ++k) {
    const std::string n = std::to_string(k);
    b.Random("w" + n, {16, 16, 3, 3}, 0.1F).Random("b" + n, {16});
    b.Add("Conv", {value, "w" + n, "b" + n}, {"c" + n})
        .Set("pads", std::vector<int64_t>{1, 1, 1, 1});
    b.Add("Relu", {"c" + n}, {"r" + n});
    value = "r" + n;
  }
  b.Add("Erf", {value}, {"y"});
  return b.model;
}

class InspectModelTest : public testing::Test {
 protected:
  Inspection Inspect(const Model& model, const QuantConfig& config = {}) const {
    return InspectModel({dir_.Write("m.onnx", SerializeModel(model)), {config, {}, {}}});
  }
  static QuantConfig Auto() {
    QuantConfig config;
    config.scheme = Scheme::kAuto;
    return config;
  }

  const TempDir dir_;
};

TEST_F(InspectModelTest, CountsWhatTheFileHolds) {
  const Inspection seen = Inspect(Network(), Auto());
  EXPECT_EQ(seen.operators.at("Conv"), 4U);
  EXPECT_EQ(seen.operators.at("Erf"), 1U);
  EXPECT_EQ(seen.parameters.at("float").elements, 4 * (16 * 16 * 9 + 16));
  EXPECT_EQ(seen.parameters.at("float").bytes, 4 * 4 * (16 * 16 * 9 + 16));
  ASSERT_EQ(seen.inputs.size(), 1U);
  EXPECT_EQ(seen.inputs[0].type, "float[N,16,56,56]");
  EXPECT_EQ(seen.opsets.at(""), 13);
  EXPECT_TRUE(seen.has_free_dimensions);
}

TEST_F(InspectModelTest, EstimatesWhatAConversionWouldDo) {
  const Inspection seen = Inspect(Network(), Auto());
  EXPECT_EQ(seen.scheme, "static");
  EXPECT_EQ(seen.integer_nodes, 4U);
  EXPECT_LT(seen.time_ratio, 1);
  EXPECT_EQ(seen.MultiplyAdds().at("uint8 x int8"), 4.0 * 16 * 56 * 56 * 16 * 9);
  EXPECT_EQ(seen.expected_bytes, seen.file_bytes - 4 * (3 * 16 * 16 * 9 - 4 * 16));
  ASSERT_FALSE(seen.float_reasons.empty());
  EXPECT_EQ(seen.float_reasons.begin()->first.first, "Erf");
}

TEST_F(InspectModelTest, SaysWhichProcessorsItsTimeIsOf) {
  QuantConfig config = Auto();
  config.processor = Processor::kVnni;
  const Inspection fast = Inspect(Network(), config);
  EXPECT_EQ(fast.time_of, "with int8 dot products");
  EXPECT_THAT(FormatInspection(fast), HasSubstr("with int8 dot products"));
  EXPECT_THAT(InspectionJson(fast, "success"),
              HasSubstr("\"time_of\": \"with int8 dot products\""));
  config.processor = Processor::kAvx2;
  const Inspection slow = Inspect(Network(), config);
  EXPECT_EQ(slow.time_of, "without int8 dot products");
  EXPECT_LT(fast.time_ratio, slow.time_ratio);
}

TEST_F(InspectModelTest, WeightsAloneAreFloatTimesInteger) {
  QuantConfig config;
  config.scheme = Scheme::kWeightOnly;
  const Inspection seen = Inspect(Network(), config);
  EXPECT_EQ(seen.integer_nodes, 0U);
  EXPECT_EQ(seen.MultiplyAdds().size(), 1U);
  EXPECT_GT(seen.MultiplyAdds().at("float x int8"), 0);
}

TEST_F(InspectModelTest, BytesAreToldByOperatorAndNumberTypes) {
  const Inspection seen = Inspect(Network(), Auto());
  ASSERT_EQ(seen.products.size(), 1U);
  const Inspection::Products& conv = seen.products[0];
  EXPECT_EQ(conv.op_type, "Conv");
  EXPECT_EQ(conv.input + " " + conv.weight + " " + conv.output, "uint8 int8 uint8");
  EXPECT_EQ(conv.nodes, 4U);
  EXPECT_EQ(conv.input_bytes, 4 * 16 * 56 * 56);
  EXPECT_EQ(conv.weight_bytes, 4 * 16 * 16 * 9);
  EXPECT_EQ(conv.output_bytes, 4 * 16 * 56 * 56) << "a byte a value, behind the fused Relu";
}

TEST_F(InspectModelTest, NumberTypesAreThoseOfTheSettings) {
  QuantConfig config;
  config.tensors.activation.bit_width = 16;
  config.tensors.input.bit_width = 16;
  const Inspection wide = Inspect(Network(), config);
  ASSERT_EQ(wide.products.size(), 1U);
  EXPECT_EQ(wide.products[0].output_bytes, 2 * 4 * 16 * 56 * 56);
  EXPECT_EQ(wide.products[0].weight, "int8");
  EXPECT_THAT(wide.products[0].input, HasSubstr("int16"));
  config = {};
  LayerSettings layer{{.kind = LayerMatch::Kind::kType, .types = {{.op_type = "Conv"}}}, {}};
  layer.tensors = config.tensors;
  layer.tensors.weights.datatype = Datatype::kFloat32;
  layer.tensors.activation.datatype = Datatype::kFloat32;
  config.layers = {layer};
  const Inspection plain = Inspect(Network(), config);
  ASSERT_EQ(plain.products.size(), 1U);
  EXPECT_EQ(plain.products[0].weight, "float");
  EXPECT_EQ(plain.products[0].input_bytes, 4.0 * 4 * 16 * 56 * 56);
  EXPECT_EQ(plain.products[0].weight_bytes, 4.0 * 4 * 16 * 16 * 9);
}

TEST_F(InspectModelTest, WhatIsQuantizedAtRunTimeWritesFloats) {
  GraphBuilder b;
  b.Input("x", {"64", "512"}).Output("y").Random("w", {512, 512}, 0.05F);
  b.Add("MatMul", {"x", "w"}, {"h"});
  b.Add("Erf", {"h"}, {"y"});
  QuantConfig config;
  config.scheme = Scheme::kDynamic;
  const Inspection seen = Inspect(b.model, config);
  ASSERT_FALSE(seen.products.empty());
  const auto dynamic =
      std::find_if(seen.products.begin(), seen.products.end(),
                   [](const auto& one) { return one.weight == "int8" && one.input == "uint8"; });
  ASSERT_NE(dynamic, seen.products.end());
  EXPECT_EQ(dynamic->output, "float");
  EXPECT_EQ(dynamic->weight_bytes, 512 * 512);
  EXPECT_EQ(dynamic->output_bytes, 4 * 64 * 512);
}

TEST_F(InspectModelTest, TheTableFitsEightyColumnsAndTheJsonHasAll) {
  const Inspection seen = Inspect(Network(), Auto());
  const std::string text = FormatInspection(seen);
  EXPECT_THAT(text, HasSubstr("free dimensions count as 1"));
  EXPECT_THAT(text, HasSubstr("4 integer"));
  std::istringstream lines(text.substr(text.find('\n') + 1));  // the first names the file
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
  const std::string json = InspectionJson(seen, "success");
  EXPECT_THAT(json, HasSubstr("\"uint8 x int8\""));
  EXPECT_THAT(json, HasSubstr("\"weight_bytes\": 9216.0"));
  EXPECT_THAT(text, HasSubstr("uint8 x int8 -> uint8         4"));
  EXPECT_THAT(json, HasSubstr("\"Erf\""));
  EXPECT_EQ(json, InspectionJson(Inspect(Network(), Auto()), "success"));
}

TEST_F(InspectModelTest, AFixedShapeNeedsNoAssumption) {
  Model model = Network();
  model.graph.inputs[0].type = FloatType({"2", "16", "56", "56"});
  const Inspection seen = Inspect(model, Auto());
  EXPECT_FALSE(seen.has_free_dimensions);
  EXPECT_EQ(seen.MultiplyAdds().at("uint8 x int8"), 2 * 4.0 * 16 * 56 * 56 * 16 * 9);
  EXPECT_THAT(FormatInspection(seen), Not(HasSubstr("free dimensions")));
}

TEST_F(InspectModelTest, WeightsInFloat16BehindACastAreCountedAsTheyStandInTheFile) {
  GraphBuilder b;
  b.Input("x", {"4", "256"}).Output("y").Random("w", {256, 256}, 0.06F);
  Tensor& weight = b.model.graph.initializers.at("w");
  weight = Narrowed(weight, DataType::kFloat16);
  b.Add("Cast", {"w"}, {"wide"}).Set("to", int64_t{1});
  b.Add("MatMul", {"x", "wide"}, {"y"});
  const Inspection seen = Inspect(b.model, Auto());
  EXPECT_EQ(seen.parameters.at("float16").bytes, 2 * 256 * 256);
  EXPECT_GT(seen.expected_bytes, 256 * 256) << "a byte a weight";
  EXPECT_LT(seen.expected_bytes, seen.file_bytes * 6 / 10);
}

TEST_F(InspectModelTest, WhatStaysFloatOfAFloat16ModelIsWrittenInFloat16) {
  GraphBuilder b;
  b.Input("x", {"4", "256"}).Output("y").Random("w", {256, 256}, 0.06F);
  Tensor& constant = b.model.graph.initializers.at("w");
  constant = Narrowed(constant, DataType::kFloat16);
  constant.dims = {64, 4, 256};  // no weight
  b.Add("Cast", {"w"}, {"wide"}).Set("to", int64_t{1});
  b.Add("Mul", {"x", "wide"}, {"y"});
  const Inspection seen = Inspect(b.model, Auto());
  EXPECT_GT(seen.expected_bytes, seen.file_bytes * 9 / 10);
  EXPECT_LE(seen.expected_bytes, seen.file_bytes);
}

TEST_F(InspectModelTest, BodiesCount) {
  GraphBuilder then_body;
  then_body.Floats("k", {}, {2}).Output("t").Add("Mul", {"x", "k"}, {"t"});
  GraphBuilder b;
  b.Input("x", {"4"}).Input("c", {}, DataType::kBool).Output("y");
  Node& node = b.Add("If", {"c"}, {"y"});
  node.Set("then_branch", Subgraph(then_body.model.graph));
  node.Set("else_branch", Subgraph(then_body.model.graph));
  const Inspection seen = Inspect(b.model, Auto());
  EXPECT_EQ(seen.operators.at("Mul"), 2U);
  EXPECT_EQ(seen.parameters.at("float").elements, 2);
}

TEST_F(InspectModelTest, AQuantizedModelIsSaidToBeOne) {
  GraphBuilder b;
  b.Input("x", {"1", "8"}).Output("y").Floats("s", {}, {0.1F});
  const std::vector<int8_t> codes(64, 3);
  b.model.graph.initializers["q"] = MakeTensor<int8_t>("q", DataType::kInt8, {8, 8}, codes);
  b.Add("DequantizeLinear", {"q", "s"}, {"w"});
  b.Add("MatMul", {"x", "w"}, {"y"});
  EXPECT_THAT(Inspect(b.model, Auto()).scheme_reason, HasSubstr("the model is quantized already"));
  EXPECT_THAT(Inspect(Network(), Auto()).scheme_reason, Not(HasSubstr("already")));
}

}  // namespace
}  // namespace qconvert
