#include "qconvert/config/quant_config.h"

#include "qconvert/base/check.h"

namespace qconvert {

std::string SchemeName(Scheme scheme) {
  switch (scheme) {
    case Scheme::kAuto:
      return "auto";
    case Scheme::kStatic:
      return "static";
    case Scheme::kDynamic:
      return "dynamic";
    case Scheme::kWeightOnly:
      return "weight-only";
  }
  QCONVERT_CHECK(false);
}

std::string ObjectiveName(Objective objective) {
  switch (objective) {
    case Objective::kBalanced:
      return "balanced";
    case Objective::kSpeed:
      return "speed";
    case Objective::kSize:
      return "size";
  }
  QCONVERT_CHECK(false);
}

std::string MethodName(CalibrationMethod method) {
  switch (method) {
    case CalibrationMethod::kMaxMin:
      return "maxmin";
    case CalibrationMethod::kPercentile:
      return "percentile";
    case CalibrationMethod::kMse:
      return "mse";
    case CalibrationMethod::kAuto:
      return "auto";
  }
  QCONVERT_CHECK(false);
}

}  // namespace qconvert
