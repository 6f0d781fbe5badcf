// A folder of samples that is not there.
#ifndef QCONVERT_DATASET_SAMPLE_FOLDER_H_
#define QCONVERT_DATASET_SAMPLE_FOLDER_H_

#include <filesystem>
#include <string>

namespace qconvert {

// Throws Error(kFile) where nothing is at `folder`, with the nearest name there. `place` is where
// settings name it, "c.yaml:3:7"; empty: the message begins with the folder.
void CheckSampleFolder(const std::filesystem::path& folder, const std::string& place = "");

}  // namespace qconvert

#endif  // QCONVERT_DATASET_SAMPLE_FOLDER_H_
