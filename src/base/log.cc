#include "qconvert/base/log.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>

#include "qconvert/base/error.h"
#include "qconvert/base/terminal.h"

namespace qconvert {
namespace {

LogLevel g_level = LogLevel::kNormal;

// Made on first use: a log line may come before main, from the initialization of another file.
spdlog::logger& Logger() {
  static const std::shared_ptr<spdlog::logger> logger = [] {
    auto result = std::make_shared<spdlog::logger>(
        // _mt: several threads log.
        "qconvert", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    result->set_pattern("qconvert: %v");
    result->set_error_handler([](const std::string&) {});  // a closed stderr is not worth a message
    return result;
  }();
  return *logger;
}

constexpr const char* kRed = "31";
constexpr const char* kYellow = "33";

// "warning:", in its color where a person looks at a screen that has colors.
std::string Kind(const char* word, const char* color) {
  static const bool has_colors = ShowsColors();
  return has_colors ? fmt::format("\033[1;{}m{}\033[0m", color, word) : word;
}

}  // namespace

void SetLogLevel(LogLevel level) {
  g_level = level;
  switch (level) {
    case LogLevel::kQuiet:
      return Logger().set_level(spdlog::level::err);
    case LogLevel::kWarnings:
      return Logger().set_level(spdlog::level::warn);
    case LogLevel::kNormal:
      return Logger().set_level(spdlog::level::info);
    case LogLevel::kVerbose:
      return Logger().set_level(spdlog::level::debug);
  }
}

LogLevel GetLogLevel() { return g_level; }

// As arguments, never as formats: a name in a message may hold braces.
void LogDebug(std::string_view message) { Logger().debug("{}", message); }
void LogInfo(std::string_view message) { Logger().info("{}", message); }
void LogWarning(std::string_view message) {
  Logger().warn("{} {}", Kind("warning:", kYellow), message);
}
void LogError(std::string_view message) { Logger().error("{} {}", Kind("error:", kRed), message); }

}  // namespace qconvert
