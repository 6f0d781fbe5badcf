#include "observe_kernels.h"

#include <algorithm>
#include <cmath>
#include <cstring>

// Highway compiles this file once per instruction set: foreach_target.h includes it again.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "observe_kernels.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace qconvert {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

BlockRange RangeImpl(const float* HWY_RESTRICT values, size_t count) {
  const hn::ScalableTag<float> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const size_t lanes = hn::Lanes(d);
  const auto magnitude_mask = hn::Set(du, 0x7FFFFFFFU);
  // Two of each: a step need not wait for the result of the step before.
  auto min0 = hn::Set(d, values[0]);
  auto max0 = min0;
  auto min1 = min0;
  auto max1 = min0;
  auto bits =
      hn::Zero(du);  // largest magnitude as an integer: orders NaN and infinity above all numbers
  size_t i = 0;
  for (; i + 2 * lanes <= count; i += 2 * lanes) {
    const auto a = hn::LoadU(d, values + i);
    const auto b = hn::LoadU(d, values + i + lanes);
    min0 = hn::Min(min0, a);
    max0 = hn::Max(max0, a);
    min1 = hn::Min(min1, b);
    max1 = hn::Max(max1, b);
    bits = hn::Max(bits, hn::Max(hn::And(hn::BitCast(du, a), magnitude_mask),
                                 hn::And(hn::BitCast(du, b), magnitude_mask)));
  }
  BlockRange range;
  range.min = hn::GetLane(hn::MinOfLanes(d, hn::Min(min0, min1)));
  range.max = hn::GetLane(hn::MaxOfLanes(d, hn::Max(max0, max1)));
  // The bits of infinity; those of NaN are above.
  range.finite = hn::GetLane(hn::MaxOfLanes(du, bits)) < 0x7F800000U;
  for (; i < count; ++i) {
    if (!std::isfinite(values[i])) range.finite = false;
    range.min = std::min(range.min, values[i]);
    range.max = std::max(range.max, values[i]);
  }
  range.min += 0.0F;  // -0 becomes +0
  range.max += 0.0F;
  return range;
}

void BinImpl(const float* HWY_RESTRICT values, size_t count, float inverse_width, int32_t side,
             uint32_t* HWY_RESTRICT counts) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const size_t lanes = hn::Lanes(d);
  HWY_ALIGN int32_t index[hn::MaxLanes(d) + 1];
  const auto scale = hn::Set(d, inverse_width);
  const auto top = hn::Set(d, static_cast<float>(side - 1));
  const auto first_positive = hn::Set(di, side);
  const auto first_negative = hn::Set(di, side - 1);
  const auto zero = hn::Zero(d);
  size_t i = 0;
  // Targets of one lane have no pairs and count below.
  for (; lanes >= 2 && i + lanes <= count; i += lanes) {
    const auto x = hn::LoadU(d, values + i);
    const auto bin = hn::ConvertTo(di, hn::Min(hn::Mul(hn::Abs(x), scale), top));
    const auto negative = hn::RebindMask(di, hn::Lt(x, zero));
    hn::Store(hn::IfThenElse(negative, hn::Sub(first_negative, bin), hn::Add(first_positive, bin)),
              di, index);
    for (size_t k = 0; k < lanes; k += 2) {  // one load for two indices
      uint64_t pair = 0;
      std::memcpy(&pair, index + k, sizeof(pair));
      ++counts[4 * (pair & 0xFFFFFFFFU) + (k & 2)];
      ++counts[4 * (pair >> 32) + (k & 2) + 1];
    }
  }
  for (; i < count; ++i) {
    const auto bin = static_cast<int32_t>(
        std::min(std::fabs(values[i]) * inverse_width, static_cast<float>(side - 1)));
    ++counts[4 * static_cast<size_t>(values[i] < 0 ? side - 1 - bin : side + bin)];
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace qconvert
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace qconvert {

HWY_EXPORT(RangeImpl);
HWY_EXPORT(BinImpl);

BlockRange RangeOfBlock(const float* values, size_t count) {
  return HWY_DYNAMIC_DISPATCH(RangeImpl)(values, count);
}

void BinBlock(const float* values, size_t count, float inverse_width, int32_t side,
              uint32_t* counts) {
  HWY_DYNAMIC_DISPATCH(BinImpl)(values, count, inverse_width, side, counts);
}

}  // namespace qconvert
#endif  // HWY_ONCE
