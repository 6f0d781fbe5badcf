// Files as the rest of the program needs them: whole reads with limits, sorted listings,
// all-or-nothing writes.
//
// Every function throws Error (ExitCode::kFile unless said otherwise) naming the path.
#ifndef QCONVERT_BASE_FILE_H_
#define QCONVERT_BASE_FILE_H_

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "qconvert/base/provisional.h"

namespace qconvert {

// An open regular file, read by position. Anything that is not a regular file (folder, pipe,
// device) is refused without blocking. Movable, not copyable.
class InputFile {
 public:
  // Follows links; the path is the user's own. Throws when it cannot be opened or is no regular
  // file.
  explicit InputFile(const std::filesystem::path& path);
  // Takes over an open descriptor that the caller has already checked; `name` is used in messages.
  InputFile(int descriptor, std::filesystem::path name);
  ~InputFile();
  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&&) = delete;
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  int64_t size() const { return size_; }
  const std::filesystem::path& path() const { return path_; }

  // Reads exactly `count` bytes at `offset` into `out`. Throws when the file is shorter (it may
  // have changed).
  void ReadAt(int64_t offset, int64_t count, char* out) const;

 private:
  int descriptor_;
  int64_t size_ = 0;
  std::filesystem::path path_;
};

// The whole file. Throws with kResource when it is larger than `max_bytes`.
std::string ReadFile(const std::filesystem::path& path, int64_t max_bytes = INT64_MAX);

// Entries of a folder, full paths, sorted by the bytes of their names; names that begin with '.'
// are left out.
std::vector<std::filesystem::path> ListFolder(const std::filesystem::path& folder);

// True when both name the same existing file (device and inode), through whatever links.
bool SameFile(const std::filesystem::path& a, const std::filesystem::path& b);

// The file that a write to `path` reaches: links are followed, also those that lead to nothing yet.
std::filesystem::path FollowLinks(std::filesystem::path path);

// Writes all of `bytes` to an open descriptor that messages call `name`.
void WriteAll(int descriptor, const std::filesystem::path& name, std::string_view bytes);

// Results for people and scripts. Messages call it "stdout".
void WriteStdout(std::string_view text);

// A file that appears under its final name complete or not at all: a temporary with a short name in
// the same folder, written, synced, then renamed over the target (through links, FollowLinks). The
// temporary is provisional (base/provisional.h). Temporaries that killed runs of the same user left
// in the folder are removed: each is locked as long as its process lives.
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& target);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void Write(std::string_view bytes);
  // Flushes to the disk; the temporary is complete and may be read by others after this.
  // Idempotent.
  void Sync();
  const std::filesystem::path& temporary_path() const { return temporary_; }
  // CommitTogether of this one.
  void Commit();

 private:
  friend void CommitTogether(std::span<AtomicFile* const> files);

  bool OpenTemporary();  // false when the name is taken
  void KeepMode() const;
  void Place();
  void Undo() const;
  void Finish();

  std::filesystem::path target_;
  std::filesystem::path temporary_;
  Provisional provisional_;
  int descriptor_ = -1;
  int lock_ = -1;           // a duplicate: holds the lock after `descriptor_` is closed
  bool exchanged_ = false;  // the temporary holds what was the target
  bool replaced_ = false;   // what was the target is gone for good
};

// Sync all, keep the modes of files that are replaced, rename all, sync the folders. When one
// cannot be renamed, those before it are undone (on file systems that can exchange two names) and
// the error is thrown. On success signals are left held (base/signals.h): who goes on with more
// work calls ReleaseSignals.
void CommitTogether(std::span<AtomicFile* const> files);

// A whole AtomicFile at once. Throws as it does.
void WriteFile(const std::filesystem::path& target, std::string_view bytes);

// Checks that `target` can become an output: its folder exists and is writable, it is no folder
// itself and its name is not too long. Called before long work starts.
void CheckWritable(const std::filesystem::path& target);

}  // namespace qconvert

#endif  // QCONVERT_BASE_FILE_H_
