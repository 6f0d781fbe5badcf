// Arithmetic on sizes read from files: overflow is an answer, never a wrap.
#ifndef QCONVERT_BASE_CHECKED_H_
#define QCONVERT_BASE_CHECKED_H_

#include <cstdint>
#include <optional>
#include <span>

namespace qconvert {

inline std::optional<int64_t> CheckedMul(int64_t a, int64_t b) {
  int64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) return std::nullopt;
  return result;
}

inline std::optional<int64_t> CheckedAdd(int64_t a, int64_t b) {
  int64_t result = 0;
  if (__builtin_add_overflow(a, b, &result)) return std::nullopt;
  return result;
}

// Product of dimensions; nothing when one is negative or when the product passes int64, also when
// another one is 0.
inline std::optional<int64_t> ElementCount(std::span<const int64_t> dims) {
  int64_t nonzero_product = 1;
  bool empty = false;
  for (const int64_t dim : dims) {
    if (dim < 0) return std::nullopt;
    if (dim == 0) {
      empty = true;
      continue;
    }
    const std::optional<int64_t> next = CheckedMul(nonzero_product, dim);
    if (!next) return std::nullopt;
    nonzero_product = *next;
  }
  return empty ? 0 : nonzero_product;
}

}  // namespace qconvert

#endif  // QCONVERT_BASE_CHECKED_H_
