// An output never replaces an input.
#ifndef QCONVERT_SRC_PIPELINE_REFUSE_OVERWRITING_H_
#define QCONVERT_SRC_PIPELINE_REFUSE_OVERWRITING_H_

#include <filesystem>
#include <vector>

namespace qconvert {

// Throws Error(kUsage) when both name one existing file, through whatever links.
void RefuseOverwriting(const std::filesystem::path& output, const std::filesystem::path& input);
void RefuseOverwriting(const std::filesystem::path& output,
                       const std::vector<std::filesystem::path>& inputs);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_REFUSE_OVERWRITING_H_
