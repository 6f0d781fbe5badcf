// The calibration data as the float model gets them.
#ifndef QCONVERT_SRC_PIPELINE_DUMP_SAMPLES_H_
#define QCONVERT_SRC_PIPELINE_DUMP_SAMPLES_H_

#include <filesystem>

#include "qconvert/dataset/sample_source.h"

namespace qconvert {

// Throws Error(kFile) when `folder` is there with anything in it: what was dumped before would lie
// among what is dumped now.
void RequireEmptyFolder(const std::filesystem::path& folder);

// Writes <folder>/<input>/<k>.npy for every input and sample k of `samples`, one at a time, with
// '/', '\\' and ':' in names as '_'. Throws Error(kFile).
void DumpSamples(const SampleSource& samples, const std::filesystem::path& folder);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_DUMP_SAMPLES_H_
