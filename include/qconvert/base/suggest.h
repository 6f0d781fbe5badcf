// "Did you mean": the nearest valid name for a misspelt one.
#ifndef QCONVERT_BASE_SUGGEST_H_
#define QCONVERT_BASE_SUGGEST_H_

#include <string>
#include <string_view>
#include <vector>

namespace qconvert {

// The candidate with the least Levenshtein distance to `name` (case ignored), if that distance is
// at most a third of the longer word, else empty. Ties: the first candidate.
std::string NearestName(std::string_view name, const std::vector<std::string>& candidates);

// ", did you mean 'X'?" or empty.
std::string DidYouMean(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace qconvert

#endif  // QCONVERT_BASE_SUGGEST_H_
