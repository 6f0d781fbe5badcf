// What ParallelFor has been worth starting threads for.
#ifndef QCONVERT_BASE_STARTED_THREADS_H_
#define QCONVERT_BASE_STARTED_THREADS_H_

#include <cstdint>

namespace qconvert {

// How many threads ParallelFor (base/parallel.h) has started in this process, its callers not
// counted: what stays on one processor starts none.
int64_t StartedThreads();

}  // namespace qconvert

#endif  // QCONVERT_BASE_STARTED_THREADS_H_
