// Any text is either refused as a config, or means the same after it was printed.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "qconvert/base/error.h"
#include "qconvert/config/read_config.h"

namespace {

using qconvert::LoadedConfig;

[[noreturn]] void Fail(const char* what, const std::string& printed) {
  std::fprintf(stderr, "%s\n%s\n", what, printed.c_str());
  std::abort();
}

void CheckRoundTrip(const LoadedConfig& loaded) {
  const std::string printed = qconvert::PrintConfig(loaded.effective);
  try {
    const LoadedConfig again = qconvert::ParseConfigText(printed, "/printed.yaml", {});
    if (!(again.config == loaded.config)) Fail("means something else when printed:", printed);
  } catch (const qconvert::Error& e) {
    Fail(e.what(), printed);
  }
}

}  // namespace

// The first byte says whether the rest is in a file of JSON or of YAML.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    CheckRoundTrip(qconvert::ParseConfigText(text, data[0] % 2 == 0 ? "/c.json" : "/c.yaml", {}));
  } catch (const qconvert::Error&) {
  }
  return 0;
}
