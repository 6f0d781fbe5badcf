#include "qconvert/base/suggest.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <numeric>

namespace qconvert {
namespace {

constexpr size_t kMaxNameLength = 200;  // longer names are not typing errors

char Lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

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
      const bool same = Lower(a[i - 1]) == Lower(b[j - 1]);
      row[j] = std::min({before[j] + 1, row[j - 1] + 1, before[j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && Lower(a[i - 1]) == Lower(b[j - 2]) &&
                           Lower(a[i - 2]) == Lower(b[j - 1]);
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
  for (const std::string& candidate : candidates) {
    if (candidate.size() > kMaxNameLength) continue;
    // A name that shares little is worse than none.
    const size_t longer = std::max(name.size(), candidate.size());
    // The distance is no less than that of the lengths: long names are not worth the table.
    if ((longer - std::min(name.size(), candidate.size())) * 3 > longer) continue;
    const size_t distance = EditDistance(name, candidate);
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
