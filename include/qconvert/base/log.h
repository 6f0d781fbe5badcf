// The one logging facade. Only src/base/log.cc knows the logging library.
//
// Logs go to stderr and are for people; results go to stdout, and warnings that a script needs are
// data in the result.
#ifndef QCONVERT_BASE_LOG_H_
#define QCONVERT_BASE_LOG_H_

#include <string_view>

namespace qconvert {

enum class LogLevel { kQuiet, kWarnings, kNormal, kVerbose };

// Default: kNormal. kQuiet drops everything but errors, kWarnings everything but these and
// warnings, kVerbose adds debug lines.
void SetLogLevel(LogLevel level);
LogLevel GetLogLevel();

void LogDebug(std::string_view message);
void LogInfo(std::string_view message);
void LogWarning(std::string_view message);
void LogError(std::string_view message);

}  // namespace qconvert

#endif  // QCONVERT_BASE_LOG_H_
