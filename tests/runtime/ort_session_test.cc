#include "qconvert/runtime/ort_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <map>

#include "qconvert/base/error.h"
#include "qconvert/calibration/insert_observers.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "support/errors.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

class Recorder : public ValueObserver {
 public:
  void Observe(int64_t id, const TensorView& value) override {
    const std::span<const float> values = value.floats();
    seen[id].assign(values.begin(), values.end());
  }
  std::map<int64_t, std::vector<float>> seen;
};

std::unique_ptr<Session> Open(const Model& model) {
  return OpenOrtSession(SerializeModel(model), "m.onnx", {});
}

TEST(OrtSessionTest, RunsAndTellsTypes) {
  GraphBuilder b;
  b.Input("x", {"N", "2"}).Output("y");
  b.Add("Relu", {"x"}, {"y"});
  const auto session = Open(b.model);
  EXPECT_EQ(session->inputs()[0].type.element, DataType::kFloat);
  EXPECT_EQ((*session->inputs()[0].type.shape)[0].symbol, "N");
  const Tensor x = MakeFloatTensor("x", {1, 2}, std::vector<float>{-1, 2});
  EXPECT_THAT(session->Run(std::vector{x}, nullptr)[0].values<float>(), testing::ElementsAre(0, 2));
}

TEST(OrtSessionTest, ErrorsAreOneLineOfOurs) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y");
  b.Add("NoSuchOperator", {"x"}, {"y"});
  try {
    Open(b.model);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::kModel);
    EXPECT_THAT(e.what(), testing::StartsWith("m.onnx: ONNX Runtime refuses the model: "));
    EXPECT_THAT(e.what(), testing::HasSubstr("NoSuchOperator"));
    EXPECT_THAT(e.what(), testing::Not(testing::HasSubstr("\n")));
    EXPECT_THAT(e.what(), testing::Not(testing::HasSubstr(".cc:")));
  }
}

TEST(OrtSessionTest, AFailingRunIsAnError) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y").Ints("i", {1}, {5});
  b.Add("Relu", {"x"}, {"r"});
  b.Add("Gather", {"r", "i"}, {"y"});
  const auto session = Open(b.model);
  EXPECT_THROW(session->Run(std::vector{RandomTensor("x", {2}, 1)}, nullptr), Error);
  EXPECT_THROW(session->Run({}, nullptr), Error) << "an input is missing";
}

TEST(OrtSessionTest, AnIndexThatTheTableLacksIsTheData) {
  for (const char* type : {"Gather", "GatherElements", "GatherND"}) {
    GraphBuilder b;
    b.Input("i", {"1", "1"}, DataType::kInt64).Output("y").Random("table", {5, 2});
    b.Add(type, {"table", "i"}, {"y"}).name = "embedding";
    const auto session = Open(b.model);
    try {
      session->Run(std::vector{MakeInt64Tensor("i", {1, 1}, std::vector<int64_t>{5})}, nullptr);
      FAIL() << type;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ExitCode::kData) << type;
      EXPECT_THAT(e.what(), testing::HasSubstr("node \"embedding\""));
    }
  }
}

TEST(ObserverTest, SeesValuesAndChangesNothing) {
  GraphBuilder b;
  b.Input("x", {"1", "3", "8", "8"}).Output("y").Random("w", {4, 3, 3, 3});
  b.Add("Conv", {"x", "w"}, {"c"});
  b.Add("Relu", {"c"}, {"r"});
  b.Add("Add", {"r", "r"}, {"y"});
  Model observed = b.model;
  observed.graph = InsertObservers(b.model.graph, {"r", "x", "y"});
  observed.opsets[kObserverDomain] = 1;
  const auto session = Open(observed);
  EXPECT_EQ(session->outputs()[0].name, "y");
  Recorder recorder;
  const Tensor x = RandomTensor("x", {1, 3, 8, 8}, 2);
  const Tensor y = session->Run(std::vector{x}, &recorder)[0];
  EXPECT_LE(MaxDifference(y, RunModel(b.model, {x})[0]), 1e-5F);
  ASSERT_EQ(recorder.seen.size(), 3U);
  EXPECT_EQ(recorder.seen[1], ToFloats(x));
  EXPECT_EQ(recorder.seen[2], ToFloats(y));
  EXPECT_EQ(recorder.seen[0].size(), 4U * 36);
  Recorder idle;
  session->Run(std::vector{x}, nullptr);
  EXPECT_TRUE(idle.seen.empty());
}

TEST(ObserverTest, UnknownDimensionsStayUnknown) {
  GraphBuilder b;
  b.Input("x", {"?", "?"}).Output("y").Ints("s", {1}, {0}).Ints("e", {1}, {1});
  b.Add("Relu", {"x"}, {"r"});
  b.Add("Slice", {"r", "s", "e"}, {"y"});
  Model observed = b.model;
  observed.graph = InsertObservers(b.model.graph, {"r"});
  observed.opsets[kObserverDomain] = 1;
  const auto session = Open(observed);
  EXPECT_THAT(session->Run(std::vector{RandomTensor("x", {4, 3}, 2)}, nullptr)[0].dims,
              testing::ElementsAre(1, 3));
}

class CountingObserver : public ValueObserver {
 public:
  explicit CountingObserver(size_t values) : calls(values, 0), sums(values, 0) {}
  void Observe(int64_t id, const TensorView& value) override {
    const std::span<const float> values = value.floats();
    ++calls[static_cast<size_t>(id)];
    for (const float v : values) sums[static_cast<size_t>(id)] += v;
  }
  std::vector<int> calls;
  std::vector<float> sums;
};

// y = c ? -(x W) : |x W|, each branch with a W of its own and the same names inside.
Model Branches() {
  const auto branch = [](float weight, const char* last) {
    Graph graph;
    graph.name = last;
    graph.initializers["w"] = MakeFloatTensor("w", {2, 1}, std::vector<float>{weight, weight});
    graph.nodes.push_back(MakeNode("MatMul", {"x", "w"}, {"p"}));
    graph.nodes.push_back(MakeNode(last, {"p"}, {"out"}));
    graph.outputs.push_back({"out", FloatType({"1", "1"}), {}, {}});
    return graph;
  };
  GraphBuilder b;
  b.Input("c", {}, DataType::kBool).Input("x", {"1", "2"}).Output("y");
  Node& node = b.Add("If", {"c"}, {"y"});
  node.Set("then_branch", Subgraph(branch(2, "Neg")));
  node.Set("else_branch", Subgraph(branch(10, "Abs")));
  return b.model;
}

TEST(BodyObserversTest, BranchesAreToldApart) {
  Model model = Branches();
  const std::vector<std::string> values = FindBodyValues(model.graph);
  EXPECT_THAT(values, testing::ElementsAre("y/else_branch/p", "y/then_branch/p"))
      << "x is captured: a value of the level outside";
  model.graph = InsertObservers(model.graph, values);
  model.opsets.emplace(kObserverDomain, 1);
  const auto session = Open(model);
  CountingObserver observer(values.size());
  const std::vector<Tensor> inputs = {
      MakeTensor<uint8_t>("c", DataType::kBool, {}, std::vector<uint8_t>{1}),
      MakeFloatTensor("x", {1, 2}, std::vector<float>{3, 4})};
  EXPECT_EQ(ToFloats(session->Run(inputs, &observer)[0]), std::vector<float>{-14});
  EXPECT_THAT(observer.calls, testing::ElementsAre(0, 1));
  EXPECT_THAT(observer.sums, testing::ElementsAre(0, 14));
}

TEST(BodyObserversTest, ALoopIsSeenEveryTime) {
  // s = s W, five times, from x on; W halves.
  Graph body;
  body.name = "body";
  body.inputs = {{"i", TypeOf(DataType::kInt64, {}), {}, {}},
                 {"go", TypeOf(DataType::kBool, {}), {}, {}},
                 {"s", FloatType({"1", "1"}), {}, {}}};
  body.initializers["w"] = MakeFloatTensor("w", {1, 1}, std::vector<float>{0.5F});
  body.nodes.push_back(MakeNode("MatMul", {"s", "w"}, {"next"}));
  body.nodes.push_back(MakeNode("Identity", {"go"}, {"still"}));
  body.outputs = {{"still", TypeOf(DataType::kBool, {}), {}, {}},
                  {"next", FloatType({"1", "1"}), {}, {}}};
  GraphBuilder b;
  b.Input("x", {"1", "1"}).Output("y").Ints("times", {}, {5});
  Node& loop = b.Add("Loop", {"times", "", "x"}, {"y"});
  loop.name = "loop";
  loop.Set("body", Subgraph(body));
  const std::vector<std::string> values = FindBodyValues(b.model.graph);
  EXPECT_THAT(values, testing::ElementsAre("loop/body/next", "loop/body/s"));
  b.model.graph = InsertObservers(b.model.graph, values);
  b.model.opsets.emplace(kObserverDomain, 1);
  const auto session = Open(b.model);
  CountingObserver observer(values.size());
  const Tensor x = MakeFloatTensor("x", {1, 1}, std::vector<float>{32});
  EXPECT_EQ(ToFloats(session->Run(std::span(&x, 1), &observer)[0]), std::vector<float>{1});
  EXPECT_THAT(observer.calls, testing::ElementsAre(5, 5));
  EXPECT_THAT(observer.sums, testing::ElementsAre(16 + 8 + 4 + 2 + 1, 32 + 16 + 8 + 4 + 2));
}

Model Pattern(const std::string& pattern) {
  GraphBuilder b(20);
  b.Input("x", {"1"}, DataType::kString).Output("y", DataType::kBool);
  b.Add("RegexFullMatch", {"x"}, {"y"}).Set("pattern", pattern);
  b.model.ir_version = 9;
  return b.model;
}

TEST(OrtSessionTest, ABrokenPatternIsToldByTheErrorAlone) {
  testing::internal::CaptureStderr();
  std::string told;
  try {
    Open(Pattern("(\x1b[31m\nz"));
  } catch (const Error& e) {
    told = e.what();
  }
  const int written = std::fputs("seen again", stderr);
  EXPECT_GE(written, 0);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "seen again");
  EXPECT_THAT(told, testing::HasSubstr("Invalid regex pattern: (\\x1b[31m"));
  EXPECT_EQ(Open(Pattern("a.*"))->outputs()[0].type.element, DataType::kBool);
}

TEST(OrtSessionTest, ABufferLargerThanTheMachineIsToldToBe) {
  GraphBuilder b;
  b.Input("x", {"1"}).Output("y").Ints("s", {2}, {int64_t{1} << 30, int64_t{1} << 20});
  b.Add("Expand", {"x", "s"}, {"e"});
  b.Add("ReduceMax", {"e"}, {"y"});
  const auto session =
      OpenOrtSession(SerializeModel(b.model), "m.onnx", {.optimization = OptimizationLevel::kNone});
  EXPECT_THAT(
      [&] { session->Run(std::vector{MakeFloatTensor("x", {1}, std::vector<float>{1})}, nullptr); },
      ThrowsError(ExitCode::kResource, "MB in all, smaller dimensions of the input take less"));
}

}  // namespace
}  // namespace qconvert
