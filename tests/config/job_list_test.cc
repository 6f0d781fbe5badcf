#include "qconvert/config/job_list.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/config/config_node.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

class JobListTest : public testing::Test {
 protected:
  std::vector<Job> Read(const std::string& text) const {
    return ReadJobList(dir_.Write("jobs.yaml", text));
  }
  std::string Path(const std::string& name) const { return (dir_ / name).string(); }
  std::string FailureOf(const std::string& text) const {
    try {
      Read(text);
    } catch (const ConfigError& e) {
      return fmt::format("{}", fmt::join(e.problems(), "\n"));
    }
    return "nothing thrown";
  }

  const TempDir dir_;
};

TEST_F(JobListTest, KeysBecomeOptionsWithPathsRelativeToTheList) {
  dir_.Write("own.yaml", "");
  const std::vector<Job> jobs = Read(
      "jobs:\n"
      "  - {model: m/a.onnx, calib: s, config: own.yaml, output: out.onnx, args: [--scheme, "
      "static]}\n"
      "  - {model: b.onnx, name: second, config: cpu_int8}\n");
  ASSERT_EQ(jobs.size(), 2U);
  EXPECT_EQ(jobs[0].name, "a");
  EXPECT_EQ(jobs[0].model, dir_ / "m/a.onnx");
  EXPECT_THAT(jobs[0].arguments, ElementsAre("--calib", Path("s"), "--config", Path("own.yaml"),
                                             "--output", Path("out.onnx"), "--scheme", "static"));
  EXPECT_EQ(jobs[1].name, "second");
  EXPECT_THAT(jobs[1].arguments, ElementsAre("--config", "cpu_int8")) << "a preset";
}

TEST_F(JobListTest, DefaultsHoldWhereAJobSaysNothing) {
  const std::vector<Job> jobs = Read(
      "defaults: {calib: s, args: [-v]}\n"
      "jobs:\n"
      "  - {model: a.onnx}\n"
      "  - {model: b.onnx, calib: t, args: []}\n");
  EXPECT_THAT(jobs[0].arguments, ElementsAre("--calib", Path("s"), "-v"));
  EXPECT_THAT(jobs[1].arguments, ElementsAre("--calib", Path("t")));
}

TEST_F(JobListTest, ProblemsNameTheirPlace) {
  EXPECT_THAT(FailureOf("jobs:\n  - {modl: a.onnx}\n"),
              HasSubstr("jobs.yaml:2:6: unknown key 'modl', did you mean 'model'?"));
  EXPECT_THAT(FailureOf("jobs:\n  - {calib: s}\n"), HasSubstr("a job without a model"));
  EXPECT_THAT(FailureOf("jobs: []\n"), HasSubstr("expected jobs, a list of maps"));
  EXPECT_THAT(FailureOf("job: []\n"), HasSubstr("unknown key 'job', did you mean 'jobs'?"));
  EXPECT_THAT(FailureOf("jobs: [a.onnx]\n"), EndsWith("found a.onnx, expected a map"));
  EXPECT_THAT(FailureOf("jobs:\n  - {model: [a]}\n"), HasSubstr("model is 'a list'"));
  EXPECT_THAT(FailureOf("jobs:\n  - {model: a.onnx, args: -v}\n"), HasSubstr("expected a list"));
  EXPECT_THAT(FailureOf("jobs:\n  - {model: x/a.onnx}\n  - {model: y/a.onnx}\n"),
              HasSubstr("jobs.yaml:3:5: two jobs are called 'a'"));
}

TEST_F(JobListTest, AFolderIsAListOfItsModels) {
  dir_.Write("fleet/b.onnx", "");
  dir_.Write("fleet/a.onnx", "");
  dir_.Write("fleet/a/0.npy", "");
  dir_.Write("fleet/a_quantized.onnx", "");
  dir_.Write("fleet/notes.txt", "");
  const std::vector<Job> jobs = ReadJobList(dir_ / "fleet");
  ASSERT_EQ(jobs.size(), 2U) << "results are no models to convert";
  EXPECT_EQ(jobs[0].name, "a");
  EXPECT_THAT(jobs[0].arguments, ElementsAre("--calib", Path("fleet/a")));
  EXPECT_THAT(jobs[1].arguments, ElementsAre("--scheme", "weight-only"));
  EXPECT_THROW(ReadJobList(dir_ / "fleet" / "a"), Error);
}

}  // namespace
}  // namespace qconvert
