// What the engine's own libraries write on stderr.
#ifndef QCONVERT_SRC_RUNTIME_QUIET_STDERR_H_
#define QCONVERT_SRC_RUNTIME_QUIET_STDERR_H_

#include <string_view>

namespace qconvert {

// While one lives, whatever this process writes on stderr goes nowhere. One at a time: others wait.
class QuietStderr {
 public:
  QuietStderr();
  ~QuietStderr();
  QuietStderr(const QuietStderr&) = delete;
  QuietStderr& operator=(const QuietStderr&) = delete;

 private:
  int kept_;  // descriptor of the real one, -1 where it could not be kept
};

// Whether the bytes of a model name an operator with regular expressions: the engine's library for
// these writes a pattern that it refuses on stderr as it is, control characters and all, besides
// the exception.
bool HasPatterns(std::string_view model_bytes);

}  // namespace qconvert

#endif  // QCONVERT_SRC_RUNTIME_QUIET_STDERR_H_
