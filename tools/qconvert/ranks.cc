#include "ranks.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

#include "qconvert/base/error.h"
#include "qconvert/config/read_config.h"

namespace qconvert {
namespace {

constexpr const char* kComponent = "libqconvert_mpi.so";

// How many processes the launcher started; 0: no launcher that tells.
int LaunchedProcesses() {
  for (const char* name : kLauncherVariables) {
    const char* text = std::getenv(name);
    if (text == nullptr) continue;
    const std::string_view digits(text);
    int count = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), count);
    return count;
  }
  return 0;
}

// From the program's run path, else from lib beside its folder.
void* OpenComponent() {
  void* library = dlopen(kComponent, RTLD_NOW | RTLD_GLOBAL);
  if (library != nullptr) return library;
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  return dlopen((program.parent_path() / "../lib" / kComponent).c_str(), RTLD_NOW | RTLD_GLOBAL);
}

// What a rank sends: a code in its own line, then its part, or its errors line by line.
std::string Outcome(ExitCode code, const std::string& text) {
  return fmt::format("{}\n{}", static_cast<int>(code), text);
}

bool FeedsBack(const CalibrateOptions& options) {
  return std::any_of(options.states.begin(), options.states.end(),
                     [](const StateInput& state) { return !state.output.empty(); });
}

std::string TryPart(const std::function<std::string()>& part) {
  try {
    return Outcome(ExitCode::kSuccess, part());
  } catch (const ConfigError& e) {
    return Outcome(e.code(), fmt::format("{}", fmt::join(e.problems(), "\n")));
  } catch (const Error& e) {
    return Outcome(e.code(), e.what());
  } catch (const std::bad_alloc&) {
    return Outcome(ExitCode::kResource, "out of memory");
  } catch (const std::exception& e) {
    return Outcome(ExitCode::kInternal, std::string("internal error: ") + e.what());
  }
}

// The text behind the code; throws what went wrong.
std::string PartOf(const std::string& outcome) {
  const size_t line = outcome.find('\n');
  int number = 0;
  std::from_chars(outcome.data(), outcome.data() + line, number);
  const auto code = static_cast<ExitCode>(number);
  const std::string text = outcome.substr(line + 1);
  if (code == ExitCode::kSuccess) return text;
  // Only problems of a config come several at once.
  if (code != ExitCode::kConfig) throw Error(code, "", text);
  std::vector<std::string> problems;
  std::istringstream lines(text);
  for (std::string problem; std::getline(lines, problem);) problems.push_back(problem);
  throw ConfigError(std::move(problems));
}

}  // namespace

std::filesystem::path RankOutput(std::filesystem::path output, int rank) {
  return output += fmt::format(".rank{}", rank);
}

std::unique_ptr<Ranks> JoinRanks() {
  const int launched = LaunchedProcesses();
  if (launched < 2) return nullptr;
  void* library = OpenComponent();
  if (library == nullptr) {
    throw Error(ExitCode::kUsage, "",
                fmt::format("started as one of {} processes, but this build has no MPI component: "
                            "{}",
                            launched, dlerror()));
  }
  using Join = Ranks* (*)();
  const auto join = reinterpret_cast<Join>(dlsym(library, "QconvertJoinRanks"));
  if (join == nullptr) throw Error(ExitCode::kFile, kComponent, "is not the MPI component");
  return std::unique_ptr<Ranks>(join());
}

std::optional<std::vector<std::string>> GatherParts(Ranks& ranks,
                                                    const std::function<std::string()>& part) {
  // What fails is sent like a part: rank 0 waits for every one.
  std::vector<std::string> outcomes = ranks.GatherAndPart(TryPart(part));
  if (ranks.rank() != 0) return std::nullopt;
  for (std::string& outcome : outcomes) outcome = PartOf(outcome);
  return outcomes;
}

std::optional<StoredTable> CalibrateAcrossRanks(
    Ranks& ranks, const std::function<CalibrateOptions()>& make_options) {
  const auto parts = GatherParts(ranks, [&]() -> std::string {
    CalibrateOptions options = make_options();
    if (FeedsBack(options)) {
      if (ranks.rank() != 0) return "";
    } else {
      options.shard = {static_cast<size_t>(ranks.rank()), static_cast<size_t>(ranks.size())};
      if (!options.output.empty()) options.output = RankOutput(options.output, ranks.rank());
    }
    return FormatTable(MakeCalibrationTable(options));
  });
  if (!parts) return std::nullopt;
  std::vector<StoredTable> tables;
  std::vector<std::string> places;
  for (const std::string& text : *parts) {
    if (text.empty()) break;  // rank 0 has run everything
    places.push_back(fmt::format("rank {}", tables.size()));
    tables.push_back(ParseTable(text, places.back()));
  }
  return MergeTables(tables, places);
}

}  // namespace qconvert
