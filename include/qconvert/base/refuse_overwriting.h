// An output never replaces an input, nor another output.
#ifndef QCONVERT_BASE_REFUSE_OVERWRITING_H_
#define QCONVERT_BASE_REFUSE_OVERWRITING_H_

#include <cstddef>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

namespace qconvert {

// Throws Error(kUsage) when an output and an input, or two outputs, are one file: the same existing
// file through whatever links, or the same name in the same folder. Empty paths, and what exists
// and is no regular file (a device, a pipe), stand for nothing.
void RefuseOverwriting(const std::vector<std::filesystem::path>& outputs,
                       const std::vector<std::filesystem::path>& inputs);

// The indices of two outputs that are one file, as above.
std::optional<std::pair<size_t, size_t>> FindSharedOutput(
    const std::vector<std::filesystem::path>& outputs);

}  // namespace qconvert

#endif  // QCONVERT_BASE_REFUSE_OVERWRITING_H_
