// The observer custom operator: output aliased to input, so that reading a value costs no copy.
#ifndef QCONVERT_SRC_RUNTIME_OBSERVER_OP_H_
#define QCONVERT_SRC_RUNTIME_OBSERVER_OP_H_

#include "ort_library.h"
#include "qconvert/runtime/session.h"

namespace qconvert {

// Who observes on this thread. With one intra-op thread a kernel runs on the thread that called
// Run.
class ScopedObserver {
 public:
  explicit ScopedObserver(ValueObserver* observer);
  ~ScopedObserver();
  ScopedObserver(const ScopedObserver&) = delete;
  ScopedObserver& operator=(const ScopedObserver&) = delete;
};

// The domain holding the operator; lives as long as the process.
const Ort::CustomOpDomain& ObserverDomain();

}  // namespace qconvert

#endif  // QCONVERT_SRC_RUNTIME_OBSERVER_OP_H_
