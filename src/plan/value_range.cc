#include "qconvert/plan/value_range.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "qconvert/base/check.h"
#include "qconvert/base/error.h"
#include "qconvert/calibration/batch_range.h"
#include "qconvert/calibration/entropy_range.h"
#include "qconvert/calibration/range_error.h"
#include "qconvert/calibration/vitis_range.h"
#include "qconvert/numbers/power_of_two.h"
#include "qconvert/numbers/quant_params.h"

namespace qconvert {
namespace {

using M = CalibrationMethod;

RangeGrid RangeGridOf(const TensorSettings& settings) {
  const CodeRange codes = CodeRangeOf(settings);
  // A symmetric range [-t, t] has qmax steps on each side.
  const int64_t steps = settings.symmetry ? 2 * codes.max : codes.max - codes.min;
  return {static_cast<int>(steps), settings.symmetry};
}

// How the ranges of batches become one; nothing where one statistic over all samples says the same.
std::optional<BatchRule> FindBatchRule(const TensorSettings& settings) {
  if (settings.method == M::kMovingAverageAbsMax) return BatchRule::kMovingAverage;
  if (settings.method == M::kRangeAbsMax) return BatchRule::kLargestOfLast;
  switch (settings.statistic) {
    case BatchStatistic::kAll:
      return std::nullopt;
    case BatchStatistic::kMax:
      // The widest bounds of batches are those of all samples.
      if (settings.method == M::kMaxMin) return std::nullopt;
      return BatchRule::kMax;
    case BatchStatistic::kMean:
      return BatchRule::kMean;
    case BatchStatistic::kMedian:
      return BatchRule::kMedian;
    case BatchStatistic::kModal:
      return BatchRule::kModal;
  }
  QCONVERT_CHECK(false);
}

Range PowerOfTwoRange(int position, const TensorSettings& settings) {
  // The scale of [-t, t] is t / qmax, this power of two exactly.
  const auto qmax = static_cast<double>(CodeRangeOf(settings).max);
  const auto t = static_cast<float>(std::ldexp(qmax, -position));
  return {-t, t};
}

Range FloatScaleRange(const TensorStatistics& statistics, const TensorSettings& settings) {
  switch (settings.method) {
    case M::kMaxMin:
    case M::kMovingAverageAbsMax:  // of one batch
    case M::kRangeAbsMax:
      return MaxMinRange(statistics);
    case M::kPercentile:
      return settings.symmetry ? SymmetricPercentileRange(statistics, settings.percentage)
                               : PercentileRange(statistics, settings.percentage);
    case M::kEntropy:
      return EntropyRange(statistics, RangeGridOf(settings));
    case M::kMse:
    case M::kDiffs:  // least squared difference, here of any scale
      return MseRange(statistics, RangeGridOf(settings));
    case M::kAuto:
      return AutoRange(statistics, RangeGridOf(settings));
  }
  QCONVERT_CHECK(false);
}

// The vendor's own search where `compat: vitis` asks for it; nothing where its formula is ours.
std::optional<VitisSearch> FindVitisSearch(const TensorSettings& settings) {
  if (settings.compat != Compat::kVitis || settings.scale_type == ScaleType::kPowerOfTwo)
    return std::nullopt;
  const CodeRange codes = CodeRangeOf(settings);
  VitisSearch search{.percentage = settings.percentage,
                     .bits = settings.bit_width,
                     .qmin = codes.min,
                     .qmax = codes.max};
  switch (settings.method) {
    case M::kPercentile:
      search.method = VitisMethod::kPercentile;
      return search;
    case M::kMse:
      search.method = VitisMethod::kMse;
      return search;
    case M::kEntropy:
      search.method = VitisMethod::kEntropy;
      return search;
    default:
      return std::nullopt;
  }
}

std::unique_ptr<SecondLook> MakeVitisLook(const TensorStatistics& batch,
                                          const TensorSettings& settings) {
  if (const auto search = FindVitisSearch(settings)) return VitisHistogramLook(batch, *search);
  const int first = MaxMinFixPosition(static_cast<double>(batch.min),
                                      static_cast<double>(batch.max), settings.bit_width);
  const int most = MostFixPosition(settings.bit_width);
  return FixPositionLook({.first = first,
                          .candidates = std::min(CandidatesOf(settings), most - first + 1),
                          .bits = settings.bit_width,
                          .qmax = static_cast<double>(CodeRangeOf(settings).max)});
}

// True when the vendor's number takes all values, not our histogram of them.
bool NeedsVitisLook(const TensorSettings& settings) {
  const bool diffs = settings.scale_type == ScaleType::kPowerOfTwo && CandidatesOf(settings) > 1;
  return settings.compat == Compat::kVitis && (diffs || FindVitisSearch(settings).has_value());
}

// Whether the ranges of batches matter: by calib_statistic_method, or a method that goes by the
// order of samples.
bool GoesByBatches(const TensorSettings& settings) { return FindBatchRule(settings).has_value(); }

// Whether another order of the same samples may give another range.
bool GoesByOrder(const TensorSettings& settings) {
  return settings.method == M::kMovingAverageAbsMax || settings.method == M::kRangeAbsMax;
}

BatchQuestion MakeBatchQuestion(const TensorSettings& settings) {
  BatchQuestion question;
  question.key = BatchKey(settings);
  question.range = [settings](const TensorStatistics& batch) { return RangeOf(batch, settings); };
  if (NeedsVitisLook(settings)) {
    question.second_look = [settings](const TensorStatistics& batch) {
      return MakeVitisLook(batch, settings);
    };
  }
  return question;
}

}  // namespace

NumericFormat FormatOf(const TensorSettings& settings) {
  const bool is_signed = settings.symmetry && settings.is_signed;
  NumericFormat format =
      IntegerFormat(settings.bit_width, is_signed, settings.symmetry, settings.narrow_range);
  format.power_of_two = settings.scale_type == ScaleType::kPowerOfTwo;
  format.round = Rounder(settings.round_mode);
  return format;
}

NumericFormat ActivationFormat(const TensorSettings& settings, const Target& target) {
  const NumericFormat format = FormatOf(settings);
  return target.unsigned_activations && format.type == DataType::kInt8 ? Unsigned(format) : format;
}

const Target& TargetOf(TargetDevice device) {
  switch (device) {
    case TargetDevice::kCpu:
      return kCpuTarget;
    case TargetDevice::kGpu:
      return kGpuTarget;
    case TargetDevice::kDpu:
      return kDpuTarget;
    case TargetDevice::kBpu:
      return kBpuTarget;
    case TargetDevice::kQnn:
      return kQnnTarget;
  }
  QCONVERT_CHECK(false);
}

int CandidatesOf(const TensorSettings& settings) {
  return settings.method == M::kMaxMin ? 1 : kDiffsCandidates;
}

int FixPositionOf(const TensorStatistics& statistics, int bits, int candidates) {
  const int first = MaxMinFixPosition(static_cast<double>(statistics.min),
                                      static_cast<double>(statistics.max), bits);
  // Without a histogram there is nothing to weigh.
  if (candidates == 1 || statistics.histogram.counts().empty()) return first;
  const RangeErrorEstimator estimator(statistics);
  const int codes = 1 << bits;
  return LeastErrorPosition(first, bits, candidates, [&](double scale) {
    return estimator.Estimate(
        {static_cast<float>(-codes / 2 * scale), static_cast<float>((codes / 2 - 1) * scale)},
        {codes - 1, false});
  });
}

Range RangeOf(const TensorStatistics& statistics, const TensorSettings& settings) {
  if (settings.scale_type == ScaleType::kPowerOfTwo) {
    return PowerOfTwoRange(FixPositionOf(statistics, settings.bit_width, CandidatesOf(settings)),
                           settings);
  }
  Range range = FloatScaleRange(statistics, settings);
  // Codes that start at 0 have no use for a side that no value is on.
  if (settings.symmetry && !settings.is_signed)
    range.min = std::max(range.min, MaxMinRange(statistics).min);
  return range;
}

Range RangeOfValues(std::span<const float> values, const TensorSettings& settings) {
  TensorStatistics statistics;
  Histogram::BinScratch scratch;
  statistics.Observe(values, TensorStatistics::Detail::kHistogram, scratch);
  if (!NeedsVitisLook(settings)) return RangeOf(statistics, settings);
  const std::unique_ptr<SecondLook> look = MakeVitisLook(statistics, settings);
  look->Observe(values);
  return look->Decide();
}

std::string DescribeMethod(const TensorSettings& settings) {
  std::string out = MethodName(settings.method);
  if (settings.method == M::kPercentile) out += fmt::format(" {}", settings.percentage);
  if (settings.compat == Compat::kVitis) out += ", as Vitis AI";
  if (GoesByOrder(settings)) return out + ", goes by the order of samples";
  if (GoesByBatches(settings))
    out += fmt::format(", {} of batches", BatchStatisticName(settings.statistic));
  return out;
}

std::string BatchKey(const TensorSettings& settings) {
  std::string key = MethodName(settings.method);
  if (settings.method == M::kPercentile) key += fmt::format(" {}", settings.percentage);
  const CodeRange codes = CodeRangeOf(settings);
  // By codes and not by bits: what agrees in these has the same answers.
  key += fmt::format(", codes {} to {}", codes.min, codes.max);
  if (settings.symmetry) key += ", symmetric";
  if (settings.scale_type == ScaleType::kPowerOfTwo) key += ", powers of two";
  if (settings.compat == Compat::kVitis) key += ", as Vitis AI";
  return key;
}

std::vector<BatchQuestion> BatchQuestionsOf(const QuantConfig& config) {
  std::vector<BatchQuestion> out;
  std::set<std::string> keys;
  const auto ask = [&](const TensorSettings& settings) {
    if (!settings.is_int() || !GoesByBatches(settings)) return;
    if (keys.insert(BatchKey(settings)).second) out.push_back(MakeBatchQuestion(settings));
  };
  const auto ask_both = [&](const NodeSettings& tensors) {
    ask(tensors.activation);
    ask(tensors.input);
  };
  ask_both(config.tensors);
  for (const LayerSettings& layer : config.layers) ask_both(layer.tensors);
  for (const ValueSettings& value : config.values) ask(value.settings);
  return out;
}

Range DecideRange(const CalibrationTable& table, const std::string& value,
                  const TensorSettings& settings) {
  const TensorStatistics& statistics = table.values.at(value);
  const std::optional<BatchRule> rule = FindBatchRule(settings);
  if (!rule) return RangeOf(statistics, settings);
  const std::string key = BatchKey(settings);
  const auto batches = table.batches.find(value);
  if (batches == table.batches.end() || !batches->second.contains(key)) {
    throw Error(ExitCode::kData, "",
                fmt::format("the calibration table has no ranges of batches for \"{}\" by {}; "
                            "qconvert calibrate --config makes one that has",
                            value, key));
  }
  const std::vector<Range>& ranges = batches->second.at(key);
  if (settings.compat == Compat::kVitis && !settings.symmetry) {
    const CodeRange codes = CodeRangeOf(settings);
    return CombineScales(ranges, *rule, static_cast<double>(codes.max - codes.min));
  }
  const Range range = CombineBatches(
      ranges, *rule,
      {.rate = settings.moving_rate, .window = static_cast<size_t>(settings.window_size)});
  if (settings.symmetry) return range;
  // What goes by magnitudes reaches as far on a side where nothing was seen.
  const Range full = MaxMinRange(statistics);
  return {std::max(range.min, full.min), std::min(range.max, full.max)};
}

}  // namespace qconvert
