#include "qconvert/weights/quantize_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "fit_channel.h"
#include "qconvert/base/error.h"
#include "qconvert/base/parallel.h"
#include "qconvert/numbers/power_of_two.h"
#include "qconvert/numbers/quantize.h"
#include "qconvert/plan/value_range.h"
#include "visit_weights.h"

namespace qconvert {
namespace {

constexpr double kMaxBias = 1073741824.0;  // 2^30
constexpr int kExactBiasBits = 32;
constexpr size_t kWorthThreads = 1 << 16;  // weights
// Output channels that are gathered at once: of a matrix, whose rows have one weight of each, as
// many as share what the processor loads at once, and where there are many as share what it writes
// of their codes.
constexpr size_t kChannelsTogether = 16;
constexpr size_t kCodesTogether = 64;
constexpr double kSmallestChannel = 1.0 / 65536;  // of the largest channel's scale

// The weights under one scale, channel after channel in kernel order; channels of odd length end
// with a zero of no place, so that pairs stay inside a channel.
struct WeightGroup {
  std::vector<float> values;
  size_t count = 0;     // weights of a channel
  size_t padded = 0;    // the same with what stands behind them
  size_t channels = 1;  // that lie side by side in every batch

  size_t IndexOf(int64_t batch, size_t channel, int64_t k) const {
    return (static_cast<size_t>(batch) * channels + channel) * padded + static_cast<size_t>(k);
  }
};

// Channels [first, last): a group of them all, or one each.
std::vector<WeightGroup> GatherGroups(std::span<const float> values, const WeightOrder& order,
                                      int64_t first, int64_t last, bool per_channel) {
  const auto channels = static_cast<size_t>(last - first);
  WeightGroup empty;
  empty.count = static_cast<size_t>(order.count);
  empty.padded = empty.count + empty.count % 2;
  empty.channels = per_channel ? 1 : channels;
  empty.values.resize(static_cast<size_t>(order.batches) * empty.channels * empty.padded, 0.0F);
  std::vector<WeightGroup> groups(per_channel ? channels : 1, empty);
  VisitWeights(order, first, last, [&](int64_t b, int64_t k, size_t o, size_t place) {
    WeightGroup& group = groups[per_channel ? o : 0];
    group.values[group.IndexOf(b, per_channel ? 0 : o, k)] = values[place];
  });
  return groups;
}

double MaxMagnitude(std::span<const float> values) {
  double largest = 0;
  for (const float v : values) largest = std::max(largest, std::fabs(static_cast<double>(v)));
  return largest;
}

// Methods that try thresholds on the weights themselves.
bool FitsErrors(const TensorSettings& settings) {
  return (settings.method == CalibrationMethod::kMse ||
          settings.method == CalibrationMethod::kDiffs) &&
         settings.compat == Compat::kNone;
}

// The range that the settings' method gives the weights of one scale.
Range GroupRange(const WeightGroup& group, const TensorSettings& settings) {
  std::vector<float> values;  // without padding
  for (size_t first = 0; first < group.values.size(); first += group.padded) {
    const auto begin = group.values.begin() + static_cast<ptrdiff_t>(first);
    values.insert(values.end(), begin, begin + static_cast<ptrdiff_t>(group.count));
  }
  return RangeOfValues(values, settings);
}

// Methods that find a threshold beyond which weights are clipped, whatever error that makes.
bool SearchesThreshold(const TensorSettings& settings) {
  using M = CalibrationMethod;
  return settings.method == M::kPercentile || settings.method == M::kEntropy ||
         (settings.method == M::kMse && settings.compat == Compat::kVitis);
}

// Smallest scale that keeps the integer biases of channels [first, last) at most 2^30.
double BiasFloor(std::span<const float> bias, size_t first, size_t last, float input_scale) {
  if (bias.empty()) return 0;
  return MaxMagnitude(bias.subspan(first, last - first)) / (input_scale * kMaxBias);
}

// The power of two of least squared error, not below `least`. Where pairs are limited, one that is
// coarser by a step is tried as well.
FittedChannel FitPowerOfTwo(std::span<const float> values, const TensorSettings& settings,
                            const NumericFormat& format, double least, int32_t pair_limit) {
  const int position =
      FixPositionOf(values, settings.bit_width, CandidatesOf(settings), format.round);
  double scale = std::ldexp(1.0, -position);
  // Only powers of two are allowed: up to the next one, not to `least` itself.
  while (scale < least) scale *= 2;
  const auto round = [&](double at) {
    return RoundChannel(values, static_cast<float>(at), format, pair_limit);
  };
  FittedChannel best = round(scale);
  if (pair_limit == 0) return best;
  FittedChannel coarser = round(2 * scale);
  return coarser.error < best.error ? coarser : best;
}

// The codes of one group by the settings' method; its scale is not below `least`.
FittedChannel FitGroup(const WeightGroup& group, const TensorSettings& settings,
                       const NumericFormat& format, double least, int32_t pair_limit) {
  if (settings.scale_type == ScaleType::kPowerOfTwo)
    return FitPowerOfTwo(group.values, settings, format, least, pair_limit);
  if (SearchesThreshold(settings)) {
    const Range range = GroupRange(group, settings);
    const double low =
        std::max(std::max(-range.min, range.max) / static_cast<double>(format.qmax), least);
    // The scale of least error that suits pairs is looked for among what is left: of all weights
    // it would take back what the method clips.
    std::vector<float> clipped = group.values;
    for (float& value : clipped)
      value = static_cast<float>(std::clamp<double>(value, low * format.qmin, low * format.qmax));
    const float scale = FitChannel(clipped, static_cast<float>(low), format, pair_limit).scale;
    return RoundChannel(group.values, scale, format, pair_limit);
  }
  // Clipping tries scales down to a half of it, which may not come below `least` either.
  const double low = std::max(MaxMagnitude(group.values) / format.qmax, least);
  return FitChannel(group.values, static_cast<float>(low), format, pair_limit,
                    /*clip=*/FitsErrors(settings) && low / 2 >= least);
}

// Codes above a zero point. uint8 x uint8 kernels add in 32 bits: pairs have no limit.
FittedChannel RoundAsymmetric(std::span<const float> values, float scale, int32_t zero_point,
                              const NumericFormat& format) {
  FittedChannel out{scale, std::vector<int32_t>(values.size()), 0, zero_point};
  QuantizeRow(values, &scale, 0, zero_point, format, out.codes.data());
  return out;
}

// The scale is not below `least`: then the same zero point stands in a wider range.
FittedChannel FitAsymmetric(const WeightGroup& group, const TensorSettings& settings,
                            const NumericFormat& format, double least) {
  const Range range = GroupRange(group, settings);
  QuantParams params = ParamsFromRange(range, format);
  if (params.scales[0] < least) {
    const auto wider = static_cast<float>(least / params.scales[0]);
    params = ParamsFromRange({range.min * wider, range.max * wider}, format);
  }
  return RoundAsymmetric(group.values, params.scales[0], params.zero_points[0], format);
}

// Codes that start at 0 with a zero point of 0 hold no negative weight.
void CheckSigns(const Tensor& weight, const NumericFormat& format) {
  if (!format.symmetric || format.qmin < 0) return;
  const auto values = weight.values<float>();
  const auto least = std::min_element(values.begin(), values.end());
  if (least == values.end() || !(*least < 0)) return;
  throw Error(ExitCode::kNumeric, "",
              fmt::format("weight \"{}\" reaches {}, which symmetric unsigned settings cannot "
                          "represent",
                          weight.name, *least));
}

// How the weights of output channels [first, last), one group, become codes.
using FitFunction =
    std::function<FittedChannel(const WeightGroup& group, size_t first, size_t last)>;

// Writes the codes of groups where their weights are.
template <typename Code>
void ScatterCodes(const std::vector<WeightGroup>& groups, const std::vector<FittedChannel>& fitted,
                  const WeightOrder& order, int64_t first, int64_t last, std::string& bytes) {
  auto* codes = reinterpret_cast<Code*>(bytes.data());
  const bool per_channel = groups[0].channels == 1;
  VisitWeights(order, first, last, [&](int64_t b, int64_t k, size_t o, size_t place) {
    const size_t g = per_channel ? o : 0;
    const size_t index = groups[g].IndexOf(b, per_channel ? 0 : o, k);
    codes[place] = static_cast<Code>(fitted[g].codes[index]);
  });
}

// A scale and zero point per channel along `axis`, or one for all.
FittedWeights FitGroups(const Tensor& weight, const WeightOrder& order, int64_t axis,
                        const NumericFormat& format, int workers, const FitFunction& fit) {
  const auto values = weight.values<float>();
  const bool per_channel = axis >= 0;
  const auto channels = static_cast<size_t>(order.channels);
  const size_t groups = per_channel ? channels : 1;
  QuantParams params{format.type, axis, std::vector<float>(groups),
                     std::vector<int32_t>(groups, 0)};
  const size_t width = BitsOf(format.type) / 8;
  const auto bytes = std::make_shared<std::string>(values.size() * width, '\0');
  const bool is_signed = format.type == DataType::kInt8 || format.type == DataType::kInt16;
  const auto scatter = width == 1  ? is_signed ? ScatterCodes<int8_t> : ScatterCodes<uint8_t>
                        : is_signed ? ScatterCodes<int16_t>
                                   : ScatterCodes<uint16_t>;
  // Starting threads costs more than fitting that few.
  const bool is_small = values.size() < kWorthThreads;
  // As long as there is work for all threads.
  const bool are_many = channels >= 8 * kCodesTogether;
  const size_t together = !per_channel ? channels : are_many ? kCodesTogether : kChannelsTogether;
  const size_t parts = per_channel ? (channels + together - 1) / together : 1;
  ParallelFor(parts, is_small ? 1 : workers, [&](size_t part, size_t /*worker*/) {
    const size_t first = part * together;
    const size_t last = std::min(first + together, channels);
    const auto from = static_cast<int64_t>(first);
    const auto to = static_cast<int64_t>(last);
    const std::vector<WeightGroup> gathered = GatherGroups(values, order, from, to, per_channel);
    std::vector<FittedChannel> fitted;
    for (size_t g = 0; g < gathered.size(); ++g) {
      fitted.push_back(fit(gathered[g], first + g, per_channel ? first + g + 1 : last));
      params.scales[first + g] = fitted[g].scale;
      params.zero_points[first + g] = fitted[g].zero_point;
    }
    // Parts share no channel, and so no byte.
    scatter(gathered, fitted, order, from, to, *bytes);
  });
  FittedWeights out{{}, std::move(params), format};
  out.weight.type = format.type;
  out.weight.dims = weight.dims;
  out.weight.bytes = bytes;
  return out;
}

// What is not clipped of a bias with a float scale.
Range OwnRange(std::span<const float> bias, const TensorSettings& settings) {
  if (settings.method != CalibrationMethod::kMaxMin) return RangeOfValues(bias, settings);
  const auto [low, high] = std::minmax_element(bias.begin(), bias.end());
  return bias.empty() ? Range{} : Range{std::min(*low, 0.0F), std::max(*high, 0.0F)};
}

double OwnCode(float value, const BiasGrid& grid) {
  return std::clamp(grid.round(static_cast<double>(value) / grid.scale),
                    static_cast<double>(grid.qmin), static_cast<double>(grid.qmax));
}

}  // namespace

FittedWeights FitWeights(const Tensor& weight, const WeightOrder& order,
                         const TensorSettings& settings, const WeightOptions& options,
                         const LeastScale& least_scale) {
  const NumericFormat format = FormatOf(settings);
  const int64_t axis = settings.per_channel ? order.axis : -1;
  if (!format.symmetric) {
    const auto fit = [&](const WeightGroup& group, size_t first, size_t last) {
      return FitAsymmetric(group, settings, format, least_scale ? least_scale(first, last) : 0);
    };
    return FitGroups(weight, order, axis, format, options.workers, fit);
  }
  CheckSigns(weight, format);
  const double largest = MaxMagnitude(weight.values<float>());
  // Weights of zeros alone take any scale.
  const double floor = largest > 0 ? largest / format.qmax * kSmallestChannel : 1.0;
  const bool pairs = order.pairs_in_16_bits && format.type == DataType::kInt8;
  const int32_t pair_limit = pairs ? options.pair_limit : 0;
  const auto fit = [&](const WeightGroup& group, size_t first, size_t last) {
    // Below this a scale makes the bias overflow or belongs to a dead channel.
    const double least = std::max(floor, least_scale ? least_scale(first, last) : 0);
    return FitGroup(group, settings, format, least, pair_limit);
  };
  FittedWeights out = FitGroups(weight, order, axis, format, options.workers, fit);
  out.pair_limit = pair_limit;
  return out;
}

FittedWeights RoundWeights(const Tensor& weight, const WeightOrder& order, QuantParams params,
                           const NumericFormat& format, const WeightOptions& options) {
  const auto round = [&](const WeightGroup& group, size_t first, size_t /*last*/) {
    const size_t g = params.per_tensor() ? 0 : first;
    const int32_t zero_point = params.zero_points[g];
    return zero_point != 0
               ? RoundAsymmetric(group.values, params.scales[g], zero_point, format)
               : RoundChannel(group.values, params.scales[g], format, options.pair_limit);
  };
  FittedWeights out = FitGroups(weight, order, params.axis, format, options.workers, round);
  out.pair_limit = options.pair_limit;
  return out;
}

bool BiasFits(std::span<const float> bias, float input_scale, const std::vector<float>& scales) {
  for (size_t g = 0; g < scales.size(); ++g) {
    const bool per_channel = scales.size() > 1;
    const size_t first = per_channel ? g : 0;
    const size_t last = per_channel ? g + 1 : bias.size();
    if (scales[g] < BiasFloor(bias, first, last, input_scale)) return false;
  }
  return true;
}

QuantizedBias QuantizeBias(std::span<const float> bias, float input_scale,
                           const std::vector<float>& scales, Rounder round) {
  QuantizedBias out;
  for (const float scale : scales)
    // The product of two small scales may be subnormal, which an engine may take for zero.
    out.scales.push_back(std::max(input_scale * scale, std::numeric_limits<float>::min()));
  std::vector<int32_t> integers;
  for (size_t b = 0; b < bias.size(); ++b) {
    const double scale = out.scales[out.scales.size() > 1 ? b : 0];
    const double q = round(static_cast<double>(bias[b]) / scale);
    integers.push_back(static_cast<int32_t>(std::clamp(q, -kMaxBias, kMaxBias)));
  }
  out.codes =
      MakeTensor<int32_t>("", DataType::kInt32, {static_cast<int64_t>(bias.size())}, integers);
  return out;
}

QuantizedWeights QuantizeWeights(const Tensor& weight, const WeightOrder& order,
                                 std::span<const float> bias, float input_scale,
                                 const TensorSettings& settings, const WeightOptions& options) {
  const auto least = [&](size_t first, size_t last) {
    return BiasFloor(bias, first, last, input_scale);
  };
  QuantizedWeights out{FitWeights(weight, order, settings, options, least), {}};
  if (!bias.empty()) {
    out.bias =
        QuantizeBias(bias, input_scale, out.fitted.params.scales, Rounder(settings.round_mode));
  }
  return out;
}

// The grid of a bias by itself; its scale is never 0. A zero point only moves the codes: they are
// counted from it here.
//   symmetric    scale = max(|min|, |max|) / qmax
//   asymmetric   scale = (max - min) / (qmax - qmin),   zero point = round(-min / scale)
BiasGrid FindOwnGrid(const TensorSettings& settings, std::span<const float> bias,
                     std::optional<int> most_position) {
  const CodeRange codes = CodeRangeOf(settings);
  BiasGrid grid{0, codes.min, codes.max, Rounder(settings.round_mode)};
  if (settings.scale_type == ScaleType::kPowerOfTwo) {
    const int position =
        FixPositionOf(bias, settings.bit_width, CandidatesOf(settings), grid.round);
    grid.scale = std::ldexp(1.0, -std::min(position, most_position.value_or(position)));
    return grid;
  }
  const Range range = OwnRange(bias, settings);
  const double low = range.min;
  const double high = range.max;
  const double width = settings.symmetry
                           ? std::max(-low, high) / static_cast<double>(codes.max)
                           : (high - low) / static_cast<double>(codes.max - codes.min);
  grid.scale = std::max(width, static_cast<double>(std::numeric_limits<float>::min()));
  if (settings.symmetry) return grid;
  const auto zero_point = static_cast<int64_t>(std::nearbyint(-low / grid.scale));
  grid.qmin -= zero_point;
  grid.qmax -= zero_point;
  return grid;
}

QuantizedBias QuantizeOwnBias(std::span<const float> bias, const BiasGrid& grid) {
  std::vector<int32_t> codes;
  for (const float value : bias) codes.push_back(static_cast<int32_t>(OwnCode(value, grid)));
  const auto holds = [&](DataType type) {
    const NumericFormat format = FullFormat(type);
    return grid.qmin >= format.qmin && grid.qmax <= format.qmax;
  };
  // By the grid, not by the codes that occur: another bias of the same layer has the same type.
  const DataType type = holds(DataType::kInt8)    ? DataType::kInt8
                        : holds(DataType::kInt16) ? DataType::kInt16
                                                  : DataType::kInt32;
  QuantizedBias out{{}, {static_cast<float>(grid.scale)}};
  out.codes.type = type;
  out.codes.dims = {static_cast<int64_t>(codes.size())};
  out.codes.bytes = std::make_shared<const std::string>(PackCodes(codes, type));
  return out;
}

BiasGrid FindBiasGrid(const TensorSettings& settings, std::span<const float> bias) {
  const Rounder round(settings.round_mode);
  if (!settings.is_int() || settings.bit_width >= kExactBiasBits) return {.round = round};
  if (CodeRangeOf(settings).max == 0 || MaxMagnitude(bias) == 0) return {.round = round};
  return FindOwnGrid(settings, bias, {});
}

void RoundBias(const BiasGrid& grid, std::vector<float>& bias) {
  if (grid.scale == 0) return;
  for (float& value : bias) {
    value = static_cast<float>(OwnCode(value, grid) * grid.scale);
  }
}

}  // namespace qconvert
