// Calibration data: a folder of files -> samples, paired across inputs, read one at a time.
//
//   data/*.npy                 one data input
//   data/<input name>/*.npy    several, paired by file name ('/' and ':' in names may be written
//   '_')
// .bin files hold headerless elements of the input's type and shape. Hidden files are left out;
// anything else that is neither .npy nor .bin is an error.
#ifndef QCONVERT_DATASET_SAMPLE_SOURCE_H_
#define QCONVERT_DATASET_SAMPLE_SOURCE_H_

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

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
};

struct SampleSourceOptions {
  // Split a file along axis 0 into samples of one row where that axis is free (see OpenSamples).
  bool split_batch = false;
  int64_t max_samples = 0;  // 0: all; else spread evenly over the set
  // Input name -> folder, for all inputs; the folder of OpenSamples is not looked at then.
  std::map<std::string, std::filesystem::path> folders;
  std::string format = "auto";  // "npy" or "bin": files of the other kind are Error(kData)
};

// An immutable, sorted list of samples. Reading is thread-safe; nothing is kept in memory between
// reads.
class SampleSource {
 public:
  size_t size() const { return picks_.size(); }
  // Throws Error(kData) naming the file: damaged, another shape or type than the input. Numbers are
  // converted to the input's type where every value survives (integers to float, float64 to
  // float32, int64 to int32 in range). NaN and infinities in the data are Error(kNumeric).
  Sample Read(size_t index) const;
  // These samples alone, in this order.
  SampleSource Select(const std::vector<size_t>& indices) const;
  // Reads all files, several at a time.
  DataDigest Digest(int workers) const;
  const std::vector<std::filesystem::path>& files() const { return files_; }

 private:
  friend SampleSource OpenSamples(const std::filesystem::path&, const std::vector<Value>&,
                                  const SampleSourceOptions&);

  // Rows [row, row + rows) of one file for one input; rows < 0: the whole file.
  struct Piece {
    size_t file = 0;
    size_t input = 0;
    int64_t row = 0;
    int64_t rows = -1;
  };
  Tensor ReadPiece(const Piece& piece) const;

  std::vector<Value> inputs_;
  std::vector<std::filesystem::path> files_;
  std::vector<std::vector<Piece>> picks_;  // one list of pieces per sample, one piece per input
};

// Lists the folder and checks every header. `inputs`: the model inputs that need data.
//   - A file with one dimension fewer than the input is one sample without the batch axis.
//   - A file whose axis 0 is longer than the input's fixed axis 0 is cut into pieces of that
//   length.
//   - Without inputs there is one empty sample, and the folder is not looked at.
//   - With split_batch, an input whose axis 0 is free is fed row by row.
// Throws Error: kFile when the folder is missing, kData when it holds no usable samples or they do
// not pair.
SampleSource OpenSamples(const std::filesystem::path& folder, const std::vector<Value>& inputs,
                         const SampleSourceOptions& options);

}  // namespace qconvert

#endif  // QCONVERT_DATASET_SAMPLE_SOURCE_H_
