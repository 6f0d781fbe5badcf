// QCONVERT_CHECK: a broken invariant of our own code. Never reachable by user input.
#ifndef QCONVERT_BASE_CHECK_H_
#define QCONVERT_BASE_CHECK_H_

#include <stdexcept>
#include <string>

namespace qconvert {

// Thrown by QCONVERT_CHECK; the tool reports it as an internal error (exit code 70).
class InternalError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

[[noreturn]] inline void CheckFailed(const char* condition, const char* file, int line) {
  throw InternalError(std::string("check failed: ") + condition + " (" + file + ":" +
                      std::to_string(line) + ")");
}

}  // namespace qconvert

#define QCONVERT_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::qconvert::CheckFailed(#condition, __FILE__, __LINE__))

#endif  // QCONVERT_BASE_CHECK_H_
