// Samples that are not what they are taken for: data errors that no exit code shows, since the
// float model computes as wrongly as the quantized one.
#ifndef QCONVERT_SRC_PIPELINE_CHECK_SAMPLES_H_
#define QCONVERT_SRC_PIPELINE_CHECK_SAMPLES_H_

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "qconvert/calibration/input_feeder.h"
#include "qconvert/dataset/sample_source.h"
#include "qconvert/ir/graph.h"

namespace qconvert {

// "a.npy, b.npy and 3 more".
std::string FirstNames(const std::vector<std::string>& names);

// The same at the end of a sentence, sorted: " (in a.npy, b.npy and 3 more)". `count`: how many
// there are besides those whose names were looked up; "" without names.
std::string InSamples(std::vector<std::string> names, size_t count = 0);

// The BatchNormalization next to the inputs: what it gets has, over the data that the model was
// trained on, the mean and variance that it holds.
struct FirstNormalization {
  std::string node;
  Model front;  // the model up to its input, the only output
  std::vector<float> mean;
  std::vector<float> deviation;  // square root of variance + epsilon
};

// The Clip of a convolution next to the inputs (ReLU6): few of what it gets are above its bound.
struct FirstBound {
  std::string node;
  Model front;  // the model up to its input, the only output
  float bound = 0;
};

// What the first layers say of the data that the model was trained on; nothing where the model has
// none, or only behind another one. To be found before PrepareModel, which folds them away.
struct FirstLayers {
  std::optional<FirstNormalization> normalization;
  std::optional<FirstBound> bound;
};
FirstLayers FindFirstLayers(const Model& model);

// Fewer samples say little of all others.
inline constexpr size_t kFewSamples = 8;

// One line per kind of oddity of what the first layers are fed:
//   integers     for an input of a floating-point type, with the range seen
//   pictures     for an input of a floating-point type, without mean and scale
//   larger       headerless files that are larger than most of their folder, which are of one size
//   far away     values at the first normalization, in the median channel, more than 10 deviations
//                from its mean
//   cut off      more than half of the positive values at the first Clip above its bound
// `order`: samples to look at, best first (DataDigest::by_content).
std::vector<std::string> CheckScaling(const SampleSource& samples, const InputFeeder& feeder,
                                      std::span<const size_t> order, const FirstLayers& first);

// CheckScaling, and:
//   few          fewer than kFewSamples
//   stacked      one file is the only sample, and its rows do not depend on each other (bit-equal
//                outputs in other company): --stacked would take each for a sample
// `model_file` is run for the last one only.
std::vector<std::string> CheckSamples(const SampleSource& samples, const InputFeeder& feeder,
                                      std::span<const size_t> order, const FirstLayers& first,
                                      const std::filesystem::path& model_file);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_CHECK_SAMPLES_H_
