#include "supervise.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string_view>

#include "qconvert/base/activity.h"
#include "qconvert/base/error.h"
#include "qconvert/base/log.h"
#include "qconvert/base/memory.h"
#include "qconvert/base/provisional.h"
#include "ranks.h"

namespace qconvert {
namespace {

constexpr long kTickNs = 50'000'000;        // between two looks at the ceilings
constexpr double kGraceSeconds = 5;         // from TERM to KILL
constexpr int64_t kMostSearchSeconds = 60;  // for the node that killed the engine

// In memory that parent and child share: plain data, no pointers.
struct Shared {
  std::array<char, PATH_MAX> verdict;
  std::array<char, PATH_MAX> model;
  std::atomic<VerdictKind> kind;
  std::atomic<int64_t> memory_bytes;
  std::atomic<int64_t> seconds;

  Ceilings ceilings() const { return {memory_bytes, seconds}; }
};
Shared* g_shared = nullptr;

sigset_t SupervisedSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP, SIGCHLD})
    sigaddset(&signals, signal_number);
  return signals;
}

enum class Reached { kNothing, kMemory, kTime };

// How a child ended, as waitpid tells it, and the ceiling that it was ended for.
struct Ending {
  int status = 0;
  Reached reached = Reached::kNothing;

  // After TERM came too late for it the outputs are there.
  bool is_done() const { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }
};

// Passes signals on, and ends the child at a ceiling: with TERM, which lets a commit pass, then
// with KILL. `ceilings` are asked for again and again: the child tells them once it knows.
Ending WaitFor(pid_t child, const sigset_t& signals, const std::function<Ceilings()>& ceilings) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  Ending ending;
  Clock::time_point asked;
  for (;;) {
    if (waitpid(child, &ending.status, WNOHANG) == child) return ending;
    const timespec tick = {0, kTickNs};
    const int signal_number = sigtimedwait(&signals, nullptr, &tick);
    if (signal_number > 0 && signal_number != SIGCHLD) kill(child, signal_number);
    const auto seconds_since = [](Clock::time_point then) {
      return std::chrono::duration<double>(Clock::now() - then).count();
    };
    if (ending.reached != Reached::kNothing) {
      if (seconds_since(asked) > kGraceSeconds) kill(child, SIGKILL);
      continue;
    }
    const auto [memory_bytes, seconds] = ceilings();
    if (seconds > 0 && seconds_since(start) > static_cast<double>(seconds))
      ending.reached = Reached::kTime;
    // Without a ceiling of its own a run may take what there is, and no more.
    const int64_t resident = ResidentBytes(child);
    if (memory_bytes > 0 ? resident > memory_bytes : TakesTheLast(resident, MemoryOfMachine()))
      ending.reached = Reached::kMemory;
    if (ending.reached == Reached::kNothing) continue;
    asked = Clock::now();
    kill(child, SIGTERM);
  }
}

int Tell(ExitCode code, const std::string& message) {
  LogError(message);
  try {
    // The child's own ended with the child.
    VerdictFile verdict;
    verdict.Open(g_shared->verdict.data(), g_shared->model.data(), {}, g_shared->kind);
    verdict.WriteFailure(code, {message});
  } catch (const std::exception& e) {
    LogError(e.what());
  }
  return static_cast<int>(code);
}

int TellCeiling(Reached reached) {
  const Ceilings ceilings = g_shared->ceilings();
  const LostCall call = FindLostCall();
  const std::string during = call.place.empty() ? "" : fmt::format(", while {}", call.Where());
  const std::string message =
      reached == Reached::kTime
          ? fmt::format("not done after {} s{}; a larger --time-limit allows more",
                        ceilings.seconds, during)
      : ceilings.memory_bytes > 0
          ? fmt::format(
                "memory_limit allows {} MB, the run takes more{}; fewer --workers take "
                "less, a larger --memory-limit allows more",
                ceilings.memory_bytes >> 20, during)
          : fmt::format("the run takes the last of {} MB of memory{}; fewer --workers take less",
                        MemoryOfMachine().total >> 20, during);
  return Tell(ExitCode::kResource, Error(ExitCode::kResource, call.place, message).what());
}

// The node that the engine died of, or nothing: a second child does the same work again, writes
// nothing, says nothing, and looks closely at calls like the lost one.
std::string SearchKiller(const LostCall& call, const std::function<int()>& work,
                         const sigset_t& signals, const sigset_t& before) {
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) return "";
  if (child == 0) {
    if (!EndWithParent(parent)) _exit(0);
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere < 0 || dup2(nowhere, STDOUT_FILENO) < 0 || dup2(nowhere, STDERR_FILENO) < 0)
      _exit(0);
    // XFSZ is ignored, so that every write of this run fails instead.
    const rlimit no_files = {0, 0};
    setrlimit(RLIMIT_FSIZE, &no_files);
    // It is no rank, and must not wait for others.
    for (const char* launcher : kLauncherVariables) unsetenv(launcher);
    SearchAgain(call);
    sigprocmask(SIG_SETMASK, &before, nullptr);
    work();
    _exit(0);
  }
  WaitFor(child, signals, [] { return Ceilings{g_shared->memory_bytes, kMostSearchSeconds}; });
  RemoveProvisionals();
  return FoundKiller();
}

int TellDeath(int signal_number, const std::function<std::string(const LostCall&)>& search) {
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
  LostCall call = FindLostCall();
  const std::string name = fmt::format("SIG{}", sigabbrev_np(signal_number));
  // Not inside the engine: the fault is ours.
  if (call.place.empty())
    return Tell(ExitCode::kInternal, fmt::format("internal error: killed by {}", name));
  const std::string node = search(call);
  if (!node.empty()) call.progress = node;
  return Tell(ExitCode::kModel,
              Error(ExitCode::kModel, call.place,
                    fmt::format("the engine was killed by {} while {}", name, call.Where()))
                  .what());
}

bool IsSwitchedOff() {
  const char* value = std::getenv("QCONVERT_SUPERVISE");
  return value != nullptr && std::string_view(value) == "0";
}

template <size_t kSize>
void Put(const std::string& text, std::array<char, kSize>& out) {
  // What is too long stays empty: then nothing is told there.
  if (text.size() < kSize) std::memcpy(out.data(), text.c_str(), text.size() + 1);
}

bool Share() {
  ShareProvisionals();
  ShareActivity();
  void* memory =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  g_shared = new (memory) Shared{};
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
    const Ending ending = WaitFor(child, signals, [] { return g_shared->ceilings(); });
    const bool is_cut = ending.reached != Reached::kNothing && !ending.is_done();
    if (!is_cut && WIFEXITED(ending.status)) return WEXITSTATUS(ending.status);
    RemoveProvisionals();
    if (is_cut) return TellCeiling(ending.reached);
    return TellDeath(WTERMSIG(ending.status), [&](const LostCall& call) {
      return SearchKiller(call, work, signals, before);
    });
  }
  if (child == 0) {
    if (!EndWithParent(parent)) _exit(128 + SIGTERM);
    RecordCrashes();
  }
  sigprocmask(SIG_SETMASK, &before, nullptr);
  return work();  // in this process where no other can be made
}

bool EndWithParent(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  // A parent that died before the line above sends no signal any more.
  return getppid() == parent;
}

void ShareVerdict(const std::string& target, const std::string& model, VerdictKind kind) {
  if (g_shared == nullptr) return;
  g_shared->kind = kind;
  Put(target, g_shared->verdict);
  Put(model, g_shared->model);
}

void ShareCeilings(const Ceilings& ceilings) {
  if (g_shared == nullptr) return;
  g_shared->memory_bytes = ceilings.memory_bytes;
  g_shared->seconds = ceilings.seconds;
}

}  // namespace qconvert
