// Which files of a folder belong to which model input.
#ifndef QCONVERT_SRC_DATASET_SAMPLE_FILES_H_
#define QCONVERT_SRC_DATASET_SAMPLE_FILES_H_

#include <filesystem>
#include <string>
#include <vector>

#include "qconvert/dataset/sample_source.h"
#include "qconvert/ir/graph.h"

namespace qconvert {

enum class SampleFileKind { kNone, kNpy, kNpz, kRaw, kPicture };

// By the extension: .npy; .npz; .bin, .raw, .rgb and .yuv; .jpg, .jpeg and .png, in any case.
SampleFileKind KindOf(const std::filesystem::path& file);

// "[1,3,H,W]", or "of any shape".
std::string ShapeText(const Value& input);

// By input and group: the file that holds the input's array of a group of samples. One .npz with
// the arrays of all inputs stands for each of them. Throws Error: kFile when the folder is missing,
// kData when it holds something else or files do not pair, with the inputs and what is there.
std::vector<std::vector<std::filesystem::path>> FindSampleFiles(const std::filesystem::path& folder,
                                                                const std::vector<Value>& inputs,
                                                                const SampleSourceOptions& options);

}  // namespace qconvert

#endif  // QCONVERT_SRC_DATASET_SAMPLE_FILES_H_
