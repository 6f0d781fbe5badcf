// Errors that tests expect.
#ifndef QCONVERT_TESTS_SUPPORT_ERRORS_H_
#define QCONVERT_TESTS_SUPPORT_ERRORS_H_

#include <gmock/gmock.h>

#include <string>

#include "qconvert/base/error.h"

namespace qconvert {

// EXPECT_THAT([&] { Work(); }, ThrowsError(ExitCode::kData, "what is said of it")): in one line.
inline auto ThrowsError(ExitCode code, const std::string& text) {
  return testing::Throws<Error>(testing::AllOf(
      testing::Property(&Error::code, code),
      testing::Property(&Error::what, testing::AllOf(testing::HasSubstr(text),
                                                     testing::Not(testing::HasSubstr("\n"))))));
}

}  // namespace qconvert

#endif  // QCONVERT_TESTS_SUPPORT_ERRORS_H_
