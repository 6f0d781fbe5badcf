#include "qconvert/report/file_comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::HasSubstr;
using testing::Not;

OutputComparison Output(const std::string& name, const std::vector<float>& a,
                        const std::vector<float>& b) {
  const auto tensor = [](const std::vector<float>& values) {
    return MakeFloatTensor("y", {static_cast<int64_t>(values.size())}, values);
  };
  return CompareSample({name}, tensor(a), tensor(b));
}

InnerComparison Inner(const std::string& name, float error, int64_t non_finite = 0) {
  const OutputComparison output = Output(name, {3, 4}, {3, 4 + error});
  return {name, "Conv", output.sums, output.mismatched, non_finite};
}

FileComparison Sample() {
  FileComparison comparison;
  comparison.a = "a.onnx";
  comparison.b = "b.onnx";
  comparison.sample_names = {"0.npy"};
  comparison.outputs = {Output("y", {3, 4}, {3, 2})};
  comparison.inner = {Inner("small", 0.1F), Inner("broken", 0, 2), Inner("large", 1),
                      Inner("same", 0)};
  return comparison;
}

TEST(FileComparisonTest, DistancesAreThoseOfTheTextbook) {
  const std::string json = FileComparisonJson(Sample(), "success");
  EXPECT_THAT(json, HasSubstr("\"l1\": 2.0"));
  EXPECT_THAT(json, HasSubstr("\"l2\": 2.0"));
  EXPECT_THAT(json, HasSubstr("\"chebyshev\": 2.0"));
  EXPECT_THAT(json, HasSubstr("\"mismatch\": 0.5"));
  EXPECT_THAT(json, HasSubstr("\"op_type\": \"Conv\""));
  EXPECT_THAT(json, Not(HasSubstr("\"verdict\""))) << "nobody asked for one";
}

TEST(FileComparisonTest, FiveDigitsAreTheSame) {
  EXPECT_EQ(Output("y", {1, 1000, 0, 5}, {1.000009F, 1000.009F, 0.000009F, 5}).mismatched, 0);
  EXPECT_EQ(Output("y", {1, 1000, 0, 5}, {1.00002F, 1000.02F, 0.00002F, 5}).mismatched, 3);
  OutputComparison sum = Output("y", {1}, {2});
  sum.Merge(Output("y", {1}, {3}));
  EXPECT_EQ(sum.mismatched, 2);
  EXPECT_EQ(Output("y", {NAN, 1}, {2, NAN}).mismatched, 0) << "counted as not finite";
}

TEST(FileComparisonTest, WorstComesFirstAndBrokenBeforeIt) {
  EXPECT_EQ(WorstInner(Sample()), (std::vector<size_t>{1, 2, 0, 3}));
  const std::string text = FormatFileComparison(Sample(), 2);
  EXPECT_THAT(text, HasSubstr("broken"));
  EXPECT_THAT(text, HasSubstr("2 not finite"));
  EXPECT_THAT(text, HasSubstr("large"));
  EXPECT_THAT(text, Not(HasSubstr("small")));
  EXPECT_THAT(text, HasSubstr("4 inner values"));
}

TEST(FileComparisonTest, ABudgetIsKeptOrNot) {
  FileComparison comparison = Sample();
  EXPECT_TRUE(comparison.Passes());
  comparison.is_judged = true;
  comparison.gate = Gate::Of(7.0, {});  // 10 log10(25 / 4) = 7.96 dB
  EXPECT_TRUE(comparison.Passes());
  comparison.gate = Gate::Of(9.0, {});
  EXPECT_FALSE(comparison.Passes());
  EXPECT_THAT(FormatFileComparison(comparison, 0), HasSubstr("y fails: 8.0 dB"));
  EXPECT_THAT(FileComparisonJson(comparison, "numeric"), HasSubstr("\"passed\": false"));
}

TEST(FileComparisonTest, TablesFitEightyColumns) {
  FileComparison comparison = Sample();
  const std::string name = "/backbone/stages.3/blocks.11/attention/query_key_value/MatMul_output_0";
  comparison.outputs[0].value.name = name;
  comparison.inner[2].name = name;
  comparison.inner[2].op_type = "BatchNormalization";
  std::istringstream lines(FormatFileComparison(comparison, 4));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
}

TEST(FileComparisonTest, LongNamesKeepWholeLettersOfTheirEnd) {
  FileComparison comparison = Sample();
  comparison.outputs[0].value.name = "ääääääääääääääääääää";
  const std::string text = FormatFileComparison(comparison, 0);
  EXPECT_THAT(text, HasSubstr("...ä"));
  EXPECT_THAT(text, Not(HasSubstr("...\xa4")));
}

TEST(FileComparisonTest, OutputsOfOneModelOnlyAreNamed) {
  FileComparison comparison = Sample();
  comparison.only_a = {"boxes"};
  comparison.inner.clear();
  const std::string text = FormatFileComparison(comparison, 3);
  EXPECT_THAT(text, HasSubstr("output boxes is in a.onnx only"));
  EXPECT_THAT(text, HasSubstr("no inner value"));
  EXPECT_THAT(FileComparisonJson(comparison, "success"), HasSubstr("\"boxes\""));
}

}  // namespace
}  // namespace qconvert
