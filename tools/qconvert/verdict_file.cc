#include "verdict_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <string_view>
#include <system_error>
#include <utility>

#include "qconvert/base/activity.h"
#include "qconvert/base/file.h"
#include "qconvert/base/log.h"
#include "qconvert/base/refuse_overwriting.h"
#include "qconvert/report/batch_report.h"
#include "qconvert/report/conversion_report.h"
#include "supervise.h"

namespace qconvert {
namespace {

// Stdout or stderr when the file is one of them, else -1: a rename would part them.
int StandardStream(const struct stat& status) {
  for (const int descriptor : {STDOUT_FILENO, STDERR_FILENO}) {
    struct stat stream {};
    if (fstat(descriptor, &stream) == 0 && stream.st_dev == status.st_dev &&
        stream.st_ino == status.st_ino) {
      return descriptor;
    }
  }
  return -1;
}

int OpenDevice(const std::string& target) {
  // Without waiting: a pipe that nobody reads is an error.
  const int descriptor = open(target.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (descriptor < 0) {
    throw Error(ExitCode::kFile, target,
                errno == ENXIO ? std::string("cannot write: nobody reads it")
                               : "cannot write: " + std::generic_category().message(errno));
  }
  // Writing may wait, for a reader that is slow.
  fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK);
  return descriptor;
}

// Whether a failure may replace the file.
bool IsVerdict(const std::string& file) {
  std::error_code error;
  if (!std::filesystem::exists(file, error) || std::filesystem::is_empty(file, error)) return true;
  const std::string text = ReadFile(file);
  constexpr std::string_view kKey = "\n  \"exit\": ";
  const size_t key = text.find(kKey);
  if (!text.starts_with("{\n  \"") || key == std::string::npos) return false;
  const char value = text.c_str()[key + kKey.size()];
  return value == '"' || (value >= '0' && value <= '9');
}

}  // namespace

VerdictFile::~VerdictFile() {
  if (descriptor_ > STDERR_FILENO) close(descriptor_);
}

void VerdictFile::Open(const std::string& target, const std::string& model,
                       std::vector<std::filesystem::path> inputs, VerdictKind kind) {
  // The run that looks for a killer tells nothing.
  if (target.empty() || IsSearching()) return;
  struct stat status {};
  const bool exists = target != "-" && stat(target.c_str(), &status) == 0;
  if (target == "-") {
    descriptor_ = STDOUT_FILENO;
  } else if (exists) {
    descriptor_ = StandardStream(status);
    const bool is_device = !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
    if (descriptor_ < 0 && is_device) descriptor_ = OpenDevice(target);
  }
  if (descriptor_ < 0) {
    inputs.emplace_back(model);
    RefuseOverwriting({target}, inputs);
    CheckWritable(target);
  }
  target_ = target;
  model_ = model;
  kind_ = kind;
  ShareVerdict(target, model, kind);
}

bool VerdictFile::is_stdout() const { return descriptor_ == STDOUT_FILENO; }

void VerdictFile::Write(const std::string& text) {
  if (target_.empty()) return;
  // Before the attempt: a verdict that failed half way is not followed by another.
  written_ = true;
  if (descriptor_ >= 0) {
    WriteAll(descriptor_, is_stdout() ? "stdout" : target_, text);
  } else {
    WriteFile(target_, text);
  }
}

void VerdictFile::WriteFailure(ExitCode code, const std::vector<std::string>& errors) {
  if (target_.empty() || written_) return;
  try {
    const bool is_safe = descriptor_ >= 0 || (code != ExitCode::kUsage && IsVerdict(target_));
    if (!is_safe) return;
    Write(kind_ == VerdictKind::kBatch
              ? BatchFailureJson(static_cast<int>(code), errors)
              : FailureJson(model_, std::string(ExitCodeName(code)), errors));
  } catch (const std::exception& e) {
    LogError(e.what());
  }
}

}  // namespace qconvert
