// Operators that a file spells out, where they are not made one node.
#ifndef QCONVERT_SRC_TRANSFORM_SPELLED_UNITS_H_
#define QCONVERT_SRC_TRANSFORM_SPELLED_UNITS_H_

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "matcher.h"

namespace qconvert {

// d / sqrt(mean of d^2 + epsilon) along `axes`, with d = x - mean, or d = x (not centered).
struct SpelledNorm {
  std::string x;
  std::string difference;  // d
  std::string deviation;   // the square root
  bool is_centered = true;
  const Node* square = nullptr;
  std::vector<int64_t> axes;
  double epsilon = 0;
  std::set<const Node*> nodes;
};

// The one that ends at `node`: d / s, or d * (1 / s), in either order. Also taken when other nodes
// read what its steps write.
std::optional<SpelledNorm> FindSpelledNorm(const Matcher& matcher, const Node& node);

// x / 2 * (1 + f(...)) with f = Erf, or Tanh of a cubic polynomial (fuse_gelu.h).
struct SpelledGelu {
  static constexpr double kCubic = 0.044715;
  std::string x;
  const Node* last = nullptr;
  std::set<const Node*> nodes;
};

// The one around its Erf or Tanh; nothing reads what its steps write.
std::optional<SpelledGelu> FindSpelledGelu(const Matcher& matcher, const Node& function);

// x * tanh(log(1 + e^x)), or the operator.
struct SpelledMish {
  std::string x;
  std::set<const Node*> nodes;
};

// The one that ends at `node`; nothing reads what its steps write.
std::optional<SpelledMish> FindSpelledMish(const Matcher& matcher, const Node& node);

}  // namespace qconvert

#endif  // QCONVERT_SRC_TRANSFORM_SPELLED_UNITS_H_
