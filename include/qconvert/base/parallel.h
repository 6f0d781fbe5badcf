// Work shared by threads.
#ifndef QCONVERT_BASE_PARALLEL_H_
#define QCONVERT_BASE_PARALLEL_H_

#include <cstddef>
#include <functional>

namespace qconvert {

// Calls `work(index, worker)` for 0 .. count-1 from `workers` threads, each index once, in
// increasing order of start. The first exception (of the lowest index) is rethrown after all
// threads have stopped.
void ParallelFor(size_t count, int workers,
                 const std::function<void(size_t index, size_t worker)>& work);

}  // namespace qconvert

#endif  // QCONVERT_BASE_PARALLEL_H_
