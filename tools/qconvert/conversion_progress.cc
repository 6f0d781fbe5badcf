#include "conversion_progress.h"

namespace qconvert {

ConversionProgress::ConversionProgress(bool quiet, ConvertOptions& options) : quiet_(quiet) {
  options.progress = calibrating_.Callback(quiet);
  if (quiet) return;
  options.measuring = [this](size_t done, size_t most) { measuring_.CountOf(done, most); };
  options.learning = [this](size_t percent) { learning_.Update(percent, 100); };
  options.measuring_layers = [this](size_t done, size_t most) {
    looked_ = done;
    looking_.CountOf(done, most);
  };
}

void ConversionProgress::Clear() const {
  if (quiet_) return;
  measuring_.Clear();
  if (looked_ > 0) looking_.Clear();
}

}  // namespace qconvert
