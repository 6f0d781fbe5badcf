// Seconds by stage, for the table.
#ifndef QCONVERT_SRC_PIPELINE_STOPWATCH_H_
#define QCONVERT_SRC_PIPELINE_STOPWATCH_H_

#include <chrono>

#include "qconvert/report/conversion_report.h"

namespace qconvert {

class Stopwatch {
 public:
  explicit Stopwatch(ConversionReport& report) : report_(report) {}
  // Books the time since the last call under `stage`.
  void Lap(const char* stage) {
    const auto now = std::chrono::steady_clock::now();
    report_.seconds.emplace_back(stage, std::chrono::duration<double>(now - last_).count());
    last_ = now;
  }

 private:
  ConversionReport& report_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_STOPWATCH_H_
