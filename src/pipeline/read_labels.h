// Labels of samples.
#ifndef QCONVERT_SRC_PIPELINE_READ_LABELS_H_
#define QCONVERT_SRC_PIPELINE_READ_LABELS_H_

#include <cstdint>
#include <filesystem>
#include <vector>

namespace qconvert {

// All elements of an .npy file of integers, or the whole numbers of a text, separated by spaces,
// commas or lines. Throws Error(kData) naming the file, and the line of a text.
std::vector<int64_t> ReadLabels(const std::filesystem::path& file);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_READ_LABELS_H_
