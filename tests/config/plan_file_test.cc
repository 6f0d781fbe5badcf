// What the text of a quant_info.json alone shows to be wrong.
#include "qconvert/config/plan_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/read_config.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kHash(64, 'a');

// A file of one convolution; `node` and `values` are texts of entries.
std::string FileOf(const std::string& node, const std::string& values = "",
                   const std::string& more = "") {
  return "{\"format\": \"qconvert quant_info\", \"version\": 1,\n"
         "\"provenance\": {\"tool\": \"t\", \"engine\": \"e\", \"model_sha256\": \"" +
         kHash +
         "\"},\n"
         "\"scheme\": {\"name\": \"static\"},\n"
         "\"passes\": {\"target_device\": \"CPU\", \"onnx_opset_version\": 13},\n"
         "\"nodes\": [" +
         node + "],\n\"values\": [" + values + "]" + more + "}\n";
}

std::vector<std::string> Problems(const std::string& text) {
  try {
    ParsePlanFile(text, "p.json");
  } catch (const ConfigError& e) {
    EXPECT_EQ(e.code(), ExitCode::kConfig);
    return e.problems();
  }
  return {};
}

TEST(PlanFileTextTest, WhatIsWrittenIsRead) {
  const PlanFile file = ParsePlanFile(
      FileOf(R"({"name": "c", "op_type": "Conv", "computes": "integer",
                 "weights": [{"weight": "w", "type": "int8", "codes": [-7, 7], "round": "half_up",
                              "axis": 0, "scale": [0.5, 0.25], "zero_point": 0, "pair_limit": 128}],
                 "bias": {"round": "std_round", "scale": 0.125, "codes": [-128, 127]},
                 "operands": [{"input": 1, "type": "uint8", "scale": 2, "zero_point": 3}]})",
             R"({"name": "x", "type": "uint16", "scale": 0.1, "zero_point": 9, "range": [-1, 2],
                 "method": "maxmin", "shares": "y"})",
             R"(, "stored_weights": [{"weight": "a/0/w", "type": "float16"}],
                 "rounded_values": [{"value": "v", "type": "bfloat16"}])"),
      "p.json");
  ASSERT_EQ(file.nodes.size(), 1U);
  const FileNode& node = file.nodes[0];
  EXPECT_EQ(node.way, NodeWay::kInteger);
  ASSERT_EQ(node.weights.size(), 1U);
  EXPECT_EQ(node.weights[0].grid.params, (QuantParams{DataType::kInt8, 0, {0.5F, 0.25F}, {0, 0}}));
  EXPECT_EQ(node.weights[0].grid.format.qmin, -7);
  EXPECT_EQ(node.weights[0].grid.format.round.mode(), RoundMode::kHalfUp);
  EXPECT_EQ(node.weights[0].pair_limit, 128);
  EXPECT_EQ(node.bias, (BiasGrid{0.125, -128, 127, Rounder(RoundMode::kStdRound)}));
  ASSERT_EQ(node.operands.size(), 1U);
  EXPECT_EQ(node.operands[0].grid.params, (QuantParams{DataType::kUint8, -1, {2.0F}, {3}}));
  ASSERT_EQ(file.values.size(), 1U);
  EXPECT_EQ(file.values[0].grid.params.scales[0], 0.1F);
  EXPECT_EQ(file.values[0].grid.format.qmax, 65535) << "all codes of the type";
  EXPECT_EQ(file.values[0].range, (Range{-1, 2}));
  EXPECT_EQ(file.values[0].shares, "y");
  EXPECT_EQ(file.stored.at(0).grid.format.type, DataType::kFloat16);
  EXPECT_EQ(file.rounded.at(0).type, DataType::kBfloat16);
  EXPECT_EQ(file.config.onnx_opset_version, 13);
}

TEST(PlanFileTextTest, OtherFilesAreRefusedInOneLine) {
  EXPECT_THAT(Problems("{\"values\": {}, \"weights\": []}"),
              ElementsAre("p.json:1:1: is no quant_info that can be read back: format is missing, "
                          "expected 'qconvert quant_info'"));
  EXPECT_THAT(Problems("{\"format\": \"qconvert calibration table\"}"),
              ElementsAre(HasSubstr("p.json:1:12: is no quant_info")));
  EXPECT_THAT(Problems("{\"format\": \"qconvert quant_info\", \"version\": 2, \"new\": 1}"),
              ElementsAre("p.json:1:46: version is '2', expected 1"));
  EXPECT_THAT(Problems("{\"format\": \"qconvert quant_info\"}"),
              ElementsAre(HasSubstr("version is missing, expected 1")));
}

TEST(PlanFileTextTest, EveryProblemHasItsPlace) {
  const std::vector<std::string> problems =
      Problems(FileOf("{\"nam\": \"c\", \"op_type\": \"Conv\", \"computes\": \"intger\"},\n"
                      "{\"op_type\": \"Conv\"}",
                      "\n{\"name\": \"a\", \"type\": \"int8\", \"scale\": 0},"
                      "\n{\"name\": \"b\", \"type\": \"int8\", \"scale\": 1, \"zero_point\": 128},"
                      "\n{\"name\": \"c\", \"type\": \"int9\", \"scale\": 1},"
                      "\n{\"name\": \"d\", \"type\": \"int8\", \"scale\": [1, \"x\"]},"
                      "\n{\"name\": \"e\", \"type\": \"int8\", \"scale\": 1, \"codes\": [5, 4]},"
                      "\n{\"name\": \"f\", \"type\": \"int8\"},"
                      "\n{\"name\": \"g\", \"type\": \"float16\", \"scale\": 1},"
                      "\n{\"name\": \"h\", \"type\": \"int8\", \"scale\": 1, \"range\": [1, 2]},"
                      "\n{\"name\": \"i\", \"type\": \"int8\", \"scale\": [1, 1], \"zero_point\": "
                      "[0]}"));
  EXPECT_THAT(
      problems,
      ElementsAre("p.json:5:12: unknown key 'nam', did you mean 'name'?",
                  HasSubstr("p.json:5:55: computes is 'intger', expected integer, float, fused, "
                            "dynamic, did you mean 'integer'?"),
                  HasSubstr("p.json:6:1: computes is missing"),
                  HasSubstr("p.json:8:40: scale is '0', expected a number from"),
                  "p.json:9:57: zero_point is '128', expected a whole number from -128 to 127",
                  HasSubstr("p.json:10:23: type is 'int9', expected int8, uint8"),
                  HasSubstr("p.json:11:44: scale is 'x', expected a number"),
                  HasSubstr("p.json:12:52: codes is not a lowest and a highest code"),
                  "p.json:13:1: scale is missing", "p.json:14:43: scale has no use with float16",
                  "p.json:15:52: range is 1 to 2, expected one around 0",
                  "p.json:16:62: zero_point has 1 numbers, expected 2, one per scale"));
}

TEST(PlanFileTextTest, ARefusedMapIsToldOnce) {
  std::string text = FileOf("");
  const size_t begin = text.find("{\"tool\"");
  text.replace(begin, text.find('}', begin) + 1 - begin, "5");
  EXPECT_THAT(Problems(text), ElementsAre("p.json:2:15: provenance is '5', expected a map"));
}

TEST(PlanFileTextTest, HashesAreHashes) {
  std::string text = FileOf("");
  text.replace(text.find(kHash), kHash.size(), "abc");
  EXPECT_THAT(Problems(text), ElementsAre("p.json:2:60: model_sha256 is 'abc', expected 64 "
                                          "hexadecimal digits"));
}

TEST(PlanFileTextTest, WhatShiftsAskedForIsReadAgain) {
  std::string text = FileOf("");
  text.insert(
      text.rfind('}'),
      R"(, "coarser_scales": [{"node": "c", "what": "bias", "wanted": 0.25, "scale": 0.5}])");
  const PlanFile file = ParsePlanFile(text, "p.json");
  ASSERT_EQ(file.coarser.size(), 1U);
  EXPECT_EQ(file.coarser[0].what, "bias");
  EXPECT_EQ(file.coarser[0].wanted, 0.25);
  text.replace(text.find("\"bias\", \"w"), 6, "\"sum\"");
  EXPECT_THAT(Problems(text), ElementsAre(HasSubstr("what is 'sum', expected output, weights")));
}

TEST(PlanFileTest, ShiftsAreLetters) {
  std::string text = FileOf("");
  text.insert(text.rfind('}'), R"(, "spread_values": [{"value": "v", "shifts": ".a.c"}])");
  const PlanFile file = ParsePlanFile(text, "p.json");
  ASSERT_EQ(file.spread.size(), 1U);
  EXPECT_EQ(file.spread[0].value, "v");
  EXPECT_EQ(file.spread[0].shifts, (std::vector<int>{0, 1, 0, 3}));
  text.replace(text.find(".a.c"), 4, ".A.c");
  EXPECT_THAT(Problems(text), ElementsAre(HasSubstr("another letter than a to z and '.'")));
}

TEST(PlanFileTest, AbsorbedBiasesAreNumbers) {
  std::string text = FileOf("");
  const std::string passes = "\"passes\": {";
  text.insert(text.find(passes) + passes.size(),
              R"("absorbed_biases": [{"value": "v", "amounts": [0.5, 0, 1e-3]}], )");
  EXPECT_THAT(ParsePlanFile(text, "p.json").absorbed,
              ElementsAre(testing::Pair("v", ElementsAre(0.5F, 0, 1e-3F))));
  EXPECT_TRUE(ParsePlanFile(FileOf(""), "p.json").absorbed.empty());
  text.replace(text.find("1e-3"), 4, "1e99");
  EXPECT_THAT(Problems(text), ElementsAre(HasSubstr("amounts has 1e+99, expected a finite float")));
}

}  // namespace
}  // namespace qconvert
