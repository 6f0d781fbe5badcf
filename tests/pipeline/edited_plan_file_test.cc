// quant_info.json edited by hand: the same plan but for the edit; wrong: all that is wrong, and
// where.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>

#include "qconvert/loader/onnx_loader.h"
#include "support/plan_job.h"

namespace qconvert {
namespace {

using Json = nlohmann::ordered_json;
using testing::AllOf;
using testing::HasSubstr;

// Of the shipped example on integers.
class EditTest : public testing::Test {
 protected:
  EditTest() {
    job_.options.config.scheme = Scheme::kStatic;
    job_.options.guard = GuardMode::kReport;
    written_ = job_.Write();
    info_ = Json::parse(written_.info);
  }

  // The `k`-th node of this operator.
  Json& Node(const std::string& op_type, size_t k = 0) {
    for (Json& node : info_["nodes"])
      if (node["op_type"] == op_type && k-- == 0) return node;
    throw std::runtime_error("no " + op_type);
  }
  Json& Value(const std::string& name) {
    for (Json& value : info_["values"])
      if (value["name"] == name) return value;
    throw std::runtime_error("no " + name);
  }
  void DropFromNodes(const char* key) {
    for (Json& node : info_["nodes"]) node.erase(key);
  }
  std::string Problems() const { return job_.Problems(info_.dump(1)); }

  PlanJob job_;
  PlanFiles written_;
  Json info_;
};

TEST_F(EditTest, AnotherLayoutOfTheTextIsTheSamePlan) {
  const std::string text = info_.dump(3);
  const PlanFiles again = job_.Apply(text);
  const Json info = Json::parse(again.info);
  EXPECT_NE(info["nodes"], info_["nodes"]) << "what was measured of nodes is of the file before";
  DropFromNodes("noise");
  EXPECT_EQ(info["nodes"], info_["nodes"]);
  EXPECT_EQ(info["values"], info_["values"]);
  EXPECT_EQ(info["provenance"]["config_sha256"], Sha256Hex(text));
  EXPECT_EQ(info["guard"]["ran"], false) << "of what was edited nobody knows";
  const PlanFiles third = job_.Apply(again.info);
  EXPECT_EQ(third.info, again.info);
  EXPECT_EQ(third.model == again.model, true);
}

TEST_F(EditTest, ChangedScalesAreTaken) {
  Json& scale = Node("Conv")["weights"][0]["scale"][0];
  scale = scale.get<double>() * 2;
  Json& value = Value("image");
  value["scale"] = 0.125;
  value["zero_point"] = 7;
  const PlanFiles again = job_.Apply(info_.dump(), true);
  EXPECT_NE(again.model == written_.model, true);
  Json info = Json::parse(again.info);
  EXPECT_EQ(info["values"], info_["values"]);
  // Factors between scales follow from these.
  EXPECT_NE(info["nodes"], info_["nodes"]);
  DropFromNodes("noise");
  DropFromNodes("requantization");
  for (Json& node : info["nodes"]) node.erase("requantization");
  EXPECT_EQ(info["nodes"], info_["nodes"]);
  EXPECT_TRUE(again.report.guard.ran);
  EXPECT_GT(again.report.outputs.at(0).sums.count, 0);
}

TEST_F(EditTest, ANodeCanGoToFloat) {
  Json& conv = Node("Conv");
  conv["computes"] = "float";
  conv["reason"] = "by hand";
  Json& clip = Node("Clip");
  clip["computes"] = "float";
  const PlanFiles again = job_.Apply(info_.dump(), true);
  EXPECT_EQ(again.report.integer_nodes + 1, written_.report.integer_nodes);
  EXPECT_EQ(again.report.float_nodes, 2U);
  EXPECT_TRUE(again.report.float_reasons.contains({"Conv", "by hand"}));
  EXPECT_GT(again.report.outputs.at(0).sqnr_db(), 30);
  EXPECT_TRUE(AnyHolds(again.report.warnings, "have no use, it is not integer"));
  EXPECT_EQ(job_.Apply(again.info).info, again.info);
}

TEST_F(EditTest, AllThatDoesNotFitTheModelIsToldAtOnceWithItsPlace) {
  Node("Conv")["computes"] = "float";  // and its Clip stays fused
  Node("Conv", 1)["weights"][0]["scale"].push_back(1.0);
  Node("Conv", 2)["weights"][0]["weight"] = "none";
  Node("Conv", 3).erase("bias");
  Node("Conv", 4)["weights"][0]["scale"][1] = 1e-30;
  Node("Conv", 5)["name"] = Node("Conv", 5)["name"].get<std::string>() + "x";
  const std::string missing = info_["values"][1]["name"];
  info_["values"].erase(1);
  info_["values"].push_back({{"name", "imagr"}, {"type", "uint8"}, {"scale", 1}});
  info_["rounded_values"].push_back({{"value", "nothing"}, {"type", "float16"}});
  info_["stored_weights"].push_back({{"weight", "no"}, {"type", "int8"}, {"scale", 1}});
  EXPECT_THAT(Problems(),
              AllOf(HasSubstr("is 'fused', expected 'float': no integer node computes it as well"),
                    HasSubstr("scales of axis 0, expected one number, or"),
                    HasSubstr("has no entry for '"), HasSubstr("bias of '"),
                    HasSubstr("is too small: its bias would take more than 2^30 steps"),
                    HasSubstr("that computes floats, did you mean '"),
                    HasSubstr("values has no entry for '" + missing + "'"),
                    HasSubstr("the model has no value 'imagr', did you mean 'image'?"),
                    HasSubstr("the model has no float value 'nothing'"),
                    HasSubstr("no float node reads weights 'no'")));
  EXPECT_THAT(Problems(), testing::Not(HasSubstr("\n:"))) << "every line has a place";
}

TEST_F(EditTest, NodesThatNoKernelTakesStayFloat) {
  Json& clip = Node("Clip");
  clip["computes"] = "float";
  EXPECT_THAT(Problems(), HasSubstr("expected 'fused': the node before it computes it as well"));
  clip["computes"] = "dynamic";
  EXPECT_THAT(Problems(), HasSubstr("no kernel quantizes this Clip at run time"));
}

TEST_F(EditTest, AnotherModelIsRefusedWithBothHashes) {
  GraphBuilder b;
  b.Input("x", {"1", "4"}).Output("y").Random("w", {4, 4});
  b.Add("MatMul", {"x", "w"}, {"y"});
  PlanJob other(b.model, {});
  const std::string mine = LoadOnnx(kDigitsExample / "model.onnx").sha256;
  const std::string its = LoadOnnx(other.options.model).sha256;
  EXPECT_THAT(other.Problems(written_.info),
              AllOf(HasSubstr("p.json:4:"), HasSubstr("is of another model"), HasSubstr(mine),
                    HasSubstr(its)));
}

TEST_F(EditTest, NothingComparedIsNoPass) {
  job_.options.must_pass = true;
  EXPECT_THROW(job_.Apply(written_.info), Error);
  EXPECT_NO_THROW(job_.Apply(written_.info, true));
}

// Cut short, or with bytes changed: a problem of the file in one line each, or a plan; nothing
// else.
TEST_F(EditTest, BrokenTextsAreProblemsOfTheFile) {
  std::mt19937 random(7);
  const std::string& text = written_.info;
  const std::string signs = "0123456789-.,:[]{}\"ena\n ";
  size_t refused = 0;
  for (int round = 0; round < 200; ++round) {
    std::string broken = text;
    if (round % 2 == 0) {
      broken.resize(random() % text.size());
    } else {
      for (size_t k = 0; k <= random() % 3; ++k)
        broken[random() % text.size()] = signs[random() % signs.size()];
    }
    try {
      const PlanFile plan = ParsePlanFile(broken, "p.json");
      job_.Apply(broken);
    } catch (const ConfigError& e) {
      ++refused;
      for (const std::string& problem : e.problems()) {
        EXPECT_EQ(problem.find('\n'), std::string::npos);
        EXPECT_THAT(problem, HasSubstr("p.json")) << round;
      }
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ExitCode::kModel) << e.what() << ": a plan that the engine refuses";
    }
  }
  EXPECT_GE(refused, 100U);
}

}  // namespace
}  // namespace qconvert
