// A few of many that stand for all of them.
#ifndef QCONVERT_BASE_SPREAD_H_
#define QCONVERT_BASE_SPREAD_H_

#include <algorithm>
#include <vector>

namespace qconvert {

// min(all, most) of the places 0 .. all - 1 in ascending order, spread evenly: k * all / count.
// Integers only; all * most must fit into Int.
template <typename Int>
std::vector<Int> SpreadEvenly(Int all, Int most) {
  const Int count = std::min(all, most);
  std::vector<Int> places;
  for (Int k = 0; k < count; ++k) places.push_back(k * all / count);
  return places;
}

}  // namespace qconvert

#endif  // QCONVERT_BASE_SPREAD_H_
