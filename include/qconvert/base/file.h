// Files as the rest of the program needs them: whole reads with limits, sorted listings,
// all-or-nothing writes.
//
// Every function throws Error (ExitCode::kFile unless said otherwise) naming the path.
#ifndef QCONVERT_BASE_FILE_H_
#define QCONVERT_BASE_FILE_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

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

// A file that appears under its final name complete or not at all: a temporary with a short name in
// the same folder, written, synced, then renamed over the target. Destroying it without Commit()
// removes the temporary; so does a terminating signal (see RemoveTemporariesOnSignal).
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path target);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void Write(std::string_view bytes);
  // Flushes to the disk; the temporary is complete and may be read by others after this.
  // Idempotent.
  void Sync();
  const std::filesystem::path& temporary_path() const { return temporary_; }
  // Sync, keep the mode of a file that is replaced, rename, sync the folder.
  void Commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
  int slot_ = -1;  // index in the table that the signal handler walks
};

// A whole AtomicFile at once. Throws as it does.
void WriteFile(const std::filesystem::path& target, std::string_view bytes);

// Checks that `target` can become an output: its folder exists and is writable, it is no folder
// itself and its name is not too long. Called before long work starts.
void CheckWritable(const std::filesystem::path& target);

// Installs handlers for SIGINT, SIGTERM and SIGHUP that unlink open temporaries and end the process
// with 128 + signal.
void RemoveTemporariesOnSignal();

}  // namespace qconvert

#endif  // QCONVERT_BASE_FILE_H_
