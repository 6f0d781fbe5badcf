// Session on ONNX Runtime.
#ifndef QCONVERT_RUNTIME_ORT_SESSION_H_
#define QCONVERT_RUNTIME_ORT_SESSION_H_

#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "qconvert/runtime/session.h"

namespace qconvert {

enum class OptimizationLevel { kNone, kAll };

struct OrtSessionOptions {
  OptimizationLevel optimization = OptimizationLevel::kAll;
  // One is right for calibration: samples run in parallel instead, and results do not depend on the
  // thread count.
  int intra_op_threads = 1;
  // Large initializers that the bytes name as external; the session shares their bytes.
  std::span<const Tensor> external_initializers;
  // What is fed in every run beside the caller's inputs (SerializeForFewRuns): no inputs of the
  // session, which shares their bytes.
  std::span<const Tensor> fed;
  // Kernels copy weights into a layout of their own while the session opens. Where it runs a few
  // times only, large weights are better left alone: no second copy, no time to make it.
  bool pack_weights = true;
  // False: what follows from constants is computed in every run instead of once. Right for few runs
  // of a file whose stored weights become floats that way: folded they stand in memory twice.
  bool fold_constants = true;
  // False: Q and DQ stay nodes around float kernels. Else the engine also makes integers of float
  // weights that stand beside a DequantizeLinear.
  bool integer_kernels = true;
  // True, as the engine has it by default: from the second run of the same shapes on it takes
  // memory for all values of a run at once, beside what the first one took. Right where time is
  // measured.
  bool plans_memory = false;
  // Where the engine writes its optimized graph; empty: nowhere.
  std::filesystem::path optimized_model_path;
  // The engine times its operators into "<this>_<date>.json" until the session is closed; empty: it
  // does not.
  std::filesystem::path trace_prefix;
};

// Loads from serialized bytes. `place` names the model in errors.
// Throws Error: kModel when the engine refuses the model, kFile when the engine's library cannot be
// loaded.
std::unique_ptr<Session> OpenOrtSession(const std::string& model_bytes, const std::string& place,
                                        const OrtSessionOptions& options);
// Loads a file, with external data beside it.
std::unique_ptr<Session> OpenOrtSessionFile(const std::filesystem::path& file,
                                            const std::string& place,
                                            const OrtSessionOptions& options);

// The loaded library, as files say it: "onnxruntime 1.28.0".
std::string EngineName();

}  // namespace qconvert

#endif  // QCONVERT_RUNTIME_ORT_SESSION_H_
