#include "target_limits.h"

#include <algorithm>
#include <initializer_list>

#include "qconvert/base/check.h"

namespace qconvert {
namespace {

using S = const TensorSettings&;
using M = CalibrationMethod;
using B = BatchStatistic;

constexpr unsigned kAll = kInput | kWeights | kBias | kActivation;
constexpr unsigned kValues = kInput | kActivation;
constexpr unsigned kFloatScale = kFloatTensor | kFloatChannel;
constexpr unsigned kPof2Scale = kPof2Tensor | kPof2Channel;
constexpr unsigned kPerChannel = kFloatChannel | kPof2Channel;
constexpr unsigned kAnyGrid = kFloatScale | kPof2Scale;

template <typename E>
constexpr bool In(E value, std::initializer_list<E> list) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// Without symmetry `signed` says nothing: that is told instead.
bool IsSignedOrHasNoSign(S settings) { return !settings.symmetry || settings.is_signed; }

// CPU and GPU. Source: vai_q_pytorch, doc/Quant_Config.md and the behaviour of its parser. Methods
// that the vendor's tool does not know at all are no matter of its limits.
constexpr TargetLimit kVitisLimits[] = {
    {kInput | kBias | kActivation, kPerChannel, "per_channel", [](S) { return false; },
     "only weights can be per channel"},
    {kAll, kPof2Scale, "method",
     [](S s) {
       return In(s.method, {M::kDiffs, M::kMaxMin});
     },
     "expected diffs or maxmin with poweroftwo scales"},
    {kAll, kPof2Scale, "symmetry", [](S s) { return s.symmetry; },
     "expected true with poweroftwo scales"},
    {kAll, kPof2Scale, "signed", [](S s) { return s.is_signed; },
     "expected true with poweroftwo scales"},
    {kValues, kPof2Tensor, "calib_statistic_method",
     [](S s) {
       return In(s.statistic, {B::kModal, B::kAll});
     },
     "expected modal with poweroftwo scales"},
    // A row of its own: of what is not modal `all` alone works here.
    {kValues, kPof2Tensor, "calib_statistic_method", [](S s) { return s.statistic != B::kAll; },
     "expected modal with poweroftwo scales", true},
    {kAll, kFloatChannel, "method",
     [](S s) {
       return In(s.method, {M::kMaxMin, M::kAuto, M::kMovingAverageAbsMax, M::kRangeAbsMax});
     },
     "expected maxmin per channel with float scales", true},
    {kValues, kFloatTensor, "calib_statistic_method",
     [](S s) { return s.method != M::kAuto || s.statistic == B::kAll; }, "method auto expects all"},
    {kAll, kFloatTensor, "method", [](S s) { return s.method != M::kDiffs; },
     "expected maxmin, percentile, mse or entropy with float scales", true},
    {kValues, kFloatTensor, "calib_statistic_method", [](S s) { return s.statistic != B::kModal; },
     "expected max, mean, median or all with float scales"},
    {kAll, kFloatTensor, "symmetry", [](S s) { return s.method != M::kPercentile || s.symmetry; },
     "method percentile expects true", true},
    {kAll, kFloatTensor, "symmetry", [](S s) { return s.method != M::kEntropy || s.symmetry; },
     "method entropy expects true", true},
    {kAll, kFloatTensor, "symmetry", [](S s) { return s.method != M::kMse || s.symmetry; },
     "method mse expects true", true},
};

constexpr TargetLimit kDpuLimits[] = {
    {kAll, kAnyGrid, "symmetry", [](S s) { return s.symmetry; }, "target DPU expects true"},
    {kAll, kAnyGrid, "method",
     [](S s) {
       return In(s.method, {M::kDiffs, M::kMaxMin});
     },
     "target DPU expects diffs or maxmin"},
    {kAll, kPerChannel, "per_channel", [](S) { return false; }, "target DPU expects false"},
    {kAll, kFloatScale, "scale_type", [](S) { return false; }, "target DPU expects poweroftwo"},
    {kAll, kAnyGrid, "narrow_range", [](S s) { return !s.narrow_range; },
     "target DPU expects false"},
    {kValues, kAnyGrid, "calib_statistic_method",
     [](S s) {
       return In(s.statistic, {B::kModal, B::kAll});
     },
     "target DPU expects modal"},
    {kValues, kAnyGrid, "calib_statistic_method", [](S s) { return s.statistic != B::kAll; },
     "target DPU expects modal", true},
    {kActivation, kAnyGrid, "round_mode", [](S s) { return s.round_mode == RoundMode::kHalfUp; },
     "target DPU expects half_up"},
    {kInput | kWeights | kBias, kAnyGrid, "round_mode",
     [](S s) { return s.round_mode == RoundMode::kStdRound; }, "target DPU expects std_round"},
};

constexpr TargetLimit kBpuLimits[] = {
    {kWeights, kAnyGrid, "symmetry", [](S s) { return s.symmetry; }, "target BPU expects true"},
    {kAll, kPof2Scale, "scale_type", [](S) { return false; }, "target BPU expects float"},
    {kAll, kAnyGrid, "round_mode", [](S s) { return s.round_mode == RoundMode::kHalfEven; },
     "target BPU expects half_even"},
    {kBias, kPerChannel, "per_channel", [](S) { return false; }, "target BPU expects false"},
};

// What no ONNX type or operator holds, whatever the target and the language.
constexpr TargetLimit kFormats[] = {
    {kInput | kWeights | kActivation, kAnyGrid, "bit_width",
     [](S s) { return s.bit_width >= 2 && s.bit_width <= 16; },
     "expected 2 to 16: Q and DQ have no other integers"},
    {kBias, kAnyGrid, "bit_width", [](S s) { return s.bit_width >= 2; },
     "expected 2 to 32: one bit has no positive code"},
    {kBias, kPof2Scale, "method",
     [](S s) {
       return In(s.method, {M::kMaxMin, M::kDiffs});
     },
     "expected diffs or maxmin with poweroftwo scales"},
    {kWeights, kAnyGrid, "block_size", [](S s) { return s.block_size == 0 || s.block_size >= 16; },
     "expected 0 or at least 16: the engine has no smaller blocks"},
    {kWeights, kAnyGrid, "block_size", [](S s) { return (s.block_size & (s.block_size - 1)) == 0; },
     "expected a power of two"},
    {kWeights, kAnyGrid, "symmetry", [](S s) { return s.block_size == 0 || s.symmetry; },
     "expected true with block_size: blocks have zero point 0"},
    {kWeights, kPof2Scale, "block_size", [](S s) { return s.block_size == 0; },
     "expected 0 with poweroftwo scales"},
    {kBias, kPof2Scale, "symmetry", [](S s) { return s.symmetry; },
     "expected true with poweroftwo scales"},
    {kInput | kBias | kActivation, kPerChannel, "per_channel", [](S) { return false; },
     "expected false: only weights have channels"},
};

// TensorRT: int8 with zero point 0 (its developer guide, "Explicit Quantization").
constexpr TargetLimit kGpuKernels[] = {
    {kInput | kWeights | kActivation, kAnyGrid, "symmetry", [](S s) { return s.symmetry; },
     "target GPU expects true: zero points are 0"},
    {kInput | kWeights | kActivation, kAnyGrid, "signed", IsSignedOrHasNoSign,
     "target GPU expects true"},
    {kInput | kWeights | kActivation, kAnyGrid, "bit_width", [](S s) { return s.bit_width <= 8; },
     "target GPU expects at most 8"},
};

// What HTP's operators take (QNN's operator definitions, onnxruntime-qnn).
constexpr TargetLimit kQnnKernels[] = {
    {kInput | kActivation, kAnyGrid, "symmetry", [](S s) { return !s.symmetry; },
     "target QNN expects false: its values are unsigned"},
    {kWeights, kAnyGrid, "symmetry", [](S s) { return s.symmetry; }, "target QNN expects true"},
    {kWeights, kAnyGrid, "signed", IsSignedOrHasNoSign, "target QNN expects true"},
    {kWeights, kAnyGrid, "block_size", [](S s) { return s.block_size == 0; },
     "target QNN expects 0: it takes no plain blocks"},
    {kBias, kAnyGrid, "bit_width", [](S s) { return s.bit_width == 32; }, "target QNN expects 32"},
};

// What vendors' tools other than Vitis AI may ask of a DPU.
constexpr TargetLimit kDpuKernels[] = {
    {kAll, kAnyGrid, "symmetry", [](S s) { return s.symmetry; }, "target DPU expects true"},
    {kAll, kAnyGrid, "signed", IsSignedOrHasNoSign, "target DPU expects true"},
    {kAll, kPerChannel, "per_channel", [](S) { return false; }, "target DPU expects false"},
    {kAll, kFloatScale, "scale_type", [](S) { return false; }, "target DPU expects poweroftwo"},
};

constexpr TargetLimits kTargets[] = {
    {TargetDevice::kCpu, kVitisLimits, {}, kFormats},
    {TargetDevice::kGpu, kVitisLimits, kGpuKernels, kFormats},
    {TargetDevice::kDpu, kDpuLimits, kDpuKernels, kFormats},
    {TargetDevice::kBpu, kBpuLimits, {}, kFormats},
    // No tool of a vendor reads these settings: only what operators take counts.
    {TargetDevice::kQnn, {}, kQnnKernels, kFormats},
};

unsigned SetOf(TensorType type) {
  switch (type) {
    case TensorType::kInput:
      return kInput;
    case TensorType::kWeights:
      return kWeights;
    case TensorType::kBias:
      return kBias;
    case TensorType::kActivation:
      return kActivation;
  }
  QCONVERT_CHECK(false);
}

unsigned GridOf(S settings) {
  if (settings.scale_type == ScaleType::kPowerOfTwo)
    return settings.per_channel ? kPof2Channel : kPof2Tensor;
  return settings.per_channel ? kFloatChannel : kFloatTensor;
}

}  // namespace

bool TargetLimit::IsBroken(TensorType type, const TensorSettings& settings) const {
  return (types & SetOf(type)) != 0 && (grids & GridOf(settings)) != 0 && !holds(settings);
}

const TargetLimits& LimitsOf(TargetDevice device) {
  for (const TargetLimits& one : kTargets) {
    if (one.device == device) return one;
  }
  QCONVERT_CHECK(false);
}

}  // namespace qconvert
