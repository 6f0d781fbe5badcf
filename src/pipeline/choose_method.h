// Which calibration method leaves least noise: by few samples, and by more where those tell little.
#ifndef QCONVERT_SRC_PIPELINE_CHOOSE_METHOD_H_
#define QCONVERT_SRC_PIPELINE_CHOOSE_METHOD_H_

#include <cstddef>
#include <functional>
#include <vector>

#include "qconvert/config/quant_config.h"

namespace qconvert {

// Error power / signal power that the plan leaves with a method, infinite where it does not run.
struct MethodNoise {
  double pooled = 0;  // of the worst output over all samples, and of what hides in it
  double judged = 0;  // by the worst group of channels, as the verdict has it
};
using MeasureMethods = std::function<std::vector<MethodNoise>(const std::vector<CalibrationMethod>&,
                                                              const std::vector<size_t>& samples)>;

// The first of `candidates` that none behind it beats by 5 % of the pooled noise on `few` samples.
// Where others come within 3 dB of it, all of these are measured on `more` (empty: they are not)
// and another one replaces it that beats it there by 7 % of the judged noise.
CalibrationMethod ChooseMethodByNoise(const std::vector<CalibrationMethod>& candidates,
                                      const std::vector<size_t>& few,
                                      const std::vector<size_t>& more,
                                      const MeasureMethods& measure);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_CHOOSE_METHOD_H_
