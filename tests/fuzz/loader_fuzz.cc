// Any bytes are either refused as a model file, or give a model that means the same after it was
// written.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "model_file.h"
#include "qconvert/base/error.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/ir/graph_printer.h"

namespace {

using qconvert::Model;

void CheckRoundTrip(const Model& model) {
  const std::string bytes = qconvert::SerializeModel(model);
  std::string printed;
  try {
    const Model again = qconvert::LoadModelBytes(bytes);
    printed = qconvert::PrintGraph(again.graph);
    if (printed == qconvert::PrintGraph(model.graph) && qconvert::SerializeModel(again) == bytes)
      return;
  } catch (const qconvert::Error& e) {
    printed = e.what();
  }
  std::fprintf(stderr, "%s\nmeans something else when written:\n%s\n",
               qconvert::PrintGraph(model.graph).c_str(), printed.c_str());
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    CheckRoundTrip(qconvert::LoadModelBytes({reinterpret_cast<const char*>(data), size}));
  } catch (const qconvert::Error&) {
  }
  return 0;
}
