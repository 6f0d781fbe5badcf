// What processes take of the machine's memory.
#ifndef QCONVERT_BASE_MEMORY_H_
#define QCONVERT_BASE_MEMORY_H_

#include <cstdint>

namespace qconvert {

// Bytes that are resident now, of this process or of another one; 0 where the system does not tell.
// Source: Linux proc(5), statm.
int64_t ResidentBytes();
int64_t ResidentBytes(int process);

}  // namespace qconvert

#endif  // QCONVERT_BASE_MEMORY_H_
