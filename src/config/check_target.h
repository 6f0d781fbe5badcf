// Settings against what the device can hold: what it cannot is an error, not a silence.
#ifndef QCONVERT_CONFIG_CHECK_TARGET_H_
#define QCONVERT_CONFIG_CHECK_TARGET_H_

#include "dialect.h"

namespace qconvert {

// Reports what was asked for and no file for the device can hold. Halves that are to be rounded
// another way than to even are a warning instead.
void CheckTarget(const ReadResult& result, ReadContext& context);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_CHECK_TARGET_H_
