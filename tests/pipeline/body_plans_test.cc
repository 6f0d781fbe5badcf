// Integers in bodies of If, Loop and Scan.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "qconvert/pipeline/inspect_model.h"
#include "qconvert/pipeline/lint_file.h"
#include "qconvert/pipeline/verify_model.h"
#include "support/body_jobs.h"
#include "support/disagreements.h"
#include "support/errors.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Value FloatValue(const std::string& name, const std::vector<std::string>& dims) {
  return {name, FloatType(dims), {}, {}};
}

// h -> MatMul{w} -> Tanh -> h', x times; `w` is the body's own or comes from outside.
Graph Step(bool own_weights, std::vector<std::string> state_dims) {
  GraphBuilder b;
  if (own_weights) b.Random("w", {48, 48}, 0.2F);
  b.model.graph.name = "step";
  b.model.graph.inputs = {{"i", TypeOf(DataType::kInt64, {}), {}, {}},
                          {"go", TypeOf(DataType::kBool, {}), {}, {}},
                          FloatValue("h", state_dims)};
  if (state_dims.empty()) b.model.graph.inputs[2].type.shape.reset();
  b.Add("Identity", {"go"}, {"still"});
  b.Add("MatMul", {"h", "w"}, {"p"});
  b.Add("Tanh", {"p"}, {"next"});
  b.model.graph.outputs = {{"still", TypeOf(DataType::kBool, {}), {}, {}},
                           FloatValue("next", state_dims)};
  if (state_dims.empty()) b.model.graph.outputs[1].type.shape.reset();
  return b.model.graph;
}

Model CarriedState(bool own_weights, const std::vector<std::string>& state_dims = {"4", "48"}) {
  GraphBuilder b;
  b.Input("x", {"4", "48"}).Output("y").Ints("times", {}, {5});
  if (!own_weights) b.Random("w", {48, 48}, 0.2F);
  Node& loop = b.Add("Loop", {"times", "", "x"}, {"y"});
  loop.name = "loop";
  loop.Set("body", Subgraph(Step(own_weights, state_dims)));
  return b.model;
}

// x[t] -> MatMul{w}, + h -> h', y[t]; x and y are lists of steps.
Model Scanned(bool own_weights) {
  GraphBuilder body;
  if (own_weights) body.Random("w", {32, 48}, 0.2F);
  body.Input("h", {"4", "48"}).Input("step", {"4", "32"}).Output("next").Output("out");
  body.Add("MatMul", {"step", "w"}, {"p"});
  body.Add("Add", {"p", "h"}, {"sum"});
  body.Add("Tanh", {"sum"}, {"next"});
  body.Add("Identity", {"next"}, {"out"});
  GraphBuilder b;
  b.Input("x", {"6", "4", "32"}).Output("last").Output("all");
  b.Floats("h0", {4, 48}, std::vector<float>(4 * 48, 0));
  if (!own_weights) b.Random("w", {32, 48}, 0.2F);
  Node& scan = b.Add("Scan", {"h0", "x"}, {"last", "all"});
  scan.name = "scan";
  scan.Set("num_scan_inputs", int64_t{1});
  scan.Set("body", Subgraph(body.model.graph));
  return b.model;
}

// Loop{ If{odd} -> MatMul or MatMul }: a body in a body, weights of the outermost level.
Model Nested() {
  const auto branch = [](const std::string& weight, const std::string& out) {
    GraphBuilder b;
    b.Output(out);
    b.Add("MatMul", {"h", weight}, {out});
    b.model.graph.name = out;
    return b.model.graph;
  };
  GraphBuilder body;
  body.model.graph = Step(true, {"4", "48"});
  body.model.graph.nodes.resize(1);
  body.model.graph.initializers.clear();
  body.Ints("two", {}, {2}).Ints("none", {}, {0});
  body.Add("Mod", {"i", "two"}, {"rest"});
  body.Add("Equal", {"rest", "none"}, {"even"});
  Node& node = body.Add("If", {"even"}, {"p"});
  node.name = "parity";
  node.Set("then_branch", Subgraph(branch("w", "a")));
  node.Set("else_branch", Subgraph(branch("v", "b")));
  body.Add("Tanh", {"p"}, {"next"});
  GraphBuilder b;
  b.Input("x", {"4", "48"}).Output("y").Ints("times", {}, {5});
  b.Random("w", {48, 48}, 0.2F).Random("v", {48, 48}, 0.1F);
  Node& loop = b.Add("Loop", {"times", "", "x"}, {"y"});
  loop.name = "loop";
  loop.Set("body", Subgraph(body.model.graph));
  return b.model;
}

size_t Count(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

const std::vector<std::string> kProducts = {"QLinearMatMul", "MatMulIntegerToFloat", "QGemm"};

TEST(BodyPlansTest, BothBranchesOfAnIfConvolveOnIntegers) {
  const StaticJob job(Branches(), Shifted({1, 8, 12, 12}, 0.3F));
  const PlanFiles files = ExpectTheSameAgain(job, "if");
  EXPECT_EQ(files.report.integer_nodes, 4U);
  EXPECT_EQ(Kernels(files, {"QLinearConv"}), 4);
  EXPECT_EQ(Kernels(files, {"Conv", "FusedConv"}), 0);
  EXPECT_GT(WorstSqnr(files), 30);
  EXPECT_THAT(files.info, HasSubstr(R"({"scope":"branch/then_branch/","name":)"));
  // The names of both branches are the same, their ranges are not.
  EXPECT_EQ(Count(files.info, R"(,"name":"x","type":"uint8")"), 2U);
  EXPECT_EQ(Count(files.info, R"(,"name":"r","type":"uint8")"), 2U);
}

TEST(BodyPlansTest, WeightsOfABodyAreCalledLikeThoseAroundIt) {
  GraphBuilder around;
  around.model = Branches();
  around.Random("w", {kChannels, 8, 3, 3}, 0.1F).Output("z");
  Graph& reads_outer = *SubgraphsOf(around.model.graph.nodes.back())[0];
  EXPECT_EQ(reads_outer.initializers.erase("w"), 1U);
  around.Add("Conv", {"x", "w"}, {"z"});
  PlanJob job(around.model, Shifted({1, 8, 12, 12}, 0.3F));
  job.options.config.scheme = Scheme::kWeightOnly;
  const PlanFiles files = ExpectTheSameAgain(job, "shadowed");
  EXPECT_GT(WorstSqnr(files), 30);
}

// s -> Conv, Relu -> Conv, Relu -> s', three times, with weights of its own.
Model LoopOfConvolutions() {
  constexpr int64_t kMany = 64;
  const std::vector<std::string> dims = {"1", "64", "24", "24"};
  GraphBuilder b;
  b.Random("w", {kMany, kMany, 3, 3}, 0.06F).Random("bias", {kMany}, 0.1F);
  b.Random("v", {kMany, kMany, 3, 3}, 0.06F);
  b.model.graph.name = "step";
  b.model.graph.inputs = {{"i", TypeOf(DataType::kInt64, {}), {}, {}},
                          {"go", TypeOf(DataType::kBool, {}), {}, {}},
                          FloatValue("s", dims)};
  const std::vector<int64_t> pads = {1, 1, 1, 1};
  b.Add("Identity", {"go"}, {"still"});
  b.Add("Conv", {"s", "w", "bias"}, {"c"}).Set("pads", pads);
  b.Add("Relu", {"c"}, {"r"});
  b.Add("Conv", {"r", "v"}, {"d"}).Set("pads", pads);
  b.Add("Relu", {"d"}, {"next"});
  b.model.graph.outputs = {{"still", TypeOf(DataType::kBool, {}), {}, {}},
                           FloatValue("next", dims)};
  GraphBuilder outer;
  outer.Input("x", dims).Output("y").Ints("times", {}, {3});
  Node& loop = outer.Add("Loop", {"times", "", "x"}, {"y"});
  loop.name = "loop";
  loop.Set("body", Subgraph(b.model.graph));
  return outer.model;
}

TEST(BodyPlansTest, ALoopOfConvolutionsIsQuantizedByDefault) {
  const Model model = LoopOfConvolutions();
  const PlanJob job(model, Shifted({1, 64, 24, 24}, 0.3F));
  const PlanFiles files = ExpectTheSameAgain(job, "default");
  EXPECT_EQ(files.report.scheme, "static");
  EXPECT_EQ(files.report.integer_nodes, 2U);
  EXPECT_EQ(Kernels(files, {"QLinearConv"}), 2);
  EXPECT_LT(3 * files.model.size(), SerializeModel(model).size());
  EXPECT_GT(WorstSqnr(files), 20);
}

TEST(BodyPlansTest, AProductOnACarriedStateComputesOnIntegers) {
  for (const bool own_weights : {true, false}) {
    const StaticJob job(CarriedState(own_weights), Shifted({4, 48}, 0));
    const PlanFiles files = ExpectTheSameAgain(job, own_weights ? "own" : "captured");
    EXPECT_EQ(files.report.integer_nodes, 1U);
    EXPECT_EQ(Kernels(files, kProducts), 1);
    EXPECT_EQ(Kernels(files, {"MatMul"}), 0);
    EXPECT_GT(WorstSqnr(files), 25);
    // Float weights that nobody reads any more are gone on every level.
    EXPECT_LT(files.model.size(), 48 * 48 * sizeof(float));
  }
}

TEST(BodyPlansTest, AScanComputesOnIntegers) {
  for (const bool own_weights : {true, false}) {
    const StaticJob job(Scanned(own_weights), Shifted({6, 4, 32}, 0));
    const PlanFiles files = ExpectTheSameAgain(job, own_weights ? "own" : "captured");
    EXPECT_EQ(Kernels(files, kProducts), 1);
    EXPECT_GT(WorstSqnr(files), 30);
  }
}

TEST(BodyPlansTest, ABodyInABodyComputesOnIntegers) {
  const StaticJob job(Nested(), Shifted({4, 48}, 0));
  const PlanFiles files = ExpectTheSameAgain(job, "nested");
  EXPECT_EQ(files.report.integer_nodes, 2U);
  EXPECT_EQ(Kernels(files, kProducts), 2);
  EXPECT_GT(WorstSqnr(files), 25);
  EXPECT_THAT(files.info, HasSubstr(R"("scope":"loop/body/parity/else_branch/")"));
}

TEST(BodyPlansTest, ValuesWithoutAShapeAreFine) {
  const StaticJob job(CarriedState(false, {}), Shifted({4, 48}, 0));
  const PlanFiles files = ExpectTheSameAgain(job, "no shape");
  EXPECT_EQ(files.report.integer_nodes, 1U);
  EXPECT_GT(WorstSqnr(files), 25);
}

TEST(BodyPlansTest, ABranchThatNeverRanStaysFloatAndIsTold) {
  std::vector<std::vector<Tensor>> samples;
  const auto both = Shifted({1, 8, 12, 12}, 0.5F, 12);
  for (size_t k = 0; k < both.size(); k += 2) samples.push_back(both[k]);
  const StaticJob job(Branches(), samples);
  const PlanFiles files = ExpectTheSameAgain(job, "one branch");
  EXPECT_EQ(files.report.integer_nodes, 2U);
  EXPECT_EQ(Kernels(files, {"QLinearConv"}), 2);
  bool is_told = false;
  for (const auto& [why, nodes] : files.report.float_reasons) {
    if (why.first != "Conv") continue;
    EXPECT_THAT(why.second, HasSubstr("was never computed in calibration"));
    EXPECT_THAT(nodes, testing::Each(testing::StartsWith("branch/else_branch/")));
    is_told = true;
  }
  EXPECT_TRUE(is_told);
}

// The branches take x out of a sequence: what they read from outside is no tensor.
Model BranchesOfASequence() {
  Model model = Branches();
  GraphBuilder b;
  b.model = std::move(model);
  Node node = std::move(b.model.graph.nodes.back());
  b.model.graph.nodes.pop_back();
  b.Add("SequenceConstruct", {"x"}, {"list"});
  for (Graph* body : SubgraphsOf(node)) {
    for (Node& inside : body->nodes)
      for (std::string& input : inside.inputs)
        if (input == "x") input = "taken";
    body->initializers.emplace(
        "first", MakeTensor<int64_t>("first", DataType::kInt64, {}, std::vector<int64_t>{0}));
    body->nodes.insert(body->nodes.begin(), MakeNode("SequenceAt", {"list", "first"}, {"taken"}));
  }
  b.model.graph.nodes.push_back(std::move(node));
  return b.model;
}

TEST(BodyPlansTest, ABodyWithoutTypesStaysFloatAndIsTold) {
  const std::string why = R"(its body reads "list", which is no tensor of known type)";
  const StaticJob job(BranchesOfASequence(), Shifted({1, 8, 12, 12}, 0.3F));
  const PlanFiles files = ExpectTheSameAgain(job, "sequence");
  EXPECT_EQ(files.report.integer_nodes, 0U);
  EXPECT_EQ(files.report.float_reasons.at({"Conv", why}).size(), 4U);
  EXPECT_EQ(Count(files.info, R"(its body reads \"list\")"), 8U) << "with SequenceAt and Relu";
  const Inspection inspection = InspectModel({.model = job.options.model, .config = {}});
  EXPECT_EQ(inspection.float_reasons.at({"Conv", why}).size(), 4U);
  const Lint lint = LintModel(BranchesOfASequence(), kCpuTarget, "m");
  EXPECT_GT(lint.Count(LintedNode::Kind::kUnknown), 0U);
  size_t judged = 0;
  EXPECT_EQ(Disagreements(BranchesOfASequence(), judged), "")
      << "what is not judged is no forecast";
  EXPECT_THAT(FormatLint(lint), Not(HasSubstr("not judged"))) << "float models have one line";
}

TEST(BodyPlansTest, VerifyMakesTheSameBytes) {
  const TempDir out;
  StaticJob job(Nested(), Shifted({4, 48}, 0));
  job.options.output = out / "out.onnx";
  Convert(job.options);
  VerifyOptions options{
      .out = job.options.output, .quant_info = {}, .convert = job.options, .outputs = {}};
  for (const int workers : {1, 3}) {
    options.convert.workers = workers;
    EXPECT_TRUE(VerifyModel(options).is_equal());
  }
  options.convert = {};
  options.convert.model = job.options.model;
  EXPECT_TRUE(VerifyModel(options).is_equal());
}

// One channel of an activation is much larger than the others, its weights as much smaller.
TEST(BodyPlansTest, TheGuardGivesTheIntegersOfABodyBack) {
  constexpr int64_t kMany = 64;
  const auto branch = [](const std::string& out, float outlier) {
    std::vector<float> weights = RandomFloats(kMany * kMany * 9, 3, 0.1F);
    std::vector<float> scales(kMany, 1);
    scales[5] = outlier;
    for (size_t k = 0; k < weights.size(); ++k) weights[k] /= scales[k / 9 % kMany];
    GraphBuilder b;
    b.Output(out).Floats("w", {kMany, kMany, 3, 3}, weights);
    b.Floats("scales", {1, kMany, 1, 1}, scales);
    b.Add("Mul", {"x", "scales"}, {"m"});
    b.Add("Conv", {"m", "w"}, {out}).Set("pads", std::vector<int64_t>{1, 1, 1, 1});
    b.model.graph.name = out;
    return b.model.graph;
  };
  GraphBuilder b;
  b.Input("x", {"1", "64", "16", "16"}).Output("y").Floats("zero", {}, {0});
  b.Add("ReduceMean", {"x"}, {"mean"}).Set("keepdims", int64_t{0});
  b.Add("Greater", {"mean", "zero"}, {"is_large"});
  Node& node = b.Add("If", {"is_large"}, {"y"});
  node.name = "branch";
  node.Set("then_branch", Subgraph(branch("large_y", 1)));
  node.Set("else_branch", Subgraph(branch("small_y", 3000)));
  std::vector<std::vector<Tensor>> samples;  // most of them take the branch that loses
  const auto both = Shifted({1, kMany, 16, 16}, 0.3F, 16);
  for (size_t k = 0; k < both.size(); ++k)
    if (k % 2 == 1 || k < 4) samples.push_back(both[k]);
  const StaticJob job(b.model, samples);
  const PlanFiles files = ExpectTheSameAgain(job, "guard");
  EXPECT_THAT(files.report.guard.kept_float, ElementsAre("branch/else_branch/"));
  EXPECT_TRUE(files.report.guard.passed);
  EXPECT_GE(files.report.integer_nodes, 1U);
}

TEST(BodyPlansTest, LintAgreesWithTheEngine) {
  for (const Model& model : {Branches(), CarriedState(false), Scanned(true), Nested()}) {
    const auto& dims = *model.graph.inputs[0].type.shape;
    std::vector<int64_t> shape;
    for (const Dim& dim : dims) shape.push_back(dim.value);
    StaticJob job(model, Shifted(shape, 0.3F));
    job.options.strict_fusion = true;
    const PlanFiles files = job.Write();
    size_t judged = 0;
    EXPECT_EQ(Disagreements(Parsed(files.model), judged), "");
    EXPECT_GT(judged, 0U);
    const Lint lint = LintModel(Parsed(files.model), kCpuTarget, "m");
    EXPECT_EQ(lint.Count(LintedNode::Kind::kInteger), files.report.integer_nodes);
  }
}

TEST(BodyPlansTest, OtherTargetsComputeBodiesInFloat) {
  StaticJob job(Branches(), Shifted({1, 8, 12, 12}, 0.3F));
  job.options.config.target_device = TargetDevice::kQnn;
  const PlanFiles files = ExpectTheSameAgain(job, "qnn");
  EXPECT_EQ(files.report.integer_nodes, 0U);
  EXPECT_THAT(files.info, HasSubstr("target QNN computes bodies in float"));
}

TEST(BodyPlansTest, EntriesNameNodesOfBodiesByTheirWay) {
  PlanJob job(Branches(), Shifted({1, 8, 12, 12}, 0.3F));
  job.options.config.scheme = Scheme::kStatic;
  LayerSettings layer;
  layer.match = {.kind = LayerMatch::Kind::kName, .pattern = "branch/then_branch/*"};
  layer.tensors = job.options.config.tensors;
  layer.tensors.activation.datatype = Datatype::kFloat32;
  job.options.config.layers.push_back(layer);
  const PlanFiles files = ExpectTheSameAgain(job, "entry");
  EXPECT_EQ(files.report.integer_nodes, 2U);
  EXPECT_THAT(files.report.float_reasons.at({"Conv", "the settings say float"}),
              testing::Each(testing::StartsWith("branch/then_branch/")));
}

TEST(BodyPlansTest, APlanWithoutScopesStillReads) {
  StaticJob job(Branches(), Shifted({1, 8, 12, 12}, 0.3F));
  const std::string info = job.Write().info;
  std::string older;
  std::istringstream lines(info);
  for (std::string line; std::getline(lines, line);) {
    if (line.find("\"scope\"") != std::string::npos) continue;
    older += line + "\n";
  }
  // The entries before those of bodies end with a comma.
  for (size_t at = older.find(",\n]"); at != std::string::npos; at = older.find(",\n]"))
    older.erase(at, 1);
  const PlanFiles files = job.Apply(older);
  EXPECT_EQ(files.report.integer_nodes, 0U);
  EXPECT_EQ(Kernels(files, {"Conv", "FusedConv"}), 4);
}

TEST(BodyPlansTest, AnEditedScopeIsCheckedLikeTheMainGraph) {
  StaticJob job(Branches(), Shifted({1, 8, 12, 12}, 0.3F));
  std::string info = job.Write().info;
  const std::string scope = R"("scope":"branch/then_branch/","name":"c")";
  const auto edited = [&](const std::string& from, const std::string& to) {
    std::string text = info;
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
  EXPECT_THAT(
      job.Problems(edited(R"({"scope":"branch/then_branch/")", R"({"scope":"branch/then_branh/")")),
      AllOf(HasSubstr("the model has no scope 'branch/then_branh/'"),
            HasSubstr("did you mean 'branch/then_branch/'?")));
  EXPECT_THAT(job.Problems(edited(R"("op_type":"Conv","computes":"integer")",
                                  R"("op_type":"Conv","computes":"dynamic")")),
              HasSubstr("no kernel quantizes this Conv at run time"));
}

}  // namespace
}  // namespace qconvert
