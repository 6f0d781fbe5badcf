#include "first_picture.h"

#include <algorithm>

#include "calibration_data.h"
#include "qconvert/base/error.h"
#include "qconvert/dataset/show_sample.h"

namespace qconvert {

std::string FirstPicture(const SampleSource& samples, const std::vector<Value>& inputs,
                         const QuantConfig& config, const FoldedInputs& folded) {
  if (samples.size() == 0)
    throw Error(ExitCode::kUsage, "", "--first-picture needs samples, expected --calib DIR");
  const Sample sample = samples.Read(0);
  const std::vector<CalibTransform>& steps = config.calibration.transforms;
  for (const Value& input : inputs) {
    const auto fed = std::find_if(sample.inputs.begin(), sample.inputs.end(),
                                  [&](const Tensor& one) { return one.name == input.name; });
    if (fed == sample.inputs.end()) continue;
    const InputSettings* settings = FindInputSettings(config.deployment, input.name);
    PictureFormat format = MakePictureFormat(steps, settings, input);
    if (!format.unfit.empty()) continue;
    const auto own = folded.find(input.name);
    if (own != folded.end()) format.scaling = WithoutFolded(format.scaling, own->second);
    return PngOfSample(*fed, format.scaling, PictureInputOf(steps, settings, input).color);
  }
  throw Error(ExitCode::kUsage, "", "--first-picture: no input of the model takes pictures");
}

}  // namespace qconvert
