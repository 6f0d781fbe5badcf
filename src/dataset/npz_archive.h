// NumPy archives (numpy.savez): a zip file of npy files, one per array.
#ifndef QCONVERT_SRC_DATASET_NPZ_ARCHIVE_H_
#define QCONVERT_SRC_DATASET_NPZ_ARCHIVE_H_

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "qconvert/dataset/npy_reader.h"

struct zip;

namespace qconvert {

// An open archive. Names in it never become paths.
class NpzArchive {
 public:
  // Throws Error: kFile when it cannot be read, kData when it is damaged, encrypted, holds a name
  // twice, anything but npy files, or claims sizes that its bytes cannot hold.
  explicit NpzArchive(const std::filesystem::path& path);

  // Names of the arrays, without ".npy", in the order of the file.
  const std::vector<std::string>& names() const { return names_; }
  // Whether rows of an array can be read without unpacking all that stands before them.
  bool IsStored(size_t index) const;
  // The npy file of one array; keeps the archive open.
  ByteSource Open(size_t index) const;

 private:
  std::string PlaceOf(size_t index) const;

  std::string path_;
  std::shared_ptr<zip> archive_;
  std::vector<std::string> names_;
};

}  // namespace qconvert

#endif  // QCONVERT_SRC_DATASET_NPZ_ARCHIVE_H_
