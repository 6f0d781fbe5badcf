#include "qconvert/exporter/onnx_exporter.h"

#include "qconvert/exporter/written_bytes.h"

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

// W1 [512, 512] and a table are read by nothing but a MatMul and a Gather; W2 also by a Mul.
GraphBuilder WithLargeWeights() {
  GraphBuilder b;
  b.Input("x", {"2", "512"}).Input("i", {"2"}, DataType::kInt64).Output("y");
  b.Random("w1", {512, 512}, 0.1F).Random("w2", {512, 512}, 0.1F).Random("table", {512, 512});
  b.Add("MatMul", {"x", "w1"}, {"a"});
  b.Add("Mul", {"w2", "w2"}, {"square"});
  b.Add("MatMul", {"a", "square"}, {"c"});
  b.Add("MatMul", {"c", "w2"}, {"d"});
  b.Add("Gather", {"table", "i"}, {"g"});
  b.Add("Add", {"d", "g"}, {"y"});
  return b;
}

TEST(OnnxExporterTest, LargeWeightsOfProductsAndTablesAreFedForAFewRuns) {
  const Model model = WithLargeWeights().model;
  const EngineModel engine = SerializeForFewRuns(model, 0);
  std::vector<std::string> fed;
  for (const Tensor& tensor : engine.fed) {
    fed.push_back(tensor.name);
    EXPECT_EQ(tensor.bytes, model.graph.initializers.at(tensor.name).bytes) << "shared, no copy";
  }
  EXPECT_EQ(fed, (std::vector<std::string>{"table", "w1"}));
  const auto session = OpenOrtSession(
      engine.bytes, "m", {.external_initializers = engine.external, .fed = engine.fed});
  ASSERT_EQ(session->inputs().size(), 2U) << "the caller's own";
  const std::vector<Tensor> inputs = {RandomTensor("x", {2, 512}, 3),
                                      MakeInt64Tensor("i", {2}, std::vector<int64_t>{5, 500})};
  for (int run = 0; run < 2; ++run)
    EXPECT_LT(MaxDifference(session->Run(inputs, nullptr)[0], RunModel(model, inputs)[0]), 1e-3);
}

TEST(OnnxExporterTest, LargeWeightsOfConvAreFedForAFewRuns) {
  GraphBuilder b;
  b.Input("x", {"1", "64", "5", "5"}).Output("y").Random("w", {512, 64, 3, 3});
  b.Add("Conv", {"x", "w"}, {"c"});
  b.Add("Relu", {"c"}, {"y"});
  const EngineModel engine = SerializeForFewRuns(b.model, 0);
  ASSERT_EQ(engine.fed.size(), 1U) << "the engine would make a blocked copy";
  const auto session = OpenOrtSession(
      engine.bytes, "m", {.external_initializers = engine.external, .fed = engine.fed});
  const std::vector<Tensor> inputs = {RandomTensor("x", {1, 64, 5, 5}, 3)};
  EXPECT_LT(MaxDifference(session->Run(inputs, nullptr)[0], RunModel(b.model, inputs)[0]), 1e-3);
}

TEST(OnnxExporterTest, WrittenBytesAreThoseOfTheFile) {
  const Model model = WithLargeWeights().model;
  const auto bytes = static_cast<int64_t>(SerializeModel(model).size());
  EXPECT_GE(WrittenBytes(model), bytes);
  EXPECT_LE(WrittenBytes(model), bytes + 100);
}

TEST(OnnxExporterTest, NothingIsFedBelowTheLimitNorWhatTheUserMayFeed) {
  Model model = WithLargeWeights().model;
  EXPECT_TRUE(SerializeForFewRuns(model).fed.empty());
  model.graph.inputs.push_back({"w1", FloatType({"512", "512"}), {}, {}});
  model.graph.outputs.push_back({"table", FloatType({"512", "512"}), {}, {}});
  EXPECT_TRUE(SerializeForFewRuns(model, 0).fed.empty());
}

TEST(OnnxExporterTest, WeightsThatNoNodeReadsAreNotAskedOfTheEngine) {
  Model model = MatMulModel();
  model.graph.initializers["unused"] = RandomTensor("unused", {64, 64}, 7);
  const EngineModel engine = SerializeForEngine(model, 0);
  ASSERT_EQ(engine.external.size(), 1U);
  EXPECT_NE(engine.external[0].name, "unused");
  const auto session =
      OpenOrtSession(engine.bytes, "m", {.external_initializers = engine.external});
  const Tensor x = RandomTensor("x", {1, 32}, 3);
  EXPECT_LT(MaxDifference(session->Run(std::vector{x}, nullptr)[0], RunModel(model, {x})[0]), 1e-4);
}

TEST(OnnxExporterTest, WeightsThatOnlyABodyReadsStandBesideTheMessage) {
  GraphBuilder b;
  b.Input("c", {}, DataType::kBool).Input("x", {"1", "64"}).Output("y").Random("w", {64, 64});
  Graph branch;
  branch.name = "branch";
  branch.nodes.push_back(MakeNode("MatMul", {"x", "w"}, {"p"}));
  branch.outputs.push_back({"p", FloatType({"1", "64"}), {}, {}});
  Node& node = b.Add("If", {"c"}, {"y"});
  node.Set("then_branch", Subgraph(branch));
  node.Set("else_branch", Subgraph(branch));
  const EngineModel engine = SerializeForEngine(b.model, 0);
  ASSERT_EQ(engine.external.size(), 1U);
  EXPECT_EQ(engine.external[0].name, "w");
  const auto session =
      OpenOrtSession(engine.bytes, "m", {.external_initializers = engine.external});
  const std::vector<Tensor> inputs = {
      MakeTensor<uint8_t>("c", DataType::kBool, {}, std::vector<uint8_t>{1}),
      RandomTensor("x", {1, 64}, 3)};
  EXPECT_EQ(session->Run(inputs, nullptr).size(), 1U);
}

// All weights stand in the bodies of an If.
Model WithWeightsInBodies(float spread) {
  GraphBuilder b;
  b.Input("c", {}, DataType::kBool).Input("x", {"1", "64"}).Output("y");
  Graph branch;
  branch.name = "branch";
  branch.initializers["w"] = RandomTensor("w", {64, 64}, 1, spread);
  branch.nodes.push_back(MakeNode("MatMul", {"x", "w"}, {"p"}));
  branch.outputs.push_back({"p", FloatType({"1", "64"}), {}, {}});
  Node& node = b.Add("If", {"c"}, {"y"});
  node.Set("then_branch", Subgraph(branch));
  node.Set("else_branch", Subgraph(branch));
  return b.model;
}

TEST(OnnxExporterTest, WeightsOfBodiesStayInTheEnginesMessage) {
  const EngineModel engine = SerializeForEngine(WithWeightsInBodies(1), 0);
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
    const auto refuse = [&](const std::filesystem::path& temporary, int64_t bytes) {
      EXPECT_GT(bytes, 0);
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

size_t CountFiles(const TempDir& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder.path()), {}));
}

Model WithSpread(float spread) {
  Model model = MatMulModel();
  model.graph.initializers["w"] = RandomTensor("w", {32, 32}, 1, spread);
  return model;
}

TEST(OnnxExporterTest, DataIsAlignedAndOnlyLargeTensorsAreInIt) {
  const TempDir folder;
  const auto target = folder / "m.onnx";
  const ExportedFiles files = ExportOnnx(MatMulModel(), target, {.external_data = true});
  EXPECT_EQ(std::filesystem::file_size(files.data_file), 32U * 32 * sizeof(float))
      << "the small one is in the message";
  Model two = MatMulModel();
  two.graph.initializers["small"] = RandomTensor("small", {1, 257}, 2);
  two.graph.initializers["zlast"] = RandomTensor("zlast", {257}, 3);
  two.graph.nodes[1].inputs.push_back("zlast");
  const ExportedFiles more = ExportOnnx(two, folder / "n.onnx", {.external_data = true});
  constexpr uintmax_t kSecond = 257 * sizeof(float);
  constexpr uintmax_t kPadded = (kSecond + 63) / 64 * 64;
  EXPECT_EQ(std::filesystem::file_size(more.data_file),
            kPadded + 32 * 32 * sizeof(float) + kSecond);
}

TEST(OnnxExporterTest, WithoutLargeTensorsThereIsNoDataFile) {
  const TempDir folder;
  Model model = MatMulModel();
  model.graph.initializers["w"] = RandomTensor("w", {32, 4}, 1);
  model.graph.initializers["small"] = RandomTensor("small", {4}, 2);
  const ExportedFiles files = ExportOnnx(model, folder / "m.onnx", {.external_data = true});
  EXPECT_TRUE(files.data_file.empty());
  EXPECT_EQ(CountFiles(folder), 1U);
  EXPECT_EQ(files.bytes, static_cast<int64_t>(std::filesystem::file_size(folder / "m.onnx")));
}

TEST(OnnxExporterTest, TheDataOfTheModelThatWasThereGoes) {
  const TempDir folder;
  const auto target = folder / "m.onnx";
  const auto first = ExportOnnx(WithSpread(1), target, {.external_data = true}).data_file;
  const auto second = ExportOnnx(WithSpread(2), target, {.external_data = true}).data_file;
  EXPECT_NE(first, second) << "named by its content";
  EXPECT_FALSE(std::filesystem::exists(first));
  EXPECT_EQ(CountFiles(folder), 2U);
  EXPECT_TRUE(ExportOnnx(WithSpread(2), target, {}).data_file.empty());
  EXPECT_EQ(CountFiles(folder), 1U) << "the whole model is in one file now";
}

TEST(OnnxExporterTest, TheDataOfBodiesGoesToo) {
  const TempDir folder;
  const auto target = folder / "m.onnx";
  const auto first = ExportOnnx(WithWeightsInBodies(1), target, {.external_data = true}).data_file;
  EXPECT_TRUE(std::filesystem::exists(first));
  ExportOnnx(WithWeightsInBodies(2), target, {.external_data = true});
  EXPECT_FALSE(std::filesystem::exists(first));
  EXPECT_EQ(CountFiles(folder), 2U);
}

TEST(OnnxExporterTest, DataThatAnInputNeedsStays) {
  const TempDir folder;
  const auto target = folder / "m.onnx";
  const auto data = ExportOnnx(WithSpread(1), target, {.external_data = true}).data_file;
  ExportOnnx(WithSpread(2), target, {.inputs = {data}});
  EXPECT_TRUE(std::filesystem::exists(data));
}

TEST(OnnxExporterTest, OtherFilesThatLookAlikeStay) {
  const TempDir folder;
  const auto target = folder / "m.onnx";
  ExportOnnx(WithSpread(1), target, {.external_data = true});
  for (const char* name : {"m.0123456789abcdef.data", "m.data", "n.0123456789abcdef.data"})
    folder.Write(name, "somebody's");
  ExportOnnx(WithSpread(2), target, {});
  for (const char* name : {"m.0123456789abcdef.data", "m.data", "n.0123456789abcdef.data"})
    EXPECT_EQ(Slurp(folder / name), "somebody's") << name;
}

TEST(OnnxExporterTest, TheSameDataIsWrittenAgainInPlace) {
  const TempDir folder;
  const auto target = folder / "m.onnx";
  const ExportedFiles first = ExportOnnx(WithSpread(1), target, {.external_data = true});
  const std::string bytes = Slurp(first.data_file);
  const ExportedFiles second = ExportOnnx(WithSpread(1), target, {.external_data = true});
  EXPECT_EQ(first.data_file, second.data_file);
  EXPECT_EQ(Slurp(second.data_file), bytes);
  EXPECT_EQ(CountFiles(folder), 2U);
}

TEST(OnnxExporterTest, TheCompanionAppearsWithTheModelOrNotAtAll) {
  for (const bool is_refused : {false, true}) {
    const TempDir folder;
    const auto target = folder / "m.onnx";
    AtomicFile companion(folder / "m.json");
    companion.Write("{}");
    ExportOptions options{.companions = {&companion}};
    if (is_refused)
      options.verify = [](const std::filesystem::path&, int64_t /*bytes*/) {
        throw Error(ExitCode::kNumeric, "", "not good enough");
      };
    if (is_refused)
      EXPECT_THROW(ExportOnnx(MatMulModel(), target, options), Error);
    else
      EXPECT_NO_THROW(ExportOnnx(MatMulModel(), target, options));
    EXPECT_EQ(std::filesystem::exists(target), !is_refused);
    EXPECT_EQ(std::filesystem::exists(folder / "m.json"), !is_refused);
  }
}

TEST(OnnxExporterTest, DataLiesBesideTheFileThatALinkLeadsTo) {
  const TempDir folder;
  std::filesystem::create_directory(folder / "real");
  ExportOnnx(MatMulModel(), folder / "real" / "m.onnx", {});
  std::filesystem::create_symlink(folder / "real" / "m.onnx", folder / "link.onnx");
  const auto data = ExportOnnx(MatMulModel(), folder / "link.onnx", {.external_data = true});
  EXPECT_EQ(data.data_file.parent_path().filename(), "real");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link.onnx"));
  EXPECT_EQ(SerializeModel(LoadOnnx(folder / "real" / "m.onnx").model),
            SerializeModel(MatMulModel()));
}

TEST(OnnxExporterTest, AFolderThatIsNotThereIsAFileError) {
  const TempDir folder;
  try {
    ExportOnnx(MatMulModel(), folder / "no" / "m.onnx", {.external_data = true});
    FAIL() << "written nowhere";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kFile);
  }
}

TEST(SerializeForEngineTest, BelowTheThresholdAllIsInTheMessage) {
  const EngineModel engine = SerializeForEngine(MatMulModel());
  EXPECT_TRUE(engine.external.empty());
  EXPECT_EQ(engine.bytes, SerializeModel(MatMulModel()));
}

}  // namespace
}  // namespace qconvert
