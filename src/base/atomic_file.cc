#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/signals.h"
#include "throw_errno.h"

namespace qconvert {
namespace {

// A process writes several files into one folder, and one in another container may have its id.
constexpr int kNameAttempts = 1000;
constexpr std::string_view kTemporaryPrefix = ".qconvert-";
constexpr std::string_view kTemporarySuffix = ".tmp";

std::filesystem::path FolderOf(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

void SyncFolder(const std::filesystem::path& path) {
  const int folder = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  fsync(folder);  // the file is in place either way; an unsynced folder only delays durability
  close(folder);
}

// Removes the temporary if it is ours and the process that made it is gone.
void RemoveIfAbandoned(const std::filesystem::path& temporary) {
  // No links and no waiting: anybody may put a link or a pipe there under such a name.
  const int descriptor = open(temporary.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) return;
  struct stat status {};
  if (fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid() &&
      // Its maker holds the lock as long as it lives.
      flock(descriptor, LOCK_EX | LOCK_NB) == 0) {
    unlink(temporary.c_str());
  }
  close(descriptor);
}

void RemoveAbandoned(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::directory_iterator it(folder, error);
  for (; !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.starts_with(kTemporaryPrefix) && name.ends_with(kTemporarySuffix))
      RemoveIfAbandoned(it->path());
  }
}

// False where the file system cannot exchange names.
bool Exchange(const std::filesystem::path& a, const std::filesystem::path& b) {
  return renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0;
}

}  // namespace

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
  // The temporary is made where links lead: that folder has to take it, not the one of the link.
  const std::filesystem::path folder = FolderOf(FollowLinks(target));
  if (stat(folder.c_str(), &status) != 0) ThrowErrno(folder, "cannot write to folder", errno);
  if (!S_ISDIR(status.st_mode)) {
    throw Error(ExitCode::kFile, folder.string(), "is not a folder, cannot write into it");
  }
  // Permissions say little: root may write anywhere, and yet makes no file in /proc.
  AtomicFile probe(target);
}

AtomicFile::AtomicFile(const std::filesystem::path& target) : target_(FollowLinks(target)) {
  const std::filesystem::path folder = FolderOf(target_);
  RemoveAbandoned(folder);
  for (int i = 0; i < kNameAttempts; ++i) {
    temporary_ = folder / fmt::format("{}{}-{}{}", kTemporaryPrefix, getpid(), i, kTemporarySuffix);
    if (OpenTemporary()) return;
  }
  ThrowErrno(target_, "cannot make a temporary file", EEXIST);
}

bool AtomicFile::OpenTemporary() {
  descriptor_ =
      // The umask narrows 0666, as of any new file; KeepMode sets what an old one had.
      open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (descriptor_ < 0 && errno == EEXIST) return false;
  if (descriptor_ < 0) ThrowErrno(target_, "cannot write", errno);
  provisional_ = Provisional(temporary_);
  lock_ = fcntl(descriptor_, F_DUPFD_CLOEXEC, 0);
  // Another process may take it for abandoned before it is locked.
  struct stat status {};
  const bool lost = (flock(lock_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) ||
                    (fstat(descriptor_, &status) == 0 && status.st_nlink == 0);
  if (!lost) return true;
  provisional_ = Provisional();
  close(std::exchange(descriptor_, -1));
  close(std::exchange(lock_, -1));
  return false;
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) close(descriptor_);
  if (lock_ >= 0) close(lock_);
}

void AtomicFile::Write(std::string_view bytes) { WriteAll(descriptor_, target_, bytes); }

void AtomicFile::Sync() {
  if (descriptor_ < 0) return;
  if (fsync(descriptor_) != 0) ThrowErrno(target_, "cannot write to disk", errno);
  if (close(std::exchange(descriptor_, -1)) != 0)
    ThrowErrno(target_, "cannot write to disk", errno);
}

void AtomicFile::KeepMode() const {
  struct stat old {};
  if (stat(target_.c_str(), &old) == 0 && chmod(temporary_.c_str(), old.st_mode & 07777) != 0)
    ThrowErrno(target_, "cannot keep the file mode", errno);
}

void AtomicFile::Place() {
  std::error_code ignored;
  // Exchanged where there is an old file: undoing a commit of several files can put it back.
  replaced_ = std::filesystem::is_regular_file(target_, ignored);  // a folder is never exchanged
  exchanged_ = replaced_ && Exchange(temporary_, target_);
  if (exchanged_) return;
  if (rename(temporary_.c_str(), target_.c_str()) != 0)
    ThrowErrno(target_, "cannot replace", errno);
}

void AtomicFile::Undo() const {
  // Without an exchange the old file is gone: the new one, which is complete, stays.
  if (exchanged_) {
    Exchange(temporary_, target_);
  } else if (!replaced_) {
    rename(target_.c_str(), temporary_.c_str());
  }
}

void AtomicFile::Finish() {
  // By now the temporary is the old file.
  if (exchanged_) unlink(temporary_.c_str());
  provisional_.Keep();
  SyncFolder(FolderOf(target_));
}

void AtomicFile::Commit() {
  AtomicFile* const self = this;
  CommitTogether({&self, 1});
}

void CommitTogether(std::span<AtomicFile* const> files) {
  // What can fail on a full disk comes before the first name changes.
  for (AtomicFile* file : files) {
    file->Sync();
    file->KeepMode();
  }
  HoldSignals();
  size_t placed = 0;
  try {
    for (; placed < files.size(); ++placed) files[placed]->Place();
  } catch (const Error&) {
    while (placed-- > 0) files[placed]->Undo();
    ReleaseSignals();
    throw;
  }
  for (AtomicFile* file : files) file->Finish();
}

void WriteFile(const std::filesystem::path& target, std::string_view bytes) {
  AtomicFile file(target);
  file.Write(bytes);
  file.Commit();
}

}  // namespace qconvert
