#include "qconvert/report/batch_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <vector>

#include "qconvert/base/error.h"

namespace qconvert {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<JobResult> Sample() {
  return {{"good", "m/good.onnx", 0,
           R"({"exit": "success", "bytes_before": 4000, "bytes_after": 1000,
               "outputs": [{"name": "a", "sqnr_db": 40.25}, {"name": "b", "sqnr_db": 31.5}]})",
           "qconvert: warning: few samples\n"},
          {"bad", "m/bad.onnx", 4, R"({"exit": "model"})",
           "qconvert: warning: w\nqconvert: error: m/bad.onnx: node <X> & \"Y\"\n"},
          {"killed", "m/killed.onnx", 137, "{\"exit\": tru", ""}};
}

TEST(BatchReportTest, TheWorstExitCodeCounts) {
  EXPECT_EQ(WorstExitCode(Sample()), 137);
  EXPECT_EQ(WorstExitCode(std::vector<JobResult>{Sample()[0]}), 0);
  EXPECT_EQ(WorstExitCode({}), 0);
}

TEST(BatchReportTest, ARowForEachJob) {
  const std::string text = FormatBatch(Sample());
  EXPECT_THAT(text, HasSubstr("31.5 dB  4000 B -> 1000 B")) << "the least of the outputs";
  EXPECT_THAT(text, HasSubstr("bad                         4  node <X> & \"Y\"\n"))
      << "the row names the model";
  EXPECT_THAT(text, HasSubstr("ended with exit code 137 and no word"));
  EXPECT_THAT(text, HasSubstr("1 of 3 done"));
  EXPECT_THAT(text, Not(HasSubstr("warning")));
}

TEST(BatchReportTest, RowsFitEightyColumns) {
  std::vector<JobResult> results = Sample();
  results[1].name = std::string(100, 'n');
  results[1].errors = "qconvert: error: " + std::string(300, 'e') + "\n";
  std::istringstream lines(FormatBatch(results));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
}

TEST(BatchReportTest, TheReasonIsToldWhole) {
  std::vector<JobResult> results = Sample();
  results[1].model = "/a/folder/far/away/with/models/in/it/bad.onnx";
  results[1].errors = "qconvert: error: " + results[1].model +
                      ": not done after 240 s, while running the model, after value x; a larger "
                      "--time-limit allows more\n";
  const std::string text = FormatBatch(results);
  EXPECT_THAT(text, HasSubstr("  not done after 240 s, while running the model,\n"));
  EXPECT_THAT(text, HasSubstr("  more\n"));
  EXPECT_THAT(text, Not(HasSubstr("far/away")));
  EXPECT_THAT(text, Not(HasSubstr("...")));
  results[1].errors = "qconvert: error: c.yaml:3:1: no key\n";
  EXPECT_THAT(FormatBatch(results), HasSubstr("c.yaml:3:1: no key")) << "another place stays";
}

TEST(BatchReportTest, OneDocumentHoldsAllVerdicts) {
  const std::string json = BatchJson(Sample());
  EXPECT_THAT(json, HasSubstr("\"exit\": 137"));
  EXPECT_THAT(json, HasSubstr("\"sqnr_db\": 31.5"));
  EXPECT_THAT(json, HasSubstr("\"verdict\": null")) << "half a document is none";
  EXPECT_THAT(json, HasSubstr("m/bad.onnx: node <X> & \\\"Y\\\""));
}

TEST(BatchReportTest, ABatchThatNeverBeganTellsItsExitCodeTheSameWay) {
  const std::string json = BatchFailureJson(6, {"missing.yaml: cannot open"});
  EXPECT_THAT(json, HasSubstr("\"exit\": 6,"));
  EXPECT_THAT(json, HasSubstr("missing.yaml: cannot open"));
  EXPECT_THAT(json, HasSubstr("\"jobs\": []"));
}

TEST(BatchReportTest, JunitHasAFailureForEachCodeThatIsNotZero) {
  const std::string xml = BatchJunit(Sample());
  EXPECT_THAT(xml, HasSubstr(R"(<testsuite name="qconvert" tests="3" failures="2">)"));
  EXPECT_THAT(xml, HasSubstr(R"(<testcase classname="qconvert" name="good" />)"));
  EXPECT_THAT(xml, HasSubstr(R"(<failure type="exit code 4" message="m/bad.onnx: node &lt;X)"));
  EXPECT_THAT(xml, HasSubstr("&amp; &quot;Y&quot;"));
  EXPECT_THAT(xml, HasSubstr("node &lt;X&gt; &amp; \"Y\"</failure>"));
  EXPECT_EQ(xml, BatchJunit(Sample()));
}

TEST(BatchReportTest, ResultsArriveAsTheyWerePacked) {
  std::vector<JobResult> results = Sample();
  results[2].errors =
      std::string("\xff\xfe no text\0 at all\n", 19);  // as a dying process leaves it
  results.push_back({"", "", 0, std::string(70000, 'v'), ""});
  const std::vector<JobResult> unpacked = UnpackResults(PackResults(results));
  ASSERT_EQ(unpacked.size(), results.size());
  for (size_t k = 0; k < results.size(); ++k) {
    EXPECT_EQ(unpacked[k].name, results[k].name);
    EXPECT_EQ(unpacked[k].model, results[k].model);
    EXPECT_EQ(unpacked[k].exit_code, results[k].exit_code);
    EXPECT_EQ(unpacked[k].verdict, results[k].verdict);
    EXPECT_EQ(unpacked[k].errors, results[k].errors);
  }
  EXPECT_TRUE(UnpackResults(PackResults({})).empty());
}

TEST(BatchReportTest, HalfAPackingIsRefused) {
  const std::string packed = PackResults(Sample());
  EXPECT_THROW(UnpackResults(packed.substr(0, packed.size() / 2)), Error);
  EXPECT_THROW(UnpackResults(""), Error);
  EXPECT_THROW(UnpackResults("\x91\x91\xa1n"), Error) << "a row of one field";
}

}  // namespace
}  // namespace qconvert
