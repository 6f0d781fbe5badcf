// Which settings do something: all others are an error, not a silence.
#ifndef QCONVERT_CONFIG_CHECK_IMPLEMENTED_H_
#define QCONVERT_CONFIG_CHECK_IMPLEMENTED_H_

#include "dialect.h"

namespace qconvert {

// Reports "not implemented yet: KEY VALUE" for what was asked for and cannot be done. A few
// defaults of the vendor's that cannot be done are a warning instead: equalization and bias
// correction stay off, halves are rounded to even.
void CheckImplemented(const ReadResult& result, ReadContext& context);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_CHECK_IMPLEMENTED_H_
