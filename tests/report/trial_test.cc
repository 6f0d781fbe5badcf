#include "qconvert/report/trial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/report/conversion_report.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Trial Of(const char* name, double sqnr_db, int64_t bytes, size_t integer_nodes) {
  Trial trial;
  trial.name = name;
  trial.passes = true;
  trial.sqnr_db = sqnr_db;
  trial.bytes = bytes;
  trial.integer_nodes = integer_nodes;
  return trial;
}

TEST(TrialTest, OnTheFrontierNothingIsBetterWithoutBeingWorse) {
  const std::vector<Trial> trials = {Of("fast", 20, 100, 10), Of("faithful", 40, 100, 4),
                                     Of("neither", 20, 110, 4), Of("small", 15, 50, 4)};
  EXPECT_THAT(FindFrontier(trials), ElementsAre(true, true, false, true));
  EXPECT_THAT(FindFrontier(std::vector{trials[0], trials[0]}), ElementsAre(true, true))
      << "equal ones do not beat each other";
}

TEST(TrialTest, TimesCountWhereThereAreSome) {
  std::vector<Trial> trials = {Of("fast", 20, 100, 1), Of("slow", 20, 100, 9)};
  EXPECT_THAT(FindFrontier(trials), ElementsAre(false, true));
  trials[0].ms = 1;
  trials[1].ms = 2;
  EXPECT_THAT(FindFrontier(trials), ElementsAre(true, false));
}

TEST(TrialTest, WithoutLimitsMostIntegerNodesThenFewestBytes) {
  std::vector<Trial> trials = {Of("a", 40, 100, 4), Of("b", 20, 100, 10), Of("c", 20, 90, 10)};
  EXPECT_EQ(ChooseTrial(trials, {}), 2U);
  trials[2].passes = false;
  EXPECT_EQ(ChooseTrial(trials, {}), 1U);
  trials[0].passes = trials[1].passes = false;
  EXPECT_EQ(ChooseTrial(trials, {}), std::nullopt);
}

TEST(TrialTest, WithinLimitsTheMostAccurate) {
  std::vector<Trial> trials = {Of("a", 40, 3'000'000, 4), Of("b", 20, 1'000'000, 10)};
  EXPECT_EQ(ChooseTrial(trials, {.max_ms = {}, .max_mb = 3}), 0U);
  EXPECT_EQ(ChooseTrial(trials, {.max_ms = {}, .max_mb = 2.5}), 1U);
  EXPECT_EQ(ChooseTrial(trials, {.max_ms = {}, .max_mb = 0.5}), std::nullopt);
  trials[0].ms = 8.5;
  trials[1].ms = 2;
  EXPECT_EQ(ChooseTrial(trials, {.max_ms = 8, .max_mb = {}}), 1U);
  EXPECT_EQ(ChooseTrial(trials, {.max_ms = 9, .max_mb = {}}), 0U);
}

TEST(TrialTest, TheTableNamesWhatFailsAndWhatIsChosen) {
  std::vector<Trial> trials = {Of("as given", 14, 100, 4), Of("--objective size", 20, 100, 10)};
  trials[0].passes = false;
  trials[1].chosen = true;
  const std::string table = FormatTrials(trials);
  EXPECT_THAT(table, HasSubstr("  fails      14.0"));
  EXPECT_THAT(table, HasSubstr("  chosen     20.0"));
  EXPECT_THAT(table, Not(HasSubstr(" ms")));
  trials[0].ms = 1.5;
  EXPECT_THAT(FormatTrials(trials), HasSubstr("    1.500  as given"));
  EXPECT_EQ(FormatTrials({}), "");
}

TEST(TrialTest, TheVerdictHasThem) {
  ConversionReport report;
  EXPECT_THAT(ReportJson(report, "success"), Not(HasSubstr("\"tried\"")));
  report.trials = {Of("as given", 14, 100, 4)};
  const std::string json = ReportJson(report, "success");
  EXPECT_THAT(json, HasSubstr("\"tried\""));
  EXPECT_THAT(json, HasSubstr("\"frontier\": true"));
  EXPECT_THAT(json, Not(HasSubstr("\"ms\"")));
}

}  // namespace
}  // namespace qconvert
