#include "qconvert/calibration/diagnose.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "support/observe.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(DiagnoseTest, NamesEachKind) {
  CalibrationTable table;
  table.values["fine"] = Observe({0, 1});
  table.values["inf"] = Observe({1, INFINITY, -INFINITY});
  table.infinite["inf"] = {4, "s4.npy"};
  table.values["never"] = {};
  table.values["c"] = Observe({2.5F, 2.5F});
  std::vector<std::string> all = {"fine", "inf", "never", "c", "not in the table"};
  for (const char* name : {"z1", "z2", "z3", "z4", "z5"}) {
    table.values[name] = Observe({0, -0.0F});
    all.emplace_back(name);
  }
  EXPECT_THAT(Diagnose(table, all),
              ElementsAre("\"inf\" holds 2 infinities, the first in s4.npy and cannot be quantized",
                          "1 value has no elements in any sample: \"never\"",
                          "5 values are 0 in every sample: \"z1\", \"z2\", \"z3\" and 2 more",
                          "1 value is one and the same number in every sample: \"c\""));
  EXPECT_THAT(Diagnose(table, {"fine"}), IsEmpty());
}

TEST(DiagnoseTest, OneNumberSeenOnceIsNothingOdd) {
  CalibrationTable table;
  table.values["scalar"] = Observe({2.5F});
  EXPECT_THAT(Diagnose(table, {"scalar"}), IsEmpty());
}

}  // namespace
}  // namespace qconvert
