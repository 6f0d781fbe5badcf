// Folders for what will be written.
#ifndef QCONVERT_BASE_FOLDERS_H_
#define QCONVERT_BASE_FOLDERS_H_

#include <filesystem>
#include <vector>

#include "qconvert/base/provisional.h"

namespace qconvert {

// Makes the folder with those above it, where they are missing. Throws Error(kFile) naming it.
void MakeFolder(const std::filesystem::path& folder);

// The same. Those that were made, innermost first: they go again unless kept.
std::vector<Provisional> MakeProvisionalFolder(const std::filesystem::path& folder);

}  // namespace qconvert

#endif  // QCONVERT_BASE_FOLDERS_H_
