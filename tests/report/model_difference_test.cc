#include "qconvert/report/model_difference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "qconvert/report/verification.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Model Sample() {
  GraphBuilder b;
  b.Input("x", {"1", "2"}).Floats("w", {2}, {1, 2}).Ints("shape", {1}, {2}).Output("y");
  b.Add("Mul", {"x", "w"}, {"h"}).name = "scale";
  b.Add("LeakyRelu", {"h"}, {"y"}).Set("alpha", 0.5F);
  b.model.metadata = {{"a", "1"}, {"b", "2"}};
  b.model.producer_name = "p";
  return b.model;
}

std::vector<std::string> DifferencesAfter(const std::function<void(Model&)>& change) {
  Model changed = Sample();
  change(changed);
  std::vector<std::string> lines;
  for (const Difference& difference : DiffModels(changed, Sample()))
    lines.push_back(difference.Line());
  return lines;
}

TEST(ModelDifferenceTest, EqualModelsHaveNone) {
  EXPECT_THAT(DifferencesAfter([](Model&) {}), IsEmpty());
}

TEST(ModelDifferenceTest, TensorsByElement) {
  const std::vector<float> values = {1, 3};
  const std::vector<int64_t> ints = {-7};
  EXPECT_THAT(DifferencesAfter([&](Model& model) {
                model.graph.initializers["w"] = MakeFloatTensor("w", {2}, values);
              }),
              ElementsAre("tensor w: element 1 is 3, expected 2"));
  EXPECT_THAT(DifferencesAfter([&](Model& model) {
                model.graph.initializers["shape"] = MakeInt64Tensor("shape", {1}, ints);
              }),
              ElementsAre("tensor shape: element 0 is -7, expected 2"));
  EXPECT_THAT(DifferencesAfter([&](Model& model) {
                model.graph.initializers["w"] = MakeFloatTensor("w", {2, 1}, values);
              }),
              ElementsAre("tensor w: float[2,1], expected float[2]"));
  EXPECT_THAT(DifferencesAfter([&](Model& model) {
                Tensor tensor = model.graph.initializers["w"];
                model.graph.initializers.erase("w");
                model.graph.initializers["v"] = tensor;
              }),
              ElementsAre("tensor w: missing, expected there", "tensor v: unknown"));
}

TEST(ModelDifferenceTest, NodesByName) {
  EXPECT_THAT(DifferencesAfter([](Model& model) { model.graph.nodes[0].op_type = "Add"; }),
              ElementsAre(HasSubstr("node scale: 'h = Add(x, w)', expected 'h = Mul(x, w)'")));
  EXPECT_THAT(DifferencesAfter([](Model& model) { model.graph.nodes[1].Set("alpha", 0.25F); }),
              ElementsAre(HasSubstr("node 1: ")));
  EXPECT_THAT(DifferencesAfter([](Model& model) { model.graph.nodes[0].name = "scales"; }),
              ElementsAre("node scale name: 'scales', expected 'scale'"));
  EXPECT_THAT(DifferencesAfter([](Model& model) { model.graph.nodes.pop_back(); }),
              ElementsAre("nodes: 1, expected 2"));
}

TEST(ModelDifferenceTest, MetadataAndFields) {
  EXPECT_THAT(DifferencesAfter([](Model& model) {
                model.metadata = {{"a", "3"}, {"c", "2"}};
              }),
              ElementsAre("metadata a: '3', expected '1'", "metadata b: missing, expected there",
                          "metadata c: unknown"));
  EXPECT_THAT(DifferencesAfter([](Model& model) { ++model.ir_version; }),
              ElementsAre(HasSubstr("ir_version")));
  EXPECT_THAT(DifferencesAfter([](Model& model) { model.opsets[""] = 14; }),
              ElementsAre("opset of '': '14', expected '13'"));
  EXPECT_THAT(DifferencesAfter([](Model& model) { model.graph.outputs[0].name = "z"; }),
              ElementsAre(HasSubstr("output 0: 'z")));
}

TEST(ModelDifferenceTest, NamesAreFitForATerminal) {
  const auto lines = DifferencesAfter([](Model& model) { model.metadata[0].second = "\x1b[2J"; });
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].find('\x1b'), std::string::npos);
}

TEST(ModelDifferenceTest, LinesByNumber) {
  const std::vector<Difference> lines = DiffLines("info", "a\nb\nc\n", "a\nB\nc\nd\n");
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].Line(), "info line 2: 'b', expected 'B'");
  EXPECT_EQ(lines[1].where, "info line 4");
  EXPECT_THAT(DiffLines("info", "a\n", "a\n"), IsEmpty());
}

TEST(VerificationTest, SaysEqualOrWhereNot) {
  Verification verification{.out = "q.onnx", .model = "m.onnx", .bytes = 10};
  EXPECT_THAT(FormatVerification(verification, 2), HasSubstr("q.onnx: equal"));
  verification.differences = {{"tensor a", "x", "y"}, {"tensor b", "x", ""}, {"file", "z", ""}};
  const std::string text = FormatVerification(verification, 2);
  EXPECT_THAT(text, HasSubstr("3 differences"));
  EXPECT_THAT(text, HasSubstr("  tensor a: x, expected y\n"));
  EXPECT_THAT(text, HasSubstr("and 1 more"));
  EXPECT_THAT(VerificationJson(verification, "numeric"), HasSubstr("\"equal\": false"));
}

}  // namespace
}  // namespace qconvert
