#include "quiet_stderr.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <mutex>

namespace qconvert {
namespace {

std::mutex g_one_at_a_time;  // two that overlap would put each other's null device back

}  // namespace

QuietStderr::QuietStderr() : kept_(-1) {
  g_one_at_a_time.lock();
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nowhere < 0) return;
  // Not for processes that are started meanwhile.
  kept_ = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (kept_ >= 0) dup2(nowhere, STDERR_FILENO);
  close(nowhere);
}

QuietStderr::~QuietStderr() {
  if (kept_ >= 0) {
    dup2(kept_, STDERR_FILENO);
    close(kept_);
  }
  g_one_at_a_time.unlock();
}

bool HasPatterns(std::string_view model_bytes) {
  // memmem: weights of gigabytes are read through.
  for (const std::string_view op_type : {"RegexFullMatch", "Tokenizer"}) {
    if (memmem(model_bytes.data(), model_bytes.size(), op_type.data(), op_type.size()) != nullptr)
      return true;
  }
  return false;
}

}  // namespace qconvert
