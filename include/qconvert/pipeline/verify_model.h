// Makes a quantized model again and compares it with the one that is there.
#ifndef QCONVERT_PIPELINE_VERIFY_MODEL_H_
#define QCONVERT_PIPELINE_VERIFY_MODEL_H_

#include <filesystem>
#include <vector>

#include "qconvert/pipeline/convert.h"
#include "qconvert/report/verification.h"

namespace qconvert {

struct VerifyOptions {
  std::filesystem::path out;         // the quantized model
  std::filesystem::path quant_info;  // empty: where Convert writes it
  // How it is made again: with samples or a table as they were then, and the settings of then; with
  // neither, the plan is the one in quant_info. Outputs are not looked at.
  ConvertOptions convert;
  std::vector<std::filesystem::path> outputs;  // that the caller writes, for overwrite checks
};

// Converts into a temporary folder and compares every byte: the model, the file of its weights,
// quant_info. The receipt in the model's metadata has the hash of quant_info, so that a bit of
// either that changed makes a difference. Where bytes differ the models are taken apart to say
// where. Throws what Convert throws, but a quant_info that is none, or of another model, is a
// difference; Error(kFile) where it is missing and needed.
Verification VerifyModel(const VerifyOptions& options);

}  // namespace qconvert

#endif  // QCONVERT_PIPELINE_VERIFY_MODEL_H_
