#include "qconvert/base/nearest_file.h"

#include <algorithm>
#include <system_error>
#include <vector>

#include "qconvert/base/suggest.h"

namespace qconvert {

std::string DidYouMeanBeside(const std::filesystem::path& missing) {
  constexpr size_t kMostNames = 1000;
  std::vector<std::string> names;
  std::error_code error;
  const std::filesystem::path parent = missing.parent_path();
  for (std::filesystem::directory_iterator it(parent.empty() ? "." : parent, error), end;
       !error && it != end && names.size() < kMostNames; it.increment(error)) {
    std::error_code dangling;  // a link to what is gone is no help, least of all the missing one
    if (it->exists(dangling)) names.push_back(it->path().filename().string());
  }
  std::sort(names.begin(), names.end());  // folders list in any order
  const std::filesystem::path nearest = NearestName(missing.filename().string(), names);
  // One extension makes a.onnx and b.onnx no likelier to be meant for each other.
  if (NearestName(missing.stem().string(), {nearest.stem().string()}).empty()) return "";
  return ", did you mean '" + (parent / nearest).string() + "'?";
}

}  // namespace qconvert
