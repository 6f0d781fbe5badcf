// The Vitis language on a CPU: which method, statistic, symmetry and scale go together in each
// tensor type, what is said where they do not, and what extensions allow.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/read_config.h"
#include "support/vitis_text.h"

namespace qconvert {
namespace {

using testing::Contains;
using testing::IsEmpty;

constexpr const char* kExtensions = "extensions: true\n";

// Settings of one tensor type, on top of maxmin, half_even, float scales and statistic max.
struct Refused {
  const char* type;
  const char* parameters;
  const char* key;  // the one that is refused
  const char* expected;
};

std::string TextOf(const std::string& type, const std::string& parameters, bool extends) {
  return Cpu((extends ? kExtensions : "") + ("tensor_quantize_config: {" + type + ": {") +
             parameters + "}}\n");
}

std::string MessageOf(const Refused& row, int line) {
  const std::string lead = fmt::format("tensor_quantize_config: {{{}: {{", row.type);
  const std::string key = fmt::format("{}: ", row.key);
  const std::string parameters = row.parameters;
  const size_t before = (", " + parameters).find(", " + key);
  const std::string value = parameters.substr(before + key.size());
  return fmt::format("c.yaml:{}:{}: {}: {} is {}, {} if datatype is int", line,
                     lead.size() + before + key.size() + 1, row.type, row.key,
                     value.substr(0, value.find(',')), row.expected);
}

// Refused with and without extensions.
const std::vector<Refused>& RefusedRows() {
  static const std::vector<Refused> rows = {
      {"input", "scale_type: poweroftwo, calib_statistic_method: modal, method: percentile",
       "method", "expected diffs or maxmin with poweroftwo scales"},
      {"input", "scale_type: poweroftwo, calib_statistic_method: modal, method: entropy", "method",
       "expected diffs or maxmin with poweroftwo scales"},
      {"input", "scale_type: poweroftwo, calib_statistic_method: modal, method: mse", "method",
       "expected diffs or maxmin with poweroftwo scales"},
      {"input", "scale_type: poweroftwo, calib_statistic_method: modal, method: auto", "method",
       "expected diffs or maxmin with poweroftwo scales"},
      {"input",
       "scale_type: poweroftwo, calib_statistic_method: modal, method: moving_average_abs_max",
       "method", "expected diffs or maxmin with poweroftwo scales"},
      {"input", "scale_type: poweroftwo, calib_statistic_method: modal, method: range_abs_max",
       "method", "expected diffs or maxmin with poweroftwo scales"},
      {"input",
       "scale_type: poweroftwo, calib_statistic_method: modal, method: diffs, symmetry: false",
       "symmetry", "expected true with poweroftwo scales"},
      {"input",
       "scale_type: poweroftwo, calib_statistic_method: modal, method: diffs, signed: false",
       "signed", "expected true with poweroftwo scales"},
      {"weights", "scale_type: poweroftwo, method: percentile", "method",
       "expected diffs or maxmin with poweroftwo scales"},
      {"weights", "scale_type: poweroftwo, method: entropy", "method",
       "expected diffs or maxmin with poweroftwo scales"},
      {"weights", "scale_type: poweroftwo, method: mse", "method",
       "expected diffs or maxmin with poweroftwo scales"},
      {"weights", "scale_type: poweroftwo, method: auto", "method",
       "expected diffs or maxmin with poweroftwo scales"},
      {"weights", "scale_type: poweroftwo, method: moving_average_abs_max", "method",
       "expected diffs or maxmin with poweroftwo scales"},
      {"weights", "scale_type: poweroftwo, method: range_abs_max", "method",
       "expected diffs or maxmin with poweroftwo scales"},
      {"weights", "scale_type: poweroftwo, method: diffs, symmetry: false", "symmetry",
       "expected true with poweroftwo scales"},
      {"weights", "scale_type: poweroftwo, method: diffs, signed: false", "signed",
       "expected true with poweroftwo scales"},
      {"bias", "scale_type: poweroftwo, method: percentile", "method",
       "expected diffs or maxmin with poweroftwo scales"},
      {"bias", "scale_type: poweroftwo, method: entropy", "method",
       "expected diffs or maxmin with poweroftwo scales"},
      {"bias", "scale_type: poweroftwo, method: mse", "method",
       "expected diffs or maxmin with poweroftwo scales"},
      {"bias", "scale_type: poweroftwo, method: auto", "method",
       "expected diffs or maxmin with poweroftwo scales"},
      {"bias", "scale_type: poweroftwo, method: moving_average_abs_max", "method",
       "expected diffs or maxmin with poweroftwo scales"},
      {"bias", "scale_type: poweroftwo, method: range_abs_max", "method",
       "expected diffs or maxmin with poweroftwo scales"},
      {"bias", "scale_type: poweroftwo, method: diffs, symmetry: false", "symmetry",
       "expected true with poweroftwo scales"},
      {"bias", "scale_type: poweroftwo, method: diffs, signed: false", "signed",
       "expected true with poweroftwo scales"},
      {"activation", "scale_type: poweroftwo, calib_statistic_method: modal, method: percentile",
       "method", "expected diffs or maxmin with poweroftwo scales"},
      {"activation", "scale_type: poweroftwo, calib_statistic_method: modal, method: entropy",
       "method", "expected diffs or maxmin with poweroftwo scales"},
      {"activation", "scale_type: poweroftwo, calib_statistic_method: modal, method: mse", "method",
       "expected diffs or maxmin with poweroftwo scales"},
      {"activation", "scale_type: poweroftwo, calib_statistic_method: modal, method: auto",
       "method", "expected diffs or maxmin with poweroftwo scales"},
      {"activation",
       "scale_type: poweroftwo, calib_statistic_method: modal, method: moving_average_abs_max",
       "method", "expected diffs or maxmin with poweroftwo scales"},
      {"activation", "scale_type: poweroftwo, calib_statistic_method: modal, method: range_abs_max",
       "method", "expected diffs or maxmin with poweroftwo scales"},
      {"activation",
       "scale_type: poweroftwo, calib_statistic_method: modal, method: diffs, symmetry: false",
       "symmetry", "expected true with poweroftwo scales"},
      {"activation",
       "scale_type: poweroftwo, calib_statistic_method: modal, method: diffs, signed: false",
       "signed", "expected true with poweroftwo scales"},
      {"input", "scale_type: poweroftwo, method: diffs, calib_statistic_method: max",
       "calib_statistic_method", "expected modal with poweroftwo scales"},
      {"input", "scale_type: poweroftwo, method: diffs, calib_statistic_method: mean",
       "calib_statistic_method", "expected modal with poweroftwo scales"},
      {"input", "scale_type: poweroftwo, method: diffs, calib_statistic_method: median",
       "calib_statistic_method", "expected modal with poweroftwo scales"},
      {"input", "calib_statistic_method: modal", "calib_statistic_method",
       "expected max, mean, median or all with float scales"},
      {"input", "method: auto, calib_statistic_method: mean", "calib_statistic_method",
       "method auto expects all"},
      {"activation", "scale_type: poweroftwo, method: diffs, calib_statistic_method: max",
       "calib_statistic_method", "expected modal with poweroftwo scales"},
      {"activation", "scale_type: poweroftwo, method: diffs, calib_statistic_method: mean",
       "calib_statistic_method", "expected modal with poweroftwo scales"},
      {"activation", "scale_type: poweroftwo, method: diffs, calib_statistic_method: median",
       "calib_statistic_method", "expected modal with poweroftwo scales"},
      {"activation", "calib_statistic_method: modal", "calib_statistic_method",
       "expected max, mean, median or all with float scales"},
      {"activation", "method: auto, calib_statistic_method: mean", "calib_statistic_method",
       "method auto expects all"},
      {"input", "per_channel: true", "per_channel", "only weights can be per channel"},
      {"bias", "per_channel: true", "per_channel", "only weights can be per channel"},
      {"activation", "per_channel: true", "per_channel", "only weights can be per channel"},
      {"weights", "per_channel: true, scale_type: poweroftwo, method: mse", "method",
       "expected diffs or maxmin with poweroftwo scales"},
  };
  return rows;
}

// What the vendor's tool refuses and works here.
const std::vector<Refused>& ExtensionRows() {
  static const std::vector<Refused> rows = {
      {"input", "method: percentile, symmetry: false", "symmetry",
       "method percentile expects true"},
      {"input", "method: entropy, symmetry: false", "symmetry", "method entropy expects true"},
      {"input", "method: mse, symmetry: false", "symmetry", "method mse expects true"},
      {"input", "method: diffs", "method",
       "expected maxmin, percentile, mse or entropy with float scales"},
      {"weights", "method: percentile, symmetry: false", "symmetry",
       "method percentile expects true"},
      {"weights", "method: entropy, symmetry: false", "symmetry", "method entropy expects true"},
      {"weights", "method: mse, symmetry: false", "symmetry", "method mse expects true"},
      {"weights", "method: diffs", "method",
       "expected maxmin, percentile, mse or entropy with float scales"},
      {"bias", "method: percentile, symmetry: false", "symmetry", "method percentile expects true"},
      {"bias", "method: entropy, symmetry: false", "symmetry", "method entropy expects true"},
      {"bias", "method: mse, symmetry: false", "symmetry", "method mse expects true"},
      {"bias", "method: diffs", "method",
       "expected maxmin, percentile, mse or entropy with float scales"},
      {"activation", "method: percentile, symmetry: false", "symmetry",
       "method percentile expects true"},
      {"activation", "method: entropy, symmetry: false", "symmetry", "method entropy expects true"},
      {"activation", "method: mse, symmetry: false", "symmetry", "method mse expects true"},
      {"activation", "method: diffs", "method",
       "expected maxmin, percentile, mse or entropy with float scales"},
      {"input", "scale_type: poweroftwo, method: diffs, calib_statistic_method: all",
       "calib_statistic_method", "expected modal with poweroftwo scales"},
      {"activation", "scale_type: poweroftwo, method: diffs, calib_statistic_method: all",
       "calib_statistic_method", "expected modal with poweroftwo scales"},
      {"weights", "per_channel: true, method: percentile", "method",
       "expected maxmin per channel with float scales"},
      {"weights", "per_channel: true, method: entropy", "method",
       "expected maxmin per channel with float scales"},
      {"weights", "per_channel: true, method: mse", "method",
       "expected maxmin per channel with float scales"},
      {"weights", "per_channel: true, method: diffs", "method",
       "expected maxmin per channel with float scales"},
  };
  return rows;
}

TEST(VitisGridRowsTest, WhatDoesNotGoTogetherIsNamedAtItsValue) {
  for (const Refused& row : RefusedRows()) {
    for (const bool extends : {false, true}) {
      EXPECT_THAT(ProblemsOf(TextOf(row.type, row.parameters, extends)),
                  Contains(MessageOf(row, extends ? 6 : 5)))
          << row.parameters;
    }
  }
}

TEST(VitisGridRowsTest, ExtensionsAllowWhatTheVendorsToolRefuses) {
  for (const Refused& row : ExtensionRows()) {
    EXPECT_THAT(ProblemsOf(TextOf(row.type, row.parameters, false)),
                testing::ElementsAre(MessageOf(row, 5) + "; extensions: true allows it"))
        << row.parameters;
    EXPECT_THAT(ProblemsOf(TextOf(row.type, row.parameters, true)), IsEmpty()) << row.parameters;
  }
}

TEST(VitisGridRowsTest, WhatGoesTogetherIsTaken) {
  const std::vector<std::pair<const char*, const char*>> rows = {
      {"input", "scale_type: poweroftwo, calib_statistic_method: modal, method: diffs"},
      {"input", "scale_type: poweroftwo, calib_statistic_method: modal, method: maxmin"},
      {"input", "method: maxmin"},
      {"input", "method: percentile"},
      {"input", "method: entropy"},
      {"input", "method: mse"},
      {"input", "method: maxmin, symmetry: false"},
      {"weights", "scale_type: poweroftwo, method: diffs"},
      {"weights", "scale_type: poweroftwo, method: maxmin"},
      {"weights", "method: maxmin"},
      {"weights", "method: percentile"},
      {"weights", "method: entropy"},
      {"weights", "method: mse"},
      {"weights", "method: maxmin, symmetry: false"},
      {"bias", "scale_type: poweroftwo, method: diffs"},
      {"bias", "scale_type: poweroftwo, method: maxmin"},
      {"bias", "method: maxmin"},
      {"bias", "method: percentile"},
      {"bias", "method: entropy"},
      {"bias", "method: mse"},
      {"bias", "method: maxmin, symmetry: false"},
      {"activation", "scale_type: poweroftwo, calib_statistic_method: modal, method: diffs"},
      {"activation", "scale_type: poweroftwo, calib_statistic_method: modal, method: maxmin"},
      {"activation", "method: maxmin"},
      {"activation", "method: percentile"},
      {"activation", "method: entropy"},
      {"activation", "method: mse"},
      {"activation", "method: maxmin, symmetry: false"},
      {"input", "calib_statistic_method: max"},
      {"input", "calib_statistic_method: mean"},
      {"input", "calib_statistic_method: median"},
      {"input", "calib_statistic_method: all"},
      {"input", "method: auto, calib_statistic_method: all"},
      {"activation", "calib_statistic_method: max"},
      {"activation", "calib_statistic_method: mean"},
      {"activation", "calib_statistic_method: median"},
      {"activation", "calib_statistic_method: all"},
      {"activation", "method: auto, calib_statistic_method: all"},
      {"weights", "per_channel: true, method: maxmin"},
      {"weights", "per_channel: true, method: auto"},
      {"weights", "per_channel: true, method: moving_average_abs_max"},
      {"weights", "per_channel: true, method: range_abs_max"},
      {"weights", "per_channel: true, scale_type: poweroftwo, method: diffs"},
      {"weights", "per_channel: true, scale_type: poweroftwo, method: maxmin"},
      {"weights", "per_channel: true, symmetry: false"},
  };
  for (const auto& [type, parameters] : rows) {
    for (const bool extends : {false, true})
      EXPECT_THAT(ProblemsOf(TextOf(type, parameters, extends)), IsEmpty())
          << type << " " << parameters;
  }
}

// A floating-point type has no grid: nothing of it is refused.
TEST(VitisGridRowsTest, FloatsHaveNoLimits) {
  for (const std::vector<Refused>* rows : {&RefusedRows(), &ExtensionRows()}) {
    for (const Refused& row : *rows) {
      const std::string parameters = std::string("datatype: float32, ") + row.parameters;
      EXPECT_THAT(ProblemsOf(TextOf(row.type, parameters, false)), IsEmpty()) << parameters;
    }
  }
}

template <typename E>
using WordRows = std::vector<std::pair<const char*, E>>;

// Words of a parameter and what they come to, in whichever tensor type takes them.
template <typename E>
void ExpectWords(const char* key, E TensorSettings::*field, const WordRows<E>& rows,
                 const std::string& more) {
  for (const auto& [word, value] : rows) {
    const LoadedConfig loaded =
        LoadText(TextOf("activation", fmt::format("{}{}: {}", more, key, word), true));
    EXPECT_EQ(loaded.config.tensors.activation.*field, value) << word;
    EXPECT_EQ(loaded.config.tensors.weights, LoadText(Cpu("")).config.tensors.weights) << word;
  }
}

TEST(VitisGridRowsTest, EveryWordIsItsEnumerator) {
  using M = CalibrationMethod;
  ExpectWords("method", &TensorSettings::method,
              WordRows<M>{{"maxmin", M::kMaxMin},
                          {"percentile", M::kPercentile},
                          {"entropy", M::kEntropy},
                          {"mse", M::kMse},
                          {"diffs", M::kDiffs},
                          {"moving_average_abs_max", M::kMovingAverageAbsMax},
                          {"range_abs_max", M::kRangeAbsMax},
                          {"auto", M::kAuto}},
              "calib_statistic_method: all, ");
  using R = RoundMode;
  ExpectWords("round_mode", &TensorSettings::round_mode,
              WordRows<R>{{"half_even", R::kHalfEven},
                          {"half_up", R::kHalfUp},
                          {"half_down", R::kHalfDown},
                          {"std_round", R::kStdRound}},
              "");
  using B = BatchStatistic;
  ExpectWords(
      "calib_statistic_method", &TensorSettings::statistic,
      WordRows<B>{{"all", B::kAll}, {"max", B::kMax}, {"mean", B::kMean}, {"median", B::kMedian}},
      "");
  ExpectWords("calib_statistic_method", &TensorSettings::statistic,
              WordRows<B>{{"modal", B::kModal}}, "scale_type: poweroftwo, ");
  using D = Datatype;
  ExpectWords("datatype", &TensorSettings::datatype,
              WordRows<D>{{"int", D::kInt}, {"float32", D::kFloat32}}, "");
}

TEST(VitisGridRowsTest, NumbersAreTakenToTheirEnds) {
  const auto activation = [](const std::string& parameters) {
    return LoadText(TextOf("activation", parameters, true)).config.tensors.activation;
  };
  for (const int bits : {2, 3, 4, 7, 8, 9, 15, 16})
    EXPECT_EQ(activation(fmt::format("bit_width: {}", bits)).bit_width, bits);
  for (const double percentage : {0.001, 50.0, 99.9, 100.0}) {
    EXPECT_EQ(activation(fmt::format("method: percentile, percentage: {}", percentage)).percentage,
              percentage);
  }
  for (const double rate : {0.001, 0.5, 1.0}) {
    EXPECT_EQ(activation(fmt::format("method: moving_average_abs_max, moving_rate: {}, "
                                     "calib_statistic_method: all",
                                     rate))
                  .moving_rate,
              rate);
  }
  for (const int window : {1, 500, 1000000000}) {
    EXPECT_EQ(activation(fmt::format("method: range_abs_max, window_size: {}, "
                                     "calib_statistic_method: all",
                                     window))
                  .window_size,
              window);
  }
}

}  // namespace
}  // namespace qconvert
