#include "qconvert/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "qconvert/base/error.h"
#include "qconvert/base/nearest_file.h"
#include "qconvert/base/signals.h"
#include "throw_errno.h"

namespace qconvert {
namespace {

constexpr int kMaxLinks = 40;  // as Linux has it, path_resolution(7)

int64_t RegularFileSize(int descriptor, const std::filesystem::path& path) {
  // Of the open descriptor, not of the path: what was checked is what is read.
  struct stat status {};
  if (fstat(descriptor, &status) != 0) {
    // close() may change errno, and the constructor that owns the descriptor never ends.
    const int error = errno;
    close(descriptor);
    ThrowErrno(path, "cannot read", error);
  }
  if (!S_ISREG(status.st_mode)) {
    close(descriptor);
    throw Error(ExitCode::kFile, path.string(),
                S_ISDIR(status.st_mode) ? "is a folder, expected a file" : "is not a regular file");
  }
  return status.st_size;
}

int OpenForReading(const std::filesystem::path& path) {
  // O_NONBLOCK: opening a pipe that nobody writes to must not hang.
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor >= 0) return descriptor;
  if (errno != ENOENT) ThrowErrno(path, "cannot open", errno);
  throw Error(ExitCode::kFile, path.string(),
              "cannot open: No such file or directory" + DidYouMeanBeside(path));
}

}  // namespace

InputFile::InputFile(const std::filesystem::path& path) : InputFile(OpenForReading(path), path) {}

InputFile::InputFile(int descriptor, std::filesystem::path name)
    : descriptor_(descriptor), size_(RegularFileSize(descriptor, name)), path_(std::move(name)) {}

InputFile::InputFile(InputFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      size_(other.size_),
      path_(std::move(other.path_)) {}

InputFile::~InputFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

void InputFile::ReadAt(int64_t offset, int64_t count, char* out) const {
  while (count > 0) {
    // By position: several threads read one file, and none moves the place of another.
    const ssize_t got = pread(descriptor_, out, static_cast<size_t>(count), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) ThrowErrno(path_, "cannot read", errno);
    // 0 is the end of the file: without this the loop would never end.
    if (got == 0) throw Error(ExitCode::kFile, path_.string(), "became shorter while it was read");
    out += got;
    offset += got;
    count -= got;
  }
}

std::string ReadFile(const std::filesystem::path& path, int64_t max_bytes) {
  const InputFile file(path);
  if (file.size() > max_bytes) {
    throw Error(ExitCode::kResource, path.string(),
                "has " + std::to_string(file.size()) + " bytes, expected at most " +
                    std::to_string(max_bytes));
  }
  std::string bytes(static_cast<size_t>(file.size()), '\0');
  file.ReadAt(0, file.size(), bytes.data());
  return bytes;
}

std::vector<std::filesystem::path> ListFolder(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> entries;
  std::error_code error;
  // increment(error): operator++ would throw an exception that names no folder of the user's.
  std::filesystem::directory_iterator it(folder, error);
  for (; !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    if (!it->path().filename().string().starts_with('.')) entries.push_back(it->path());
  }
  if (error) throw Error(ExitCode::kFile, folder.string(), "cannot list: " + error.message());
  // By bytes: a locale's order would choose other samples on another machine.
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return a.filename().native() < b.filename().native();
  });
  return entries;
}

bool SameFile(const std::filesystem::path& a, const std::filesystem::path& b) {
  struct stat first {};
  struct stat second {};
  return stat(a.c_str(), &first) == 0 && stat(b.c_str(), &second) == 0 &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

std::filesystem::path FollowLinks(std::filesystem::path path) {
  std::error_code error;
  for (int i = 0; i < kMaxLinks && std::filesystem::is_symlink(path, error); ++i) {
    const std::filesystem::path next = std::filesystem::read_symlink(path, error);
    if (error) break;
    // An absolute target takes the place of the folder.
    path = path.parent_path() / next;
  }
  return path;
}

void WriteAll(int descriptor, const std::filesystem::path& name, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) {
      ReleaseSignals();  // whoever interrupts a write that waits does not want to wait
      continue;
    }
    if (written < 0) ThrowErrno(name, "cannot write", errno);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

void WriteStdout(std::string_view text) { WriteAll(STDOUT_FILENO, "stdout", text); }

}  // namespace qconvert
