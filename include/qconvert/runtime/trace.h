// What the engine says of the time of each operator.
#ifndef QCONVERT_RUNTIME_TRACE_H_
#define QCONVERT_RUNTIME_TRACE_H_

#include <span>
#include <string>

#include "qconvert/runtime/ort_session.h"

namespace qconvert {

// Runs the model `runs` times on one sample in a session of its own, and returns the engine's trace
// of that: events in Chrome's trace format, JSON (report/bench_report.h reads it). The engine can
// write it to a file only, which lies in the folder for temporary files meanwhile. Throws what
// OpenOrtSession and Run throw, Error(kFile) when that folder cannot be written.
std::string TraceRuns(const std::string& model_bytes, const std::string& place,
                      OrtSessionOptions options, std::span<const Tensor> inputs, int runs);

}  // namespace qconvert

#endif  // QCONVERT_RUNTIME_TRACE_H_
