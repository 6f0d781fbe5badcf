// Calibration data: a folder of files -> samples, paired across inputs, read one at a time.
//
//   data/*.npy                one data input
//   data/<input name>/*.npy   several, paired by file name
//   data/*.npz                numpy archives, each with one array per input, called like the input
//   data/*.jpg, *.jpeg, *.png   pictures, as PictureFormat says
// '/', '\\' and ':' in input names may be written '_'; a name that leads out of the folder has to
// be. .bin, .raw, .rgb and .yuv files hold headerless elements of the input's type and shape.
// Hidden files are left out; anything else is an error, or headerless too where the caller says so.
#ifndef QCONVERT_DATASET_SAMPLE_SOURCE_H_
#define QCONVERT_DATASET_SAMPLE_SOURCE_H_

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "qconvert/config/calib_transforms.h"
#include "qconvert/dataset/npy_reader.h"
#include "qconvert/ir/graph.h"

namespace qconvert {

// One set of model inputs. `name` is the file (and row) it came from, for messages.
struct Sample {
  std::string name;
  std::vector<Tensor> inputs;
};

// What the samples are, whatever their files are called and in whatever order they lie.
struct DataDigest {
  // SHA-256 of all files: of the sorted SHA-256 of files, those of one sample's inputs together.
  std::string sha256;
  // The samples in the order of their hashes: as good as any at random, and always the same.
  std::vector<size_t> by_content;
  std::vector<bool> repeats;  // whether a sample in that order is the same as the one before it
  // What a sample in that order holds, increasing: hashes of its files and 0, or, of one that
  // shares them with others, of its own rows and their number. Empty for random samples.
  std::vector<std::pair<std::string, int64_t>> contents;
};

// (value - mean) * scale: one number per index along `channel_axis` of the input, or none.
struct PixelScaling {
  std::vector<double> mean;
  std::vector<double> scale;
  size_t channel_axis = 1;
};

// What becomes of pictures, see picture_sample.h for the steps.
struct PictureFormat {
  std::string unfit = "takes no pictures";  // why not, after the input's name; empty: it does
  std::vector<CalibTransform> steps;        // up to kColor, sizes known
  PixelScaling scaling;                     // the channel axis is of the input as it is
};

// How the numbers in an input's files become what the input takes.
struct InputFormat {
  DataType raw_type = DataType::kUndefined;  // of headerless files; kUndefined: the input's
  bool holds_pixels = false;                 // 0..255 by intent: integers are no oddity
  PixelScaling scaling;                      // of files that are no pictures
  PictureFormat picture;
};

struct SampleSourceOptions {
  // Axis 0 of files stacks samples (see OpenSamples).
  bool stacked = false;
  int64_t max_samples = 0;  // 0: all; else spread evenly over the set
  // Input name -> folder, or one file, for all inputs; the folder of OpenSamples is not looked at
  // then. Files of folders pair by name, single files whatever they are called.
  std::map<std::string, std::filesystem::path> folders;
  // "npy" (and npz), "bin" (and the other headerless ones) or "picture": other files are
  // Error(kData).
  std::string format = "auto";
  // Files of any other name are headerless ones too, instead of an error.
  bool any_name_is_raw = false;
  size_t random_samples = 0;                   // this many random ones instead of files
  std::map<std::string, InputFormat> formats;  // by input; none: as it is
};

// An immutable, sorted list of samples. Reading is thread-safe; nothing is kept in memory between
// reads.
class SampleSource {
 public:
  size_t size() const { return size_; }
  // Throws Error(kData) naming the file: damaged, another shape or type than the input. Numbers are
  // converted to the input's type where every value survives (integers to float, float64 to
  // float32, int64 to int32 in range). NaN and infinities in the data are Error(kNumeric).
  Sample Read(size_t index) const;
  // These samples alone, in this order.
  SampleSource Select(const std::vector<size_t>& indices) const;
  // Reads all files, several at a time.
  DataDigest Digest(int workers) const;
  const std::vector<std::filesystem::path>& files() const { return files_; }
  // Inputs of a floating-point type that are fed pictures as levels of 0..255, without mean or
  // scale.
  const std::set<std::string>& unscaled_pictures() const { return unscaled_pictures_; }
  // Inputs of a floating-point type whose files hold integers, and which.
  const std::map<std::string, DataType>& integer_data() const { return integer_data_; }

 private:
  friend SampleSource OpenSamples(const std::filesystem::path&, const std::vector<Value>&,
                                  const SampleSourceOptions&);

  // Files that hold the same samples, one for each input.
  struct Group {
    std::vector<size_t> files;  // by input; an archive for all inputs stands several times
    std::vector<int64_t> rows;  // by input, along axis 0 per sample; -1: the whole array
    int64_t samples = 0;
  };
  struct Place {
    size_t group;
    int64_t sample;  // of the group
  };
  Tensor ReadInput(size_t index, const std::filesystem::path& file, int64_t first,
                   int64_t rows) const;
  // How a file is cut into samples of an input: rows as in Group.
  struct Cut {
    int64_t rows;
    int64_t samples;
  };
  Cut CutOfArray(const std::filesystem::path& file, size_t input, bool stacked);
  Cut CutOfPicture(const std::filesystem::path& file, size_t input);
  void AddGroup(const std::vector<std::filesystem::path>& files, bool stacked);
  size_t SampleAt(size_t index) const;  // of all
  Place Find(size_t index) const;

  std::vector<Value> inputs_;
  std::vector<InputFormat> formats_;  // by input
  std::vector<std::filesystem::path> files_;
  std::vector<Group> groups_;
  std::vector<size_t> starts_ = {0};  // number of samples before each group, and of all
  size_t size_ = 0;                   // samples taken of them, spread evenly,
  bool is_random_ = false;
  bool is_selection_ = false;  // or these:
  std::vector<size_t> selection_;
  std::map<std::string, DataType> integer_data_;
  std::set<std::string> unscaled_pictures_;
};

// Lists the folder and checks every header. `inputs`: the model inputs that need data.
//   - A file with one dimension fewer than the input is one sample without the batch axis.
//   - A file whose axis 0 is longer than the input's fixed axis 0 is cut into pieces of that
//   length.
//   - Any other file is one sample as it is: a free axis 0 may be time, points or nodes as well as
//   a batch. Only with `stacked` is an input with a free axis 0 fed row by row, and a file with one
//   dimension more than the input without that axis.
//   - Without inputs there is one empty sample, and the folder is not looked at.
// Throws Error: kFile when the folder is missing, kData when it holds no usable samples or they do
// not pair, kResource when a sample is larger than 2 GiB.
SampleSource OpenSamples(const std::filesystem::path& folder, const std::vector<Value>& inputs,
                         const SampleSourceOptions& options);

}  // namespace qconvert

#endif  // QCONVERT_DATASET_SAMPLE_SOURCE_H_
