// Products that processors without int8 dot products may saturate.
#include "saturating_kernels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/pipeline/run_model.h"
#include "qconvert/plan/processor.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

void AddCodes(GraphBuilder& b, const std::string& name, const std::vector<int64_t>& dims,
              const std::vector<int8_t>& codes) {
  b.model.graph.initializers[name] = MakeTensor<int8_t>(name, DataType::kInt8, dims, codes);
}

// x -> Q -> DQ -> `type`(DQ(w)) -> Q -> DQ -> y; without `rounds_input` x is read as it is.
Model Quantized(const std::string& type, const std::vector<std::string>& dims,
                const std::vector<int64_t>& weight_dims, const std::vector<int8_t>& codes,
                bool rounds_input = true) {
  GraphBuilder b;
  b.Input("x", dims).Output("y").Floats("s", {}, {0.1F});
  b.model.graph.initializers["z"] =
      MakeTensor<uint8_t>("z", DataType::kUint8, {}, std::vector<uint8_t>{0});
  AddCodes(b, "w", weight_dims, codes);
  AddCodes(b, "wz", {}, {0});
  b.Add("QuantizeLinear", {"x", "s", "z"}, {"xq"});
  b.Add("DequantizeLinear", {"xq", "s", "z"}, {"xd"});
  b.Add("DequantizeLinear", {"w", "s", "wz"}, {"wd"});
  b.Add(type, {rounds_input ? "xd" : "x", "wd"}, {"p"}).name = "product";
  b.Add("QuantizeLinear", {"p", "s", "z"}, {"pq"});
  b.Add("DequantizeLinear", {"pq", "s", "z"}, {"y"});
  return b.model;
}

std::vector<std::string> Found(const Model& model, Processor processor = Processor::kAvx2) {
  return FindSaturatingNodes(model, "m.onnx", processor);
}

Model Product(const std::vector<int8_t>& codes, bool rounds_input = true) {
  return Quantized("MatMul", {"1", "4"}, {4, 1}, codes, rounds_input);
}

TEST(SaturatingKernelsTest, NeighborsOfOneSign) {
  EXPECT_THAT(Found(Product({0, 1, 100, 29})), ElementsAre("product"));
  EXPECT_THAT(Found(Product({-100, -100, 0, 0})), ElementsAre("product"));
  EXPECT_THAT(Found(Product({0, 100, 100, 0})), IsEmpty()) << "of two pairs";
  EXPECT_THAT(Found(Product({100, 28, 100, -100})), IsEmpty()) << "255 * 128 fits";
}

TEST(SaturatingKernelsTest, OthersAddIn32Bits) {
  EXPECT_THAT(Found(Product({100, 100, 0, 0}), Processor::kVnni), IsEmpty());
  EXPECT_THAT(Found(Product({100, 100, 0, 0}, false)), IsEmpty()) << "a float kernel";
}

// Convolutions are computed channels-last.
TEST(SaturatingKernelsTest, NeighborsOfAConvolutionAreChannels) {
  const auto conv = [](const std::vector<int8_t>& codes) {
    return Quantized("Conv", {"1", "2", "1", "4"}, {1, 2, 1, 2}, codes);
  };
  EXPECT_THAT(Found(conv({100, 0, 100, 0})), ElementsAre("product"));
  EXPECT_THAT(Found(conv({100, 100, 0, 0})), IsEmpty());
}

TEST(SaturatingKernelsTest, IntegerOperatorsOfFiles) {
  GraphBuilder b;
  b.Input("x", {"1", "2"}, DataType::kUint8).Output("y", DataType::kInt32);
  AddCodes(b, "w", {2, 1}, {100, 100});
  b.Add("MatMulInteger", {"x", "w"}, {"y"}).name = "product";
  EXPECT_THAT(Found(b.model), ElementsAre("product"));
}

TEST(SaturatingKernelsTest, ARunSaysItWhereItMayHappen) {
  const TempDir dir;
  RunModelOptions run{.model = dir.Write("m.onnx", SerializeModel(Product({100, 100, 0, 0})))};
  run.files = {{"x", dir.Write("x.npy", NpyFloats({1, 4}, RandomFloats(4, 3)))}};
  testing::internal::CaptureStderr();
  RunModel(run);
  const std::string said = testing::internal::GetCapturedStderr();
  const bool is_told = said.find("may saturate here in 1 node (product)") != std::string::npos;
#if defined(__x86_64__)
  EXPECT_EQ(is_told, !HasInt8DotProducts(Processor::kHost)) << said;
#else
  EXPECT_FALSE(is_told);
#endif
}

}  // namespace
}  // namespace qconvert
