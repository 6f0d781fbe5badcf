#include "qconvert/config/quant_config.h"

#include "qconvert/config/any_settings.h"
#include "words.h"

namespace qconvert {

std::string TargetDeviceName(TargetDevice device) { return WordFor(device); }
std::string SchemeName(Scheme scheme) { return WordFor(scheme); }
std::string ProcessorName(Processor processor) { return WordFor(processor); }
std::string MethodName(CalibrationMethod method) { return WordFor(method); }
std::string BatchStatisticName(BatchStatistic statistic) { return WordFor(statistic); }
std::string TensorTypeName(TensorType type) { return WordFor(type); }

const TensorSettings& NodeSettings::operator[](TensorType type) const {
  switch (type) {
    case TensorType::kInput:
      return input;
    case TensorType::kWeights:
      return weights;
    case TensorType::kBias:
      return bias;
    case TensorType::kActivation:
      return activation;
  }
  QCONVERT_CHECK(false);
}

TensorSettings& NodeSettings::operator[](TensorType type) {
  // The object itself is not const: one switch serves both.
  return const_cast<TensorSettings&>(std::as_const(*this)[type]);
}

NodeSettings CpuInt8Settings() {
  NodeSettings out;
  out.input.method = CalibrationMethod::kAuto;
  out.activation.method = CalibrationMethod::kAuto;
  out.weights = {.method = CalibrationMethod::kAuto,
                 .symmetry = true,
                 .is_signed = true,
                 .narrow_range = true,
                 .per_channel = true};
  out.bias = {.bit_width = 32, .symmetry = true, .is_signed = true};
  return out;
}

bool NeedsSamples(const QuantConfig& config) {
  if (config.scheme == Scheme::kWeightOnly || config.scheme == Scheme::kDynamic) return false;
  return AnySettings(config, [](const NodeSettings& tensors) {
    return tensors.activation.is_int() || tensors.input.is_int();
  });
}

CodeRange CodeRangeOf(const TensorSettings& settings) {
  const int64_t codes = int64_t{1} << settings.bit_width;
  if (!settings.symmetry || !settings.is_signed) return {0, codes - 1};
  return {-codes / 2 + (settings.narrow_range ? 1 : 0), codes / 2 - 1};
}

}  // namespace qconvert
