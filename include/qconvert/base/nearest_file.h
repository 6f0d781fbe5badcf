// "Did you mean" for files.
#ifndef QCONVERT_BASE_NEAREST_FILE_H_
#define QCONVERT_BASE_NEAREST_FILE_H_

#include <filesystem>
#include <string>

namespace qconvert {

// ", did you mean 'FILE'?" where a file of a name much like that of `missing` is in its folder, of
// the first thousand there; else empty. Links that lead nowhere are no files.
std::string DidYouMeanBeside(const std::filesystem::path& missing);

}  // namespace qconvert

#endif  // QCONVERT_BASE_NEAREST_FILE_H_
