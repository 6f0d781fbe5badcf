// The one error type of the library and the exit codes it maps to.
//
// A user's fault (model, config, data, disk) is an Error; a fault of ours is a failed
// QCONVERT_CHECK (base/check.h). Every folder that wraps a third-party library turns that library's
// exceptions into Error at its border; only the command-line tool catches.
#ifndef QCONVERT_BASE_ERROR_H_
#define QCONVERT_BASE_ERROR_H_

#include <stdexcept>
#include <string>
#include <string_view>

namespace qconvert {

// Process exit codes. Stable: scripts depend on them.
enum class ExitCode : int {
  kSuccess = 0,
  kUsage = 2,      // command line
  kConfig = 3,     // configuration file
  kModel = 4,      // model file or external data
  kData = 5,       // calibration data
  kFile = 6,       // file system: missing, unreadable, full disk
  kResource = 7,   // a size or memory limit
  kNumeric = 8,    // NaN, infinity, or a result outside the accepted error
  kInternal = 70,  // a bug in qconvert
};

// The word used for `code` in machine-readable verdicts, for example "model".
std::string_view ExitCodeName(ExitCode code);

// What to do when memory runs out; ends a message.
inline constexpr std::string_view kMemoryHint =
    "fewer --workers take less, and so does a smaller --memory-limit";

// A failure the user can act on. what() is "PLACE: MESSAGE", one line, control characters escaped.
class Error : public std::runtime_error {
 public:
  // `place` names where: a file, `file:line:col`, a node or a tensor; empty when the message says
  // it all. `message` says what was found and what was expected: lower case, one sentence, no final
  // period.
  Error(ExitCode code, std::string_view place, std::string_view message);

  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

// Replaces control characters and invalid UTF-8 by \xNN, and the middle of texts that would take
// more than 280 bytes by "...": the what() of an Error has at most 582 bytes.
std::string EscapeForTerminal(std::string_view text);
// The same, of any length: for names that must stay apart.
std::string EscapeWhole(std::string_view text);

}  // namespace qconvert

#endif  // QCONVERT_BASE_ERROR_H_
