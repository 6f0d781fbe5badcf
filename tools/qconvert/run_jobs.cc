#include "run_jobs.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <mutex>
#include <string_view>
#include <system_error>

#include "qconvert/base/error.h"
#include "qconvert/base/parallel.h"
#include "ranks.h"
#include "supervise.h"

namespace qconvert {
namespace {

constexpr size_t kMaxVerdict = size_t{64} << 20;  // bytes
constexpr size_t kMaxErrors = size_t{64} << 10;
// As shells tell of what cannot be executed.
constexpr int kCannotRun = 126;

// Two ends of a pipe, closed with it.
class Pipe {
 public:
  Pipe() {
    if (pipe2(ends_.data(), O_CLOEXEC) != 0)
      throw Error(ExitCode::kResource, "", "no pipe for a job, fewer --jobs need fewer");
  }
  ~Pipe() {
    Close(0);
    Close(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  int read_end() const { return ends_[0]; }
  int write_end() const { return ends_[1]; }
  void Close(size_t end) {
    if (ends_.at(end) >= 0) close(ends_.at(end));
    ends_.at(end) = -1;
  }

 private:
  std::array<int, 2> ends_ = {-1, -1};
};

// That of this process without the launcher's word: a job is no rank, and would wait for others.
std::vector<char*> JobEnvironment() {
  std::vector<char*> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    const std::string_view name = text.substr(0, text.find('='));
    if (std::find(kLauncherVariables.begin(), kLauncherVariables.end(), name) ==
        kLauncherVariables.end()) {
      variables.push_back(*variable);
    }
  }
  variables.push_back(nullptr);
  return variables;
}

// After fork, in the child: nothing but system calls.
[[noreturn]] void BecomeJob(char* const* arguments, char* const* environment, const Pipe& verdict,
                            const Pipe& errors, pid_t parent) {
  if (!EndWithParent(parent)) _exit(kCannotRun);
  const int null = open("/dev/null", O_RDONLY);
  if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(verdict.write_end(), STDOUT_FILENO) < 0 ||
      dup2(errors.write_end(), STDERR_FILENO) < 0) {
    _exit(kCannotRun);
  }
  // What this process blocks would stay blocked in the job.
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  // This very program, wherever it lies and whatever has taken its name since.
  execve("/proc/self/exe", arguments, environment);
  _exit(kCannotRun);
}

// Reads both to their ends; keeps the first bytes of the verdict and the last of the errors.
void Collect(const Pipe& verdict, const Pipe& errors, JobResult& result) {
  std::array<pollfd, 2> ends = {{{verdict.read_end(), POLLIN, 0}, {errors.read_end(), POLLIN, 0}}};
  std::array<char, 1 << 16> buffer{};
  while (ends[0].fd >= 0 || ends[1].fd >= 0) {
    if (poll(ends.data(), ends.size(), -1) < 0 && errno != EINTR) return;
    for (pollfd& end : ends) {
      if (end.fd < 0 || end.revents == 0) continue;
      const ssize_t count = read(end.fd, buffer.data(), buffer.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) {
        end.fd = -1;
        continue;
      }
      const bool is_verdict = &end == ends.data();
      std::string& text = is_verdict ? result.verdict : result.errors;
      text.append(buffer.data(), static_cast<size_t>(count));
      if (is_verdict && text.size() > kMaxVerdict) text.resize(kMaxVerdict);
      if (!is_verdict && text.size() > kMaxErrors) text.erase(0, text.size() - kMaxErrors);
    }
  }
}

void Fail(ExitCode code, const std::string& why, JobResult& result) {
  result.exit_code = static_cast<int>(code);
  result.errors += "\nqconvert: error: " + why + "\n";
}

// How the job ended. A conversion tells of its own end; what is said here is about those that
// cannot.
void Finish(pid_t child, JobResult& result) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFSIGNALED(status)) {
    result.exit_code = WEXITSTATUS(status);
    if (result.exit_code == 0 && !result.verdict.starts_with('{'))
      Fail(ExitCode::kConfig, "made no model: the job's args ask for something else", result);
    return;
  }
  const int signal = WTERMSIG(status);
  const std::string name = "killed by SIG" + std::string(sigabbrev_np(signal));
  if (signal == SIGKILL)
    return Fail(ExitCode::kResource, name + ": by a person, or for want of memory", result);
  Fail(ExitCode::kInternal, name, result);
}

JobResult RunJob(const Job& job, const std::vector<std::string>& further) {
  std::vector<std::string> words = {"qconvert", "convert", job.model.string()};
  words.insert(words.end(), job.arguments.begin(), job.arguments.end());
  words.insert(words.end(), further.begin(), further.end());
  words.insert(words.end(), {"--json", "-", "--quiet"});
  // Before the fork: the child must not allocate.
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const std::vector<char*> environment = JobEnvironment();
  JobResult result{job.name, job.model.string(), 0, {}, {}};
  Pipe verdict;
  Pipe errors;
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0)
    throw Error(ExitCode::kResource, "", "no process for a job, fewer --jobs need fewer");
  if (child == 0) BecomeJob(arguments.data(), environment.data(), verdict, errors, parent);
  // While this process could write, reading would come to no end.
  verdict.Close(1);
  errors.Close(1);
  Collect(verdict, errors, result);
  Finish(child, result);
  return result;
}

}  // namespace

std::vector<JobResult> RunJobs(const std::vector<Job>& jobs, const RunJobsOptions& options) {
  std::vector<JobResult> results(jobs.size());
  std::mutex mutex;
  size_t done = 0;
  ParallelFor(jobs.size(), options.at_once, [&](size_t k, size_t /*worker*/) {
    results[k] = RunJob(jobs[k], options.arguments);
    const std::lock_guard lock(mutex);
    if (options.progress) options.progress(++done);
  });
  return results;
}

}  // namespace qconvert
