// How many of a thing, in words.
#ifndef QCONVERT_BASE_COUNTED_H_
#define QCONVERT_BASE_COUNTED_H_

#include <cstdint>
#include <string>

namespace qconvert {

// "1 sample", "3 samples".
std::string Counted(int64_t count, const char* what);

}  // namespace qconvert

#endif  // QCONVERT_BASE_COUNTED_H_
