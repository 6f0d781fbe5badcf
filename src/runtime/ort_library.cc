#include "ort_library.h"

#include <dlfcn.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "engine_message.h"
#include "qconvert/base/error.h"

namespace qconvert {
namespace {

constexpr const char* kLibrary = "libonnxruntime.so.1";
constexpr int kMinMinor = 28;

// Minor version of "1.MINOR.PATCH", or -1.
int MinorVersion(const std::string& version) {
  if (!version.starts_with("1.")) return -1;
  int minor = -1;
  std::from_chars(version.data() + 2, version.data() + version.size(), minor);
  return minor;
}

// From the program's run path, else from lib beside its folder: a sanitizer's dlopen has no run
// path.
void* OpenLibrary() {
  void* library = dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (library != nullptr) return library;
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto beside = program.parent_path() / "../lib" / kLibrary;
  if (error || !std::filesystem::exists(beside, error)) {
    dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);  // for dlerror, which says where it looked
    return nullptr;
  }
  return dlopen(beside.c_str(), RTLD_NOW | RTLD_LOCAL);
}

const OrtApiBase* LoadLibrary() {
  // Read by the library's own initialization, hence before it is loaded.
  setenv("ORT_DISABLE_TELEMETRY", "1", 1);
  void* library = OpenLibrary();
  if (library == nullptr) {
    const std::string why = dlerror();
    throw Error(IsOutOfMemory(why) ? ExitCode::kResource : ExitCode::kFile, kLibrary,
                "cannot load ONNX Runtime: " + why);
  }
  using GetApiBase = const OrtApiBase* (*)();
  // Not linked: a missing or old library is one line of ours, not the dynamic linker's.
  const auto get_api_base = reinterpret_cast<GetApiBase>(dlsym(library, "OrtGetApiBase"));
  if (get_api_base == nullptr) {
    throw Error(ExitCode::kFile, kLibrary, "is not ONNX Runtime");
  }
  const OrtApiBase* base = get_api_base();
  const std::string version = base->GetVersionString();
  if (MinorVersion(version) < kMinMinor) {
    throw Error(ExitCode::kFile, kLibrary, "is version " + version + ", expected 1.28.0 or newer");
  }
  const OrtApi* api = base->GetApi(ORT_API_VERSION);
  if (api == nullptr) {
    throw Error(ExitCode::kFile, kLibrary,
                "version " + version + " does not serve API " + std::to_string(ORT_API_VERSION));
  }
  Ort::InitApi(api);
  return base;
}

const OrtApiBase* Base() {
  static const OrtApiBase* const base = LoadLibrary();
  return base;
}

}  // namespace

Ort::Env& OrtEnvironment() {
  Base();
  // Never destroyed: sessions in static storage may outlive any order we could choose.
  static Ort::Env* const environment = new Ort::Env(ORT_LOGGING_LEVEL_FATAL, "qconvert");
  return *environment;
}

std::string OrtLibraryVersion() { return Base()->GetVersionString(); }

}  // namespace qconvert
