#include "qconvert/base/suggest.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <numeric>

namespace qconvert {
namespace {

constexpr size_t kMaxNameLength = 200;  // longer names are not typing errors

std::string Lower(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

// No more than the distance: each error mends at most one letter that the other name has not.
// Nearly all names are told apart by it, in no time beside that of the table.
size_t LeastDistance(std::string_view a, std::string_view b) {
  std::array<int, 256> left{};
  for (const char c : a) ++left[static_cast<unsigned char>(c)];
  size_t missing = 0;  // in a
  for (const char c : b) missing += left[static_cast<unsigned char>(c)]-- <= 0 ? 1 : 0;
  return std::max(missing, missing + a.size() - b.size());
}

// Insertions, deletions, substitutions, and neighbours that changed places (optimal string
// alignment). Rows of the first i - 2, i - 1 and i characters of a against the first j of b.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> two_before(b.size() + 1);
  std::vector<size_t> before(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    two_before.swap(before);
    before.swap(row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const bool same = a[i - 1] == b[j - 1];
      row[j] = std::min({before[j] + 1, row[j - 1] + 1, before[j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], two_before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

std::string NearestName(std::string_view name, const std::vector<std::string>& candidates) {
  std::string best;
  size_t best_distance = 0;
  if (name.size() > kMaxNameLength) return best;
  const std::string lower = Lower(name);
  for (const std::string& candidate : candidates) {
    if (candidate.size() > kMaxNameLength) continue;
    // A name that shares little is worse than none.
    const size_t longer = std::max(name.size(), candidate.size());
    const std::string other = Lower(candidate);
    if (LeastDistance(lower, other) * 3 > longer) continue;
    const size_t distance = EditDistance(lower, other);
    if (distance * 3 > longer) continue;
    if (best.empty() || distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string DidYouMean(std::string_view name, const std::vector<std::string>& candidates) {
  const std::string nearest = NearestName(name, candidates);
  return nearest.empty() ? "" : ", did you mean '" + nearest + "'?";
}

}  // namespace qconvert
