#include "kept_outputs.h"

#include <fcntl.h>

#include <memory>
#include <utility>

#include "qconvert/base/error.h"
#include "qconvert/base/log.h"
#include "qconvert/base/temporary_folder.h"

namespace qconvert {
namespace {

// Open for reading and writing, and gone from its folder at once: a run that is killed leaves none.
int OpenWithoutName() {
  TemporaryFolder folder;
  const std::filesystem::path path = folder.File("outputs");
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) throw Error(ExitCode::kFile, path.string(), "cannot be made");
  return descriptor;
}

}  // namespace

KeptOutputs::KeptOutputs(size_t samples, int64_t memory_bytes, int64_t all_bytes)
    : kept_(samples), most_in_memory_(memory_bytes), most_(all_bytes) {}

bool KeptOutputs::Keep(size_t sample, std::vector<Tensor> outputs) {
  int64_t bytes = 0;
  bool are_bytes = true;
  for (const Tensor& tensor : outputs) {
    bytes += tensor.byte_size();
    are_bytes &= tensor.strings.empty();
  }
  if (in_memory_ + in_file_ + bytes > most_) return false;
  Kept kept{std::move(outputs), {}, {}};
  // Strings are no bytes that a file could hold as they are.
  if (in_memory_ + bytes <= most_in_memory_ || !are_bytes) {
    in_memory_ += bytes;
  } else if (!Park(kept)) {
    return false;
  }
  kept_[sample] = std::move(kept);
  return true;
}

bool KeptOutputs::Park(Kept& kept) {
  try {
    if (!file_) {
      descriptor_ = OpenWithoutName();
      file_.emplace(descriptor_, "temporary file of the float model's outputs");
    }
    for (Tensor& tensor : kept.outputs) {
      if (tensor.bytes != nullptr) WriteAll(descriptor_, file_->path(), *tensor.bytes);
      kept.offsets.push_back(in_file_);
      kept.sizes.push_back(tensor.bytes != nullptr ? tensor.byte_size() : -1);
      in_file_ += tensor.byte_size();
      tensor.bytes = nullptr;
    }
    return true;
  } catch (const Error& error) {
    // A full disk is no reason to end: what is not kept is computed again.
    LogDebug(error.what());
    return false;
  }
}

std::vector<Tensor> KeptOutputs::Get(size_t sample) const {
  const Kept& kept = *kept_[sample];
  std::vector<Tensor> outputs = kept.outputs;
  for (size_t o = 0; o < kept.offsets.size(); ++o) {
    if (kept.sizes[o] < 0) continue;
    auto bytes = std::make_shared<std::string>(static_cast<size_t>(kept.sizes[o]), '\0');
    file_->ReadAt(kept.offsets[o], kept.sizes[o], bytes->data());
    outputs[o].bytes = std::move(bytes);
  }
  return outputs;
}

void KeptOutputs::Clear() {
  kept_.assign(kept_.size(), std::nullopt);
  file_.reset();
}

}  // namespace qconvert
