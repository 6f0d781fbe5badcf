// One line for one problem, in the words of the file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/quark_text.h"
#include "support/read_config.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kFloatScales =
    "overall_quantize_config: {method: maxmin, round_mode: half_even, scale_type: float, "
    "calib_statistic_method: max}\n";

TEST(ToldOnceTest, ABlockSizeThatIsRefusedIsThere) {
  const std::string packed = "target_device: CPU\nmatmul_nbits: true\n" + kFloatScales;
  EXPECT_THAT(ProblemsOf(packed), ElementsAre(HasSubstr("expected block_size of weights")));
  EXPECT_THAT(ProblemsOf(packed + "tensor_quantize_config: {weights: {block_size: 16.5}}\n"),
              ElementsAre(HasSubstr("block_size is '16.5'")));
  EXPECT_THAT(ProblemsOf(packed + "layer_quantize_config: [{layer_type: MatMul, "
                                  "tensor_quantize_config: {weights: {block_size: many}}}]\n"),
              ElementsAre(HasSubstr("block_size is 'many'")));
}

TEST(ToldOnceTest, WhatTheVendorsToolRefusesIsNotRefusedAgain) {
  for (const char* device : {"CPU", "DPU"}) {
    EXPECT_THAT(
        ProblemsOf(std::string("target_device: ") + device +
                   "\ntensor_quantize_config: {input: {per_channel: true}, bias: {method: "
                   "percentile}, activation: {symmetry: false}}\n"),
        ElementsAre(HasSubstr("input: per_channel is true"), HasSubstr("bias: method is perc"),
                    HasSubstr("activation: symmetry is false")))
        << device;
  }
  // Without a device the vendor's tool is not asked: what no file holds is told at once.
  EXPECT_THAT(ProblemsOf("tensor_quantize_config: {bias: {method: percentile}}\n"),
              ElementsAre(HasSubstr("has no target_device"), HasSubstr("bias: method is perc")));
  // Where extensions let a row of the vendor's pass, what no file holds is told all the same.
  EXPECT_THAT(
      ProblemsOf("target_device: QNN\n" + kFloatScales +
                 "tensor_quantize_config: {input: {symmetry: true}, activation: {symmetry: false}, "
                 "bias: {bit_width: 8}}\n"),
      ElementsAre(HasSubstr("input: symmetry is true"), HasSubstr("bias: bit_width is 8")));
}

// What is missing is not told beside what stands there misspelt.
TEST(ToldOnceTest, AMisspeltKeyIsNotMissing) {
  const std::vector<std::string> texts = {
      "target_devic: CPU\n" + kFloatScales,
      "target_device: CPU\nlayer_quantize_config: [{layer_nme: a}]\n",
      "target_device: CPU\nvalue_quantize_config: [{valu: a}]\n",
      "global_config: {input_tensros: {spec: Int8Spec}, weight: {spec: Int8Spec}}\n",
      "global_config: {input_tensors: {spc: Int8Spec}, weight: {spec: Int8Spec}}\n",
  };
  for (const std::string& text : texts)
    EXPECT_THAT(ProblemsOf(text), ElementsAre(HasSubstr("did you mean"))) << text;
  // Beside the right one it is not taken for it.
  EXPECT_THAT(ProblemsOf("target_device: CPU\ntarget_devic: DPU\n"),
              ElementsAre(HasSubstr("'target_devic', did you mean")));
}

TEST(ToldOnceTest, OfALayerOfQuarkWhateverTheNumberOfItsNodes) {
  const auto layer = [](const std::string& tensors) {
    return Int8("\"specific_layer_config\": [[" + tensors + ", [\"a\", \"b\"]]]");
  };
  EXPECT_THAT(Problems(layer("{\"wieght\": {\"spec\": \"Int8Spec\"}}")),
              ElementsAre(HasSubstr("'wieght', did you mean 'weight'?")));
  EXPECT_THAT(Problems(layer("{\"weight\": {\"spec\": \"MX6Spec\"}}")),
              ElementsAre(HasSubstr("data_type is 'MX6'")));
  EXPECT_THAT(Problems(layer("{\"weight\": {}}")), ElementsAre(HasSubstr("has no data_type")));
  EXPECT_THAT(Problems(Int8("\"specific_layer_config\": [{\"target_node_nams\": [\"a\"], "
                            "\"layer_config\": {\"weight\": {\"spec\": \"Int8Spec\"}}}]")),
              ElementsAre(HasSubstr("did you mean 'target_node_names'?")));
}

TEST(ToldOnceTest, ProblemsOfATranslationNameTheKeyThatWasWritten) {
  EXPECT_THAT(Problems(Options("\"ConvertOpsetVersion\": 9")),
              ElementsAre(HasSubstr(": ConvertOpsetVersion: onnx_opset_version is 9, expected")));
  EXPECT_THAT(Problems(Options("\"UseMatMulNBits\": true, \"MatMulNBitsParams\": {\"GroupSize\": "
                               "31, \"Bits\": 77}")),
              ElementsAre(HasSubstr(": GroupSize: weights (MatMul): block_size is 31, expected"),
                          HasSubstr(": Bits: bit_width is '77', expected")));
  // A key that the message has is not said twice.
  EXPECT_THAT(Problems(Options("\"CalibWorkerNum\": 9999")),
              ElementsAre(HasSubstr(": CalibWorkerNum is '9999', expected")));
}

TEST(ToldOnceTest, OfOnePlaceThatSpeaksForManyEntries) {
  EXPECT_THAT(ProblemsOf("weight_bits: 1\n"),
              ElementsAre(HasSubstr("c.yaml:1:14: weight_bits: weights (Conv2D): bit_width is 1")));
  EXPECT_THAT(ProblemsOf("quantize_op_types: [conv2]\n"),
              ElementsAre(HasSubstr("unknown quantizable_layer_type 'conv2'")));
  EXPECT_THAT(Problems(Int8("\"layer_type_config\": [[null, [\"Convv\"]]]")),
              ElementsAre(HasSubstr(": unknown op type 'Convv', did you mean 'Conv'?")));
  EXPECT_THAT(Problems(Options("\"TensorQuantOverrides\": {\"a\": [{\"rmin\": 5, \"rmax\": 1}]}")),
              ElementsAre(HasSubstr(": rmin: range is '5, 1', expected")));
}

TEST(ToldOnceTest, AsManySamplesAsBatchesHoldAreNoProblem) {
  const std::string text = "weight_bits: 8\nbatch_nums: 1000000\nbatch_size: 1000000\n";
  EXPECT_THAT(ProblemsOf(text), IsEmpty());
  EXPECT_EQ(LoadText(text).config.calibration.max_samples, 1'000'000'000);
}

}  // namespace
}  // namespace qconvert
