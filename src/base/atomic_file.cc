#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <system_error>
#include <utility>

#include "qconvert/base/error.h"
#include "qconvert/base/file.h"

namespace qconvert {
namespace {

constexpr int kSlots = 8;
constexpr int kNameAttempts = 1000;

// Paths of open temporaries in plain memory: all that a signal handler may touch.
std::array<std::array<char, PATH_MAX>, kSlots> g_paths;
std::array<std::atomic<bool>, kSlots> g_used;

int RegisterTemporary(const std::filesystem::path& path) {
  const std::string& name = path.native();
  if (name.size() >= PATH_MAX) return -1;
  for (size_t i = 0; i < kSlots; ++i) {
    bool expected = false;
    if (g_paths[i][0] == '\0' && g_used[i].compare_exchange_strong(expected, true)) {
      std::memcpy(g_paths[i].data() + 1, name.c_str() + 1, name.size());
      g_paths[i][0] = name[0];  // last: the handler takes an empty first byte for a free slot
      return static_cast<int>(i);
    }
  }
  return -1;
}

void UnregisterTemporary(int slot) {
  if (slot < 0) return;
  g_paths[static_cast<size_t>(slot)][0] = '\0';
  g_used[static_cast<size_t>(slot)] = false;
}

extern "C" void OnTerminatingSignal(int signal_number) {
  for (const auto& path : g_paths) {
    if (path[0] != '\0') unlink(path.data());
  }
  _exit(128 + signal_number);
}

std::filesystem::path FolderOf(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

[[noreturn]] void ThrowErrno(const std::filesystem::path& path, std::string_view action,
                             int error) {
  throw Error(ExitCode::kFile, path.string(),
              std::string(action) + ": " + std::generic_category().message(error));
}

}  // namespace

void RemoveTemporariesOnSignal() {
  struct sigaction action {};
  action.sa_handler = OnTerminatingSignal;
  sigfillset(&action.sa_mask);
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    sigaction(signal_number, &action, &before);
    if (signal_number == SIGHUP && before.sa_handler == SIG_IGN)
      sigaction(signal_number, &before, nullptr);  // nohup
  }
}

void CheckWritable(const std::filesystem::path& target) {
  struct stat status {};
  if (stat(target.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) {
      throw Error(ExitCode::kFile, target.string(), "is a folder, expected an output file");
    }
    if (!S_ISREG(status.st_mode)) {
      throw Error(ExitCode::kFile, target.string(), "is not a regular file, will not replace it");
    }
  } else if (errno != ENOENT) {
    ThrowErrno(target, "cannot write", errno);
  }
  const std::filesystem::path folder = FolderOf(target);
  if (stat(folder.c_str(), &status) != 0) ThrowErrno(folder, "cannot write to folder", errno);
  if (!S_ISDIR(status.st_mode)) {
    throw Error(ExitCode::kFile, folder.string(), "is not a folder, cannot write into it");
  }
  if (access(folder.c_str(), W_OK | X_OK) != 0) ThrowErrno(folder, "cannot write to folder", errno);
}

AtomicFile::AtomicFile(std::filesystem::path target) : target_(std::move(target)) {
  // A link as target: replace what it points to, not the link.
  std::error_code ignored;
  if (std::filesystem::is_symlink(target_, ignored)) {
    const std::filesystem::path resolved = std::filesystem::weakly_canonical(target_, ignored);
    if (!ignored) target_ = resolved;
  }
  for (int i = 0; i < kNameAttempts; ++i) {
    temporary_ = FolderOf(target_) /
                 (".qconvert-" + std::to_string(getpid()) + "-" + std::to_string(i) + ".tmp");
    descriptor_ =
        open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (descriptor_ >= 0) break;
    if (errno != EEXIST) ThrowErrno(target_, "cannot write", errno);
  }
  if (descriptor_ < 0) ThrowErrno(target_, "cannot make a temporary file", EEXIST);
  slot_ = RegisterTemporary(std::filesystem::absolute(temporary_));
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) close(descriptor_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
  UnregisterTemporary(slot_);
}

void AtomicFile::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) ThrowErrno(target_, "cannot write", errno);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

void AtomicFile::Sync() {
  if (descriptor_ < 0) return;
  if (fsync(descriptor_) != 0) ThrowErrno(target_, "cannot write to disk", errno);
  if (close(std::exchange(descriptor_, -1)) != 0)
    ThrowErrno(target_, "cannot write to disk", errno);
}

void AtomicFile::Commit() {
  Sync();
  struct stat old {};
  if (stat(target_.c_str(), &old) == 0 && chmod(temporary_.c_str(), old.st_mode & 07777) != 0) {
    ThrowErrno(target_, "cannot keep the file mode", errno);
  }
  if (rename(temporary_.c_str(), target_.c_str()) != 0)
    ThrowErrno(target_, "cannot replace", errno);
  temporary_.clear();
  UnregisterTemporary(std::exchange(slot_, -1));
  const int folder = open(FolderOf(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    fsync(folder);  // the file is in place either way; an unsynced folder only delays durability
    close(folder);
  }
}

void WriteFile(const std::filesystem::path& target, std::string_view bytes) {
  AtomicFile file(target);
  file.Write(bytes);
  file.Commit();
}

}  // namespace qconvert
