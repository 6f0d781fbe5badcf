// A plan asks for a value that the calibration table does not have.
#ifndef QCONVERT_PLAN_UNSEEN_VALUE_H_
#define QCONVERT_PLAN_UNSEEN_VALUE_H_

#include <string>
#include <utility>

#include "qconvert/base/check.h"

namespace qconvert {

// Our own tables have whatever any plan can ask for (FindQuantizable): an internal error, but of a
// table that the user gave.
class UnseenValue : public InternalError {
 public:
  explicit UnseenValue(std::string value)
      : InternalError("a plan asks for value \"" + value + "\", which calibration did not see"),
        value_(std::move(value)) {}

  const std::string& value() const { return value_; }

 private:
  std::string value_;
};

}  // namespace qconvert

#endif  // QCONVERT_PLAN_UNSEEN_VALUE_H_
