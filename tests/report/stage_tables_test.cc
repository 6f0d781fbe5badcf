#include "qconvert/report/stage_tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/report/conversion_report.h"

namespace qconvert {
namespace {

using testing::HasSubstr;

TEST(StageTablesTest, ARowByNode) {
  const std::string text =
      FormatStageNodes({{"Conv_0", true, "Conv", 0.9998767, 2.64, "int8"},
                        {"Softmax_1", false, "Softmax", std::nullopt, std::nullopt, "float"}});
  EXPECT_EQ(text,
            "The main quantized node information:\n"
            "=================================================================\n"
            "Node       ON   Type     Cosine Similarity  Threshold  DataType\n"
            "-----------------------------------------------------------------\n"
            "Conv_0     BPU  Conv     0.999877           2.640000   int8\n"
            "Softmax_1  CPU  Softmax  --                 --         float\n");
}

TEST(StageTablesTest, LongNamesKeepTheirEnd) {
  const std::string name = "/model/" + std::string(60, 'x') + "/last/Conv";
  const std::string text = FormatStageNodes({{name, true, "Conv", 1.0, 1.0, "int8"}});
  EXPECT_THAT(text, HasSubstr("\n..."));
  EXPECT_THAT(text, HasSubstr("/last/Conv  BPU"));
  EXPECT_THAT(text, testing::Not(HasSubstr("/model/")));
}

TEST(StageTablesTest, NamesCannotWriteToTheTerminal) {
  const std::string text = FormatStageNodes({{"a\x1b[31m\nb", true, "C\x07nv", {}, {}, "int8"}});
  EXPECT_THAT(text, testing::Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, testing::Not(HasSubstr("\x07")));
}

OutputComparison Output(const std::string& name, const std::vector<float>& expected,
                        const std::vector<float>& actual) {
  OutputComparison output;
  output.value.name = name;
  output.sums.Add(expected, actual);
  return output;
}

TEST(StageTablesTest, DistancesOfOutputs) {
  const std::vector<OutputComparison> outputs = {Output("scores", {3, 4, 0}, {3, 0, 3}),
                                                 Output("ids", {}, {})};
  EXPECT_EQ(FormatStageOutputs(outputs),
            "The quantized model output:\n"
            "=========================================================================\n"
            "Output  Cosine Similarity  L1 Distance  L2 Distance  Chebyshev Distance\n"
            "-------------------------------------------------------------------------\n"
            "scores  0.424264           7.000000     5.000000     4.000000\n"
            "ids     --                 --           --           --\n");
}

TEST(StageTablesTest, ReportsHaveThemWhereStagesAreWritten) {
  ConversionReport report;
  report.outputs = {Output("scores", {3, 4}, {3, 4})};
  EXPECT_THAT(FormatReport(report), testing::Not(HasSubstr("main quantized node")));
  report.stage_nodes = {{"Conv_0", true, "Conv", 1.0, 1.0, "int8"}};
  const std::string text = FormatReport(report);
  EXPECT_THAT(text, HasSubstr("The main quantized node information:"));
  EXPECT_THAT(text, HasSubstr("The quantized model output:"));
}

}  // namespace
}  // namespace qconvert
