#include "npz_archive.h"

#include <fmt/format.h>
#include <zip.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

#include "qconvert/base/error.h"

namespace qconvert {
namespace {

constexpr int64_t kMaxArrays = 4096;
// Deflate packs no more than 258 bytes into 2 bits; a kilobyte for the smallest members.
constexpr uint64_t kMaxDeflateRatio = 1032;
constexpr uint64_t kDeflateSlack = 1024;
constexpr size_t kBuffer = 1 << 16;
constexpr std::string_view kSuffix = ".npy";

std::shared_ptr<zip_t> OpenZip(const std::filesystem::path& path) {
  const InputFile regular(path);  // no folder, pipe or device from here on
  int code = 0;
  // ZIP_CHECKCONS: where the directory and the members disagree, readers differ in whom they trust.
  zip_t* archive = zip_open(path.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code);
  if (archive == nullptr) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const std::string reason = zip_error_strerror(&error);
    zip_error_fini(&error);
    throw Error(ExitCode::kData, path.string(), "is no usable npz archive: " + reason);
  }
  // Not zip_close, which would write.
  return {archive, zip_discard};
}

zip_stat_t StatOf(zip_t* archive, size_t index, const std::string& place) {
  constexpr zip_uint64_t kNeeded =
      ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
  zip_stat_t stat;
  zip_stat_init(&stat);
  if (zip_stat_index(archive, index, 0, &stat) != 0 || (stat.valid & kNeeded) != kNeeded)
    throw Error(ExitCode::kData, place, "has no readable entry in its archive");
  return stat;
}

// Refuses what numpy does not write, and sizes that are lies: memory is taken by them later.
void CheckMember(const zip_stat_t& stat, int64_t file_size, const std::string& place) {
  const auto refuse = [&](const std::string& what) { throw Error(ExitCode::kData, place, what); };
  if (stat.encryption_method != ZIP_EM_NONE) refuse("is encrypted");
  if (stat.comp_method != ZIP_CM_STORE && stat.comp_method != ZIP_CM_DEFLATE)
    refuse(fmt::format("is packed by method {}, expected stored or deflated", stat.comp_method));
  const bool stored = stat.comp_method == ZIP_CM_STORE;
  const uint64_t packed = stat.comp_size;
  const bool fits =
      packed <= static_cast<uint64_t>(file_size) &&
      (stored ? stat.size == packed : stat.size <= packed * kMaxDeflateRatio + kDeflateSlack);
  if (!fits) {
    refuse(fmt::format("claims {} bytes in {} packed ones, the archive has {}", stat.size, packed,
                       file_size));
  }
}

// A member, read in the order of offsets; going back begins anew.
class MemberReader {
 public:
  MemberReader(std::shared_ptr<zip_t> archive, size_t index, const zip_stat_t& stat,
               std::string place)
      : archive_(std::move(archive)),
        index_(index),
        size_(static_cast<int64_t>(stat.size)),
        stored_(stat.comp_method == ZIP_CM_STORE),
        place_(std::move(place)) {}

  void ReadAt(int64_t offset, int64_t count, char* out) {
    if (member_ == nullptr || offset < at_) Reopen();
    SkipTo(offset);
    Read(count, out);
    char end = 0;  // the checksum is looked at behind the last byte
    if (at_ == size_ && zip_fread(member_.get(), &end, 1) != 0) Fail();
  }

 private:
  [[noreturn]] void Fail() const {
    throw Error(
        ExitCode::kData, place_,
        fmt::format("is damaged: {}", member_ == nullptr ? zip_strerror(archive_.get())
                                                         : zip_file_strerror(member_.get())));
  }

  void Reopen() {
    member_.reset();
    member_ = {zip_fopen_index(archive_.get(), index_, 0), [](zip_file_t* file) {
                 if (file != nullptr) zip_fclose(file);
               }};
    if (member_ == nullptr) Fail();
    at_ = 0;
  }

  void SkipTo(int64_t offset) {
    // What is read without a gap is held against the checksum.
    if (stored_ && offset - at_ > static_cast<int64_t>(kBuffer)) {
      if (zip_fseek(member_.get(), offset, SEEK_SET) != 0) Fail();
      at_ = offset;
    }
    std::array<char, kBuffer> skipped;
    while (at_ < offset)
      Read(std::min<int64_t>(offset - at_, static_cast<int64_t>(skipped.size())), skipped.data());
  }

  void Read(int64_t count, char* out) {
    while (count > 0) {
      const zip_int64_t got = zip_fread(member_.get(), out, static_cast<zip_uint64_t>(count));
      if (got <= 0) Fail();
      out += got;
      count -= got;
      at_ += got;
    }
  }

  std::shared_ptr<zip_t> archive_;
  size_t index_;
  int64_t size_;
  bool stored_;
  std::string place_;
  // Behind the archive, which has to outlive it.
  std::shared_ptr<zip_file_t> member_;
  int64_t at_ = 0;  // of the next byte that member_ gives
};

}  // namespace

NpzArchive::NpzArchive(const std::filesystem::path& path)
    : path_(path.string()), archive_(OpenZip(path)) {
  const zip_int64_t count = zip_get_num_entries(archive_.get(), 0);
  if (count > kMaxArrays) {
    throw Error(ExitCode::kData, path_,
                fmt::format("holds {} files, expected at most {} arrays", count, kMaxArrays));
  }
  const auto size = static_cast<int64_t>(std::filesystem::file_size(path));
  std::set<std::string> seen;
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    // The bytes as they are: a guess at their encoding could give another name than the input has.
    const char* raw = zip_get_name(archive_.get(), i, ZIP_FL_ENC_RAW);
    std::string name = raw == nullptr ? "" : raw;
    if (!name.ends_with(kSuffix))
      throw Error(ExitCode::kData, path_, fmt::format("holds \"{}\", which is no .npy", name));
    name.resize(name.size() - kSuffix.size());
    if (!seen.insert(name).second)
      throw Error(ExitCode::kData, path_, fmt::format("holds \"{}\" twice", name));
    names_.push_back(std::move(name));
    CheckMember(StatOf(archive_.get(), i, PlaceOf(i)), size, PlaceOf(i));
  }
}

std::string NpzArchive::PlaceOf(size_t index) const { return path_ + ":" + names_[index]; }

bool NpzArchive::IsStored(size_t index) const {
  return StatOf(archive_.get(), index, PlaceOf(index)).comp_method == ZIP_CM_STORE;
}

ByteSource NpzArchive::Open(size_t index) const {
  const zip_stat_t stat = StatOf(archive_.get(), index, PlaceOf(index));
  const auto reader = std::make_shared<MemberReader>(archive_, index, stat, PlaceOf(index));
  return {
      PlaceOf(index), static_cast<int64_t>(stat.size),
      [reader](int64_t offset, int64_t count, char* out) { reader->ReadAt(offset, count, out); }};
}

}  // namespace qconvert
