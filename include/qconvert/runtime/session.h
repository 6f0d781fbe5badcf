// Running a model: the interface that calibration and comparison see.
#ifndef QCONVERT_RUNTIME_SESSION_H_
#define QCONVERT_RUNTIME_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "qconvert/base/check.h"
#include "qconvert/ir/graph.h"

namespace qconvert {

// A tensor that belongs to somebody else.
struct TensorView {
  DataType type = DataType::kUndefined;
  std::span<const int64_t> dims;
  const void* data = nullptr;
  size_t count = 0;  // elements

  std::span<const float> floats() const {
    QCONVERT_CHECK(type == DataType::kFloat);
    return {static_cast<const float*>(data), count};
  }
};

// Sees the values of observer nodes while a sample runs. One per Run call: an implementation needs
// no locks.
class ValueObserver {
 public:
  virtual ~ValueObserver() = default;
  // `id` is the observer node's "id" attribute; `value` is valid during the call only.
  virtual void Observe(int64_t id, const TensorView& value) = 0;
};

// The operator that calibration inserts: one float tensor in, the same tensor out, read on the way.
//   x -> qconvert.observe:Observe {id} -> y
inline constexpr const char* kObserverDomain = "qconvert.observe";
inline constexpr const char* kObserverOpType = "Observe";

// A loaded model. Run may be called from several threads at once.
class Session {
 public:
  virtual ~Session() = default;

  virtual const std::vector<Value>& inputs() const = 0;
  // With types inferred by the engine.
  virtual const std::vector<Value>& outputs() const = 0;

  // Runs one sample. `inputs` are matched by name and must be complete. Returns the outputs in
  // order; an output that is no tensor comes back with type kUndefined. `observer` may be null.
  // Throws Error with the engine's reason: kModel, kData for an index that the model's table does
  // not have, kResource when memory runs out.
  virtual std::vector<Tensor> Run(std::span<const Tensor> inputs,
                                  ValueObserver* observer) const = 0;
};

}  // namespace qconvert

#endif  // QCONVERT_RUNTIME_SESSION_H_
