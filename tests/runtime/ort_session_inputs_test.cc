#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "qconvert/base/error.h"
#include "qconvert/base/parallel.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/runtime/ort_session.h"
#include "support/graph_builder.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::unique_ptr<Session> Open(const Model& model) {
  return OpenOrtSession(SerializeModel(model), "m.onnx", {});
}

void ExpectError(ExitCode code, const std::string& text, const std::function<void()>& act) {
  try {
    act();
    ADD_FAILURE() << "no error, expected: " << text;
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    EXPECT_THAT(e.what(), HasSubstr(text));
    EXPECT_THAT(e.what(), testing::Not(HasSubstr("\n")));
  }
}

// difference = a - b
Model Difference() {
  GraphBuilder b;
  b.Input("a", {"2"}).Input("b", {"2"}).Output("difference");
  b.Add("Sub", {"a", "b"}, {"difference"});
  return b.model;
}

Tensor Pair(const std::string& name, float first, float second) {
  return MakeFloatTensor(name, {2}, std::vector<float>{first, second});
}

TEST(OrtSessionInputsTest, AreMatchedByNameWhateverTheirOrder) {
  const auto session = Open(Difference());
  const std::vector<Tensor> turned = {Pair("b", 1, 2), Pair("unused", 0, 0), Pair("a", 10, 20)};
  const Tensor result = session->Run(turned, nullptr)[0];
  EXPECT_EQ(result.name, "difference");
  EXPECT_EQ(result.type, DataType::kFloat);
  EXPECT_THAT(result.dims, ElementsAre(2));
  EXPECT_THAT(result.values<float>(), ElementsAre(9, 18));
}

TEST(OrtSessionInputsTest, AMissingOneIsNamed) {
  const auto session = Open(Difference());
  ExpectError(ExitCode::kData, "m.onnx: no data for input \"b\"",
              [&] { session->Run(std::vector{Pair("a", 1, 2)}, nullptr); });
}

TEST(OrtSessionInputsTest, AnotherShapeOrTypeIsAnError) {
  const auto session = Open(Difference());
  const Tensor long_one = MakeFloatTensor("a", {3}, std::vector<float>{1, 2, 3});
  ExpectError(ExitCode::kModel, "m.onnx: running failed: ", [&] {
    session->Run(std::vector{long_one, Pair("b", 1, 2)}, nullptr);
  });
  const Tensor whole = MakeInt64Tensor("a", {2}, std::vector<int64_t>{1, 2});
  ExpectError(ExitCode::kModel, "m.onnx: running failed: ", [&] {
    session->Run(std::vector{whole, Pair("b", 1, 2)}, nullptr);
  });
  EXPECT_THAT(
      session->Run(std::vector{Pair("a", 5, 5), Pair("b", 1, 2)}, nullptr)[0].values<float>(),
      ElementsAre(4, 3))
      << "a refused sample leaves the session as it was";
}

TEST(OrtSessionTypesTest, StringsGoInAndOut) {
  GraphBuilder b;
  b.Input("s", {"2"}, DataType::kString).Output("t", DataType::kString);
  b.Add("Identity", {"s"}, {"t"});
  Tensor text;
  text.name = "s";
  text.type = DataType::kString;
  text.dims = {2};
  text.strings = {"", "gr\xC3\xBC\xC3\x9F"};
  EXPECT_EQ(Open(b.model)->Run(std::vector{text}, nullptr)[0].strings, text.strings);
}

TEST(OrtSessionTypesTest, AnOutputThatIsNoTensorHasNoType) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("s").Output("y");
  // A sequence of float tensors, as a serialized TypeProto: field 4 { field 1 { field 1 { 1: 1 }}}.
  b.model.graph.outputs[0].type = {DataType::kUndefined, {}, "\x22\x06\x0a\x04\x0a\x02\x08\x01"};
  b.Add("SequenceConstruct", {"x", "x"}, {"s"});
  b.Add("Neg", {"x"}, {"y"});
  const auto session = Open(b.model);
  EXPECT_FALSE(session->outputs()[0].type.is_tensor());
  const auto results = session->Run(std::vector{Pair("x", 1, -2)}, nullptr);
  EXPECT_EQ(results[0].type, DataType::kUndefined);
  EXPECT_EQ(results[0].name, "s");
  EXPECT_THAT(results[1].values<float>(), ElementsAre(-1, 2));
}

TEST(OrtSessionTypesTest, EmptyTensorsPassThrough) {
  GraphBuilder b;
  b.Input("x", {"N", "2"}).Output("y");
  b.Add("Relu", {"x"}, {"y"});
  const Tensor y = Open(b.model)->Run(std::vector{MakeFloatTensor("x", {0, 2}, {})}, nullptr)[0];
  EXPECT_THAT(y.dims, ElementsAre(0, 2));
  EXPECT_EQ(y.byte_size(), 0);
}

TEST(OrtSessionOpenTest, BytesThatAreNoModel) {
  for (const std::string bytes : {"", "no model", "\x08\x08"}) {
    ExpectError(ExitCode::kModel, "m.onnx: ONNX Runtime refuses the model: ", [&] {
      OpenOrtSession(bytes, "m.onnx", {});
    });
  }
}

TEST(OrtSessionOpenTest, AFileWithItsWeightsBesideIt) {
  GraphBuilder b;
  b.Input("x", {"1", "64"}).Output("y").Random("w", {64, 16});
  b.Add("MatMul", {"x", "w"}, {"y"});
  const TempDir folder;
  const ExportedFiles files = ExportOnnx(b.model, folder / "m.onnx", {.external_data = true});
  ASSERT_FALSE(files.data_file.empty());
  const Tensor x = RandomTensor("x", {1, 64}, 3);
  const auto session = OpenOrtSessionFile(folder / "m.onnx", "m.onnx", {});
  EXPECT_EQ(*session->Run(std::vector{x}, nullptr)[0].bytes,
            *RunModel(b.model, {x}, true)[0].bytes);
  std::filesystem::remove(files.data_file);
  ExpectError(ExitCode::kModel, "ONNX Runtime refuses the model: ", [&] {
    OpenOrtSessionFile(folder / "m.onnx", "m.onnx", {});
  });
}

TEST(OrtSessionOpenTest, WeightsBesideTheMessage) {
  GraphBuilder b;
  b.Input("x", {"1", "64"}).Output("y").Random("w", {64, 16});
  b.Add("MatMul", {"x", "w"}, {"y"});
  const EngineModel model = SerializeForEngine(b.model, 1);
  ASSERT_EQ(model.external.size(), 1U);
  const auto session =
      OpenOrtSession(model.bytes, "m.onnx", {.external_initializers = model.external});
  const Tensor x = RandomTensor("x", {1, 64}, 3);
  EXPECT_EQ(*session->Run(std::vector{x}, nullptr)[0].bytes,
            *RunModel(b.model, {x}, true)[0].bytes);
}

// The Relu is fused: passes of the engine look at the weights, too.
TEST(OrtSessionOpenTest, WeightsThatStayWhereTheyLie) {
  GraphBuilder b;
  b.Input("x", {"1", "16", "9", "9"}).Output("y").Random("w", {24, 16, 3, 3}).Random("m", {7, 40});
  b.Add("Conv", {"x", "w"}, {"c"});
  b.Add("Relu", {"c"}, {"r"});
  b.Add("MatMul", {"r", "m"}, {"y"});
  const Tensor x = RandomTensor("x", {1, 16, 9, 9}, 3);
  std::unique_ptr<Session> session;
  {
    const EngineModel model = SerializeForEngine(b.model, 1);
    session = OpenOrtSession(model.bytes, "m.onnx",
                             {.external_initializers = model.external, .pack_weights = false});
    b.model.graph.initializers.clear();
  }
  const std::vector<Tensor> actual = session->Run(std::vector{x}, nullptr);
  b.Random("w", {24, 16, 3, 3}).Random("m", {7, 40});
  EXPECT_LT(MaxDifference(RunModel(b.model, {x}, true)[0], actual[0]), 1e-3);
}

// Its passes cancel the Transposes and leave the constant, transposed, its name.
TEST(OrtSessionOpenTest, ConstantsThatThePassesTransposeAreReadTransposed) {
  GraphBuilder b;
  b.Input("x", {"1", "8", "5", "9"}).Output("y").Random("k", {1, 5, 9, 8});
  b.Add("Transpose", {"x"}, {"t"}).Set("perm", std::vector<int64_t>{0, 2, 3, 1});
  b.Add("Sub", {"t", "k"}, {"d"});
  b.Add("Transpose", {"d"}, {"y"}).Set("perm", std::vector<int64_t>{0, 3, 1, 2});
  const Tensor x = RandomTensor("x", {1, 8, 5, 9}, 3);
  const EngineModel model = SerializeForEngine(b.model, 1);
  ASSERT_EQ(model.external.size(), 1U);
  const auto session = OpenOrtSession(
      model.bytes, "m.onnx", {.external_initializers = model.external, .pack_weights = false});
  EXPECT_EQ(*session->Run(std::vector{x}, nullptr)[0].bytes,
            *RunModel(b.model, {x}, false)[0].bytes);
}

// How many nodes the engine runs of codes -> Cast -> Mul -> MatMul, and what they give.
std::pair<size_t, Tensor> RunStored(bool fold_constants, const Tensor& x) {
  GraphBuilder b;
  b.Input("x", {"1", "64"}).Output("y");
  b.model.graph.initializers["codes"] =
      MakeTensor<int8_t>("codes", DataType::kInt8, {64, 48}, std::vector<int8_t>(64 * 48, 7));
  b.Random("s", {48}, 0.1F);
  b.Add("Cast", {"codes"}, {"f"}).Set("to", int64_t{1});
  b.Add("Mul", {"f", "s"}, {"w"});
  b.Add("MatMul", {"x", "w"}, {"y"});
  const TempDir folder;
  const auto session = OpenOrtSession(
      SerializeModel(b.model), "m.onnx",
      {.fold_constants = fold_constants, .optimized_model_path = folder / "optimized.onnx"});
  Tensor y = session->Run(std::vector{x}, nullptr)[0];
  return {LoadOnnx(folder / "optimized.onnx").model.graph.nodes.size(), std::move(y)};
}

TEST(OrtSessionOpenTest, StoredWeightsAreFoldedOrMadeInEveryRun) {
  const Tensor x = RandomTensor("x", {1, 64}, 3);
  const auto [folded_nodes, folded] = RunStored(true, x);
  const auto [nodes, made] = RunStored(false, x);
  EXPECT_EQ(folded_nodes, 1U);
  EXPECT_EQ(nodes, 3U);
  EXPECT_LT(MaxDifference(folded, made), 1e-4);
}

TEST(OrtSessionRunTest, FromSeveralThreadsEachWithItsObserver) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("z");
  Node& observe = b.Add(kObserverOpType, {"x"}, {"y"});
  observe.domain = kObserverDomain;
  observe.Set("id", int64_t{0});
  b.Add("Neg", {"y"}, {"z"});
  b.model.opsets[kObserverDomain] = 1;
  const auto session = Open(b.model);
  struct Last : ValueObserver {
    void Observe(int64_t, const TensorView& seen) override { value = seen.floats()[1]; }
    float value = 0;
  };
  ParallelFor(200, 4, [&](size_t i, size_t) {
    const auto number = static_cast<float>(i);
    Last last;
    const auto z = session->Run(std::vector{Pair("x", 0, number)}, &last);
    EXPECT_EQ(z[0].values<float>()[1], -number);
    EXPECT_EQ(last.value, number) << "the value of another thread's sample";
  });
}

TEST(EngineNameTest, IsAtLeastTheOneWeBuildFor) {
  EXPECT_THAT(EngineName(), testing::MatchesRegex("onnxruntime 1\\.[0-9]+\\.[0-9]+.*"));
}

}  // namespace
}  // namespace qconvert
