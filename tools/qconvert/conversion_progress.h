// What a conversion is at, on stderr, of whichever command runs one.
#ifndef QCONVERT_TOOLS_QCONVERT_CONVERSION_PROGRESS_H_
#define QCONVERT_TOOLS_QCONVERT_CONVERSION_PROGRESS_H_

#include <cstddef>

#include "progress.h"
#include "qconvert/pipeline/convert.h"

namespace qconvert {

class ConversionProgress {
 public:
  // Sets what `options` tell of their progress; nothing where it is to be quiet. Must outlive the
  // conversion.
  ConversionProgress(bool quiet, ConvertOptions& options);
  ConversionProgress(const ConversionProgress&) = delete;
  ConversionProgress& operator=(const ConversionProgress&) = delete;

  // Removes what is drawn, before a table or a message.
  void Clear() const;

 private:
  const bool quiet_;
  Progress calibrating_{"calibrating"};
  Progress measuring_{"plans compared"};
  Progress learning_{"learning weights, percent"};
  Progress looking_{"nodes measured"};
  size_t looked_ = 0;
};

}  // namespace qconvert

#endif  // QCONVERT_TOOLS_QCONVERT_CONVERSION_PROGRESS_H_
