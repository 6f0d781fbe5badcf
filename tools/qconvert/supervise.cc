#include "supervise.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string_view>

#include "qconvert/base/activity.h"
#include "qconvert/base/error.h"
#include "qconvert/base/log.h"
#include "qconvert/base/provisional.h"
#include "verdict_file.h"

namespace qconvert {
namespace {

struct SharedVerdict {
  std::array<char, PATH_MAX> target;
  std::array<char, PATH_MAX> model;
};
SharedVerdict* g_verdict = nullptr;

sigset_t SupervisedSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP, SIGCHLD})
    sigaddset(&signals, signal_number);
  return signals;
}

// How the child ended, as waitpid tells it; passes signals on meanwhile.
int WaitFor(pid_t child, const sigset_t& signals) {
  for (;;) {
    int status = 0;
    if (waitpid(child, &status, WNOHANG) == child) return status;
    const int signal_number = sigwaitinfo(&signals, nullptr);
    if (signal_number > 0 && signal_number != SIGCHLD) kill(child, signal_number);
  }
}

int Tell(ExitCode code, const std::string& message) {
  LogError(message);
  try {
    VerdictFile verdict;
    verdict.Open(g_verdict->target.data(), g_verdict->model.data(), {});
    verdict.WriteFailure(code, {message});
  } catch (const std::exception& e) {
    LogError(e.what());
  }
  return static_cast<int>(code);
}

int TellDeath(int signal_number) {
  RemoveProvisionals();
  switch (signal_number) {
    case SIGINT:
    case SIGTERM:
    case SIGHUP:
    case SIGQUIT:
      return 128 + signal_number;
    case SIGKILL:
      return Tell(ExitCode::kResource,
                  fmt::format("killed by SIGKILL, as the system does when memory runs out: {}",
                              kMemoryHint));
    case SIGXCPU:
      return Tell(ExitCode::kResource, "the limit of processor time was reached");
    default:
      break;
  }
  const LostCall call = FindLostCall();
  const std::string name = fmt::format("SIG{}", sigabbrev_np(signal_number));
  if (call.place.empty())
    return Tell(ExitCode::kInternal, fmt::format("internal error: killed by {}", name));
  return Tell(ExitCode::kModel,
              Error(ExitCode::kModel, call.place,
                    fmt::format("the engine was killed by {} while {}", name, call.where))
                  .what());
}

bool IsSwitchedOff() {
  const char* value = std::getenv("QCONVERT_SUPERVISE");
  return value != nullptr && std::string_view(value) == "0";
}

template <size_t kSize>
void Put(const std::string& text, std::array<char, kSize>& out) {
  if (text.size() < kSize) std::memcpy(out.data(), text.c_str(), text.size() + 1);
}

bool Share() {
  ShareProvisionals();
  ShareActivity();
  void* memory = mmap(nullptr, sizeof(SharedVerdict), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  g_verdict = new (memory) SharedVerdict{};
  return true;
}

}  // namespace

int Supervise(const std::function<int()>& work) {
  if (IsSwitchedOff() || !Share()) return work();
  const sigset_t signals = SupervisedSignals();
  sigset_t before;
  sigprocmask(SIG_BLOCK, &signals, &before);
  std::signal(SIGCHLD, SIG_DFL);  // where it is ignored, the system forgets how children ended
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child > 0) {
    const int status = WaitFor(child, signals);
    return WIFSIGNALED(status) ? TellDeath(WTERMSIG(status)) : WEXITSTATUS(status);
  }
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(128 + SIGTERM);
    RecordCrashes();
  }
  sigprocmask(SIG_SETMASK, &before, nullptr);
  return work();  // in this process where no other can be made
}

void ShareVerdict(const std::string& target, const std::string& model) {
  if (g_verdict == nullptr) return;
  Put(target, g_verdict->target);
  Put(model, g_verdict->model);
}

}  // namespace qconvert
