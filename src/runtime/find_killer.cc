#include "find_killer.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "qconvert/base/error.h"
#include "qconvert/onnx_proto/first_nodes.h"

namespace qconvert {
namespace {

enum class Outcome { kSurvives, kDies, kUnknown };

[[noreturn]] void RunProbe(const std::string& model_bytes, const TryModel& attempt) {
  for (const int signal_number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM})
    std::signal(signal_number, SIG_DFL);
  // A part that runs for ever says nothing of who kills.
  alarm(kMaxProbeSeconds);
  try {
    attempt(model_bytes);
  } catch (...) {  // refused, which is no death
  }
  // Not exit(): buffers and exit handlers are copies of the parent's.
  _exit(0);
}

Outcome Probe(const std::string& model_bytes, const TryModel& attempt) {
  const pid_t child = fork();
  if (child < 0) return Outcome::kUnknown;
  if (child == 0) RunProbe(model_bytes, attempt);
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return Outcome::kUnknown;
  if (!WIFSIGNALED(status)) return Outcome::kSurvives;
  return WTERMSIG(status) == SIGALRM ? Outcome::kUnknown : Outcome::kDies;
}

}  // namespace

std::string FindKiller(const std::string& model_bytes, const TryModel& attempt) {
  size_t dies = CountNodes(model_bytes);  // the first so many nodes kill, `survives` do not
  size_t survives = 0;
  // If the whole model lives in a second run, no part of it can be blamed.
  if (dies == 0 || Probe(model_bytes, attempt) != Outcome::kDies) return "";
  while (dies - survives > 1) {
    const size_t middle = survives + (dies - survives) / 2;
    const Outcome outcome = Probe(FirstNodes(model_bytes, middle), attempt);
    if (outcome == Outcome::kUnknown) return "";
    (outcome == Outcome::kDies ? dies : survives) = middle;
  }
  return DescribeNode(model_bytes, dies - 1);
}

std::string FindRefused(const std::string& model_bytes, const std::string& message,
                        const TryModel& open) {
  size_t refused = CountNodes(model_bytes);
  size_t taken = 0;
  if (refused == 0) return "";
  while (refused - taken > 1) {
    const size_t middle = taken + (refused - taken) / 2;
    try {
      open(FirstNodes(model_bytes, middle));
      taken = middle;
    } catch (const Error& e) {
      // Refused for another reason: the cut itself is at fault, and halving would name the wrong
      // node.
      if (e.what() != message) return "";
      refused = middle;
    }
  }
  return DescribeNode(model_bytes, refused - 1);
}

}  // namespace qconvert
