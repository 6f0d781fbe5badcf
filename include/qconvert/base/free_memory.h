// What a process has freed and still holds.
#ifndef QCONVERT_BASE_FREE_MEMORY_H_
#define QCONVERT_BASE_FREE_MEMORY_H_

namespace qconvert {

// Gives memory that is free, but kept for what comes next, back to the system. Right where much has
// been freed at once and other threads, or large blocks, are next: takes a few milliseconds.
void ReturnFreeMemory();

}  // namespace qconvert

#endif  // QCONVERT_BASE_FREE_MEMORY_H_
