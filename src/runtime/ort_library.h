// Loads the ONNX Runtime library on first use, after telemetry is switched off.
#ifndef QCONVERT_SRC_RUNTIME_ORT_LIBRARY_H_
#define QCONVERT_SRC_RUNTIME_ORT_LIBRARY_H_

#ifndef ORT_API_MANUAL_INIT
#define ORT_API_MANUAL_INIT
#endif
#include <onnxruntime_cxx_api.h>

#include <string>

namespace qconvert {

// Sets ORT_DISABLE_TELEMETRY=1, loads libonnxruntime.so.1 from the program's run path, checks that
// it is at least 1.28.0 and serves the API of our headers, and makes the one environment.
// Idempotent, thread-safe. Throws Error(kFile) when the library is missing or too old.
Ort::Env& OrtEnvironment();

// Version of the loaded library.
std::string OrtLibraryVersion();

}  // namespace qconvert

#endif  // QCONVERT_SRC_RUNTIME_ORT_LIBRARY_H_
