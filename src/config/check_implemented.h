// Which settings do something: all others are an error, not a silence.
#ifndef QCONVERT_CONFIG_CHECK_IMPLEMENTED_H_
#define QCONVERT_CONFIG_CHECK_IMPLEMENTED_H_

#include "dialect.h"

namespace qconvert {

// Reports what was asked for and no file for the device can hold. Halves that are to be rounded
// another way than to even are a warning instead.
void CheckImplemented(const ReadResult& result, ReadContext& context);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_CHECK_IMPLEMENTED_H_
