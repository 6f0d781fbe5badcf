// No file is larger than the model that it was made of, whatever of that stays float.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "qconvert/loader/onnx_loader.h"
#include "qconvert/pipeline/prepare_model.h"
#include "support/conversion_job.h"
#include "support/graph_builder.h"
#include "support/target_job.h"

namespace qconvert {
namespace {

constexpr int64_t kSeal = 100;  // bytes of what ties a model to its quant_info

// Three convolutions, the first with a BatchNormalization behind it.
GraphBuilder Net(DataType type) {
  GraphBuilder b;
  b.Input("x", {"1", "32", "8", "8"}, type).Output("y", type);
  for (const char* name : {"w0", "w1", "w2"}) b.Random(name, {32, 32, 3, 3}, 0.06F);
  b.Random("s", {32}).Random("t", {32}).Random("m", {32});
  b.Floats("v", {32}, std::vector<float>(32, 1.3F));
  const auto add = [&](const char* op_type, std::vector<std::string> inputs, const char* output) {
    b.Add(op_type, std::move(inputs), {output}).name = output;
  };
  add("Conv", {"x", "w0"}, "c0");
  add("BatchNormalization", {"c0", "s", "t", "m", "v"}, "n0");
  add("Relu", {"n0"}, "r0");
  add("Conv", {"r0", "w1"}, "c1");
  add("Relu", {"c1"}, "r1");
  add("Conv", {"r1", "w2"}, "y");
  for (auto& [name, tensor] : b.model.graph.initializers)
    if (type == DataType::kFloat16) tensor = Narrowed(tensor, type);
  return b;
}

// Static, with the nodes float whose names fit.
ConvertOptions Job(const TempDir& folder, const GraphBuilder& b, const std::string& floats,
                   const QuantConfig& config = {}) {
  ConvertOptions options = PrepareConversion(folder, b, {1, 32, 8, 8});
  options.config = config;
  options.config.scheme = Scheme::kStatic;
  LayerSettings layer{.match = {}, .tensors = options.config.tensors};
  layer.match.pattern = floats;
  for (const TensorType type : kTensorTypes) layer.tensors[type].datatype = Datatype::kFloat32;
  options.config.layers.push_back(std::move(layer));
  return options;
}

std::map<DataType, size_t> LargeConstants(const Graph& graph) {
  std::map<DataType, size_t> counts;
  for (const auto& [name, tensor] : graph.initializers)
    if (tensor.element_count() > 1000) ++counts[tensor.type];
  return counts;
}

TEST(FileSizeTest, Float16StaysFloat16WhereNothingIsQuantized) {
  const TempDir folder;
  const GraphBuilder b = Net(DataType::kFloat16);
  const ConversionReport report = Convert(Job(folder, b, "re:.*"));
  EXPECT_EQ(report.integer_nodes, 0U);
  const Model written = LoadOnnx(folder / "out.onnx").model;
  using Counts = std::map<DataType, size_t>;
  EXPECT_EQ(LargeConstants(written.graph), (Counts{{DataType::kFloat16, 3}}))
      << "w0 too, with the scale of a BatchNormalization in it";
  EXPECT_LE(report.quantized_bytes, report.float_bytes * 101 / 100) << "and the Casts";
  Model prepared = b.model;
  PrepareModel(prepared, "m", {.suit_engine = true});
  const Tensor x = Narrowed(RandomTensor("x", {1, 32, 8, 8}, 3), DataType::kFloat16);
  for (const bool optimize : {false, true})
    EXPECT_EQ(*RunModel(written, {x}, optimize)[0].bytes,
              *RunModel(prepared, {x}, optimize)[0].bytes);
  EXPECT_EQ(OptimizedOperators(written), OptimizedOperators(prepared));
}

TEST(FileSizeTest, Float16StaysFloat16BesideIntegers) {
  const TempDir folder;
  const ConversionReport report = Convert(Job(folder, Net(DataType::kFloat16), "c1"));
  EXPECT_GT(report.integer_nodes, 0U);
  EXPECT_LT(report.quantized_bytes, report.float_bytes * 3 / 4);
  using Counts = std::map<DataType, size_t>;
  EXPECT_EQ(LargeConstants(LoadOnnx(folder / "out.onnx").model.graph),
            (Counts{{DataType::kFloat16, 1}, {DataType::kInt8, 2}}));
}

TEST(FileSizeTest, DevicesHaveNoCastInFrontOfWeights) {
  const TempDir folder;
  Convert(Job(folder, Net(DataType::kFloat16), "c1", ConfigOf(TargetDevice::kGpu)));
  EXPECT_FALSE(
      LargeConstants(LoadOnnx(folder / "out.onnx").model.graph).contains(DataType::kFloat16));
}

TEST(FileSizeTest, FloatModelsGrowByTheSealAlone) {
  const TempDir folder;
  GraphBuilder b = Net(DataType::kFloat);
  // A model that no pass makes smaller.
  b.model.graph.nodes.erase(b.model.graph.nodes.begin() + 1);
  b.model.graph.nodes[1].inputs = {"c0"};
  for (const char* name : {"s", "t", "m", "v"}) b.model.graph.initializers.erase(name);
  const ConversionReport report = Convert(Job(folder, b, "re:.*"));
  EXPECT_EQ(report.integer_nodes, 0U);
  EXPECT_GT(report.float_bytes, int64_t{64} << 10);
  EXPECT_LE(report.quantized_bytes, report.float_bytes + kSeal);
}

}  // namespace
}  // namespace qconvert
