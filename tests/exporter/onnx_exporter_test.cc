#include "qconvert/exporter/onnx_exporter.h"

#include <gtest/gtest.h>

#include "qconvert/base/error.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/runtime/ort_session.h"
#include "support/graph_builder.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

Model MatMulModel() {
  GraphBuilder b;
  b.Input("x", {"1", "32"}).Output("y").Random("w", {32, 32}).Random("small", {32});
  b.Add("MatMul", {"x", "w"}, {"m"});
  b.Add("Add", {"m", "small"}, {"y"});
  return b.model;
}

TEST(OnnxExporterTest, TheSameModelGivesTheSameBytes) {
  const std::string bytes = SerializeModel(MatMulModel());
  EXPECT_EQ(bytes, SerializeModel(MatMulModel()));
  const TempDir folder;
  EXPECT_EQ(SerializeModel(LoadOnnx(folder.Write("m.onnx", bytes)).model), bytes);
}

TEST(OnnxExporterTest, ExternalDataLoadsInTheEngineAndHere) {
  const TempDir folder;
  const auto target = folder / "m.onnx";
  const ExportedFiles files = ExportOnnx(MatMulModel(), target, {.external_data = true});
  EXPECT_EQ(files.bytes, static_cast<int64_t>(std::filesystem::file_size(target) +
                                              std::filesystem::file_size(files.data_file)));
  EXPECT_LT(std::filesystem::file_size(target), 1000U);
  const Tensor x = RandomTensor("x", {1, 32}, 3);
  const auto session = OpenOrtSessionFile(target, "m", {.optimization = OptimizationLevel::kNone});
  EXPECT_EQ(*session->Run(std::vector{x}, nullptr)[0].bytes,
            *RunModel(MatMulModel(), {x})[0].bytes);
  EXPECT_EQ(SerializeModel(LoadOnnx(target).model), SerializeModel(MatMulModel()));
}

TEST(OnnxExporterTest, TheEngineTakesLargeInitializersBesideTheMessage) {
  const EngineModel engine = SerializeForEngine(MatMulModel(), 0);
  ASSERT_EQ(engine.external.size(), 1U);
  EXPECT_LT(engine.bytes.size(), 1000U);
  const auto session = OpenOrtSession(
      engine.bytes, "m",
      {.optimization = OptimizationLevel::kNone, .external_initializers = engine.external});
  const Tensor x = RandomTensor("x", {1, 32}, 3);
  EXPECT_EQ(*session->Run(std::vector{x}, nullptr)[0].bytes,
            *RunModel(MatMulModel(), {x})[0].bytes);
}

TEST(OnnxExporterTest, WeightsOfBodiesStayInTheEnginesMessage) {
  GraphBuilder b;
  b.Input("c", {}, DataType::kBool).Input("x", {"1", "64"}).Output("y");
  Graph branch;
  branch.name = "branch";
  branch.initializers["w"] = RandomTensor("w", {64, 64}, 1);
  branch.nodes.push_back(MakeNode("MatMul", {"x", "w"}, {"p"}));
  branch.outputs.push_back({"p", FloatType({"1", "64"}), {}, {}});
  Node& node = b.Add("If", {"c"}, {"y"});
  node.Set("then_branch", Subgraph(branch));
  node.Set("else_branch", Subgraph(branch));
  const EngineModel engine = SerializeForEngine(b.model, 0);
  EXPECT_TRUE(engine.external.empty());
  const std::vector<Tensor> inputs = {
      MakeTensor<uint8_t>("c", DataType::kBool, {}, std::vector<uint8_t>{1}),
      RandomTensor("x", {1, 64}, 3)};
  EXPECT_EQ(OpenOrtSession(engine.bytes, "m", {})->Run(inputs, nullptr).size(), 1U);
}

TEST(OnnxExporterTest, ARefusedResultLeavesEverythingAsItWas) {
  for (const bool external : {false, true}) {
    const TempDir folder;
    const auto target = folder.Write("m.onnx", "old");
    bool complete = false;
    const auto refuse = [&](const std::filesystem::path& temporary) {
      complete = LoadOnnx(temporary).model.graph.nodes.size() == 2;
      throw Error(ExitCode::kNumeric, "", "not good enough");
    };
    EXPECT_THROW(ExportOnnx(MatMulModel(), target, {.external_data = external, .verify = refuse}),
                 Error);
    EXPECT_TRUE(complete) << "the check sees the whole model";
    EXPECT_EQ(Slurp(target), "old");
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
  }
}

}  // namespace
}  // namespace qconvert
