// The float passes before quantization, in order.
#ifndef QCONVERT_PIPELINE_PREPARE_MODEL_H_
#define QCONVERT_PIPELINE_PREPARE_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "qconvert/config/read_config.h"
#include "qconvert/ir/graph.h"
#include "qconvert/pipeline/pass_runner.h"
#include "qconvert/transform/convert_opset.h"
#include "qconvert/transform/equalize_layers.h"

namespace qconvert {

// What is said about one model.
struct ModelConfig {
  QuantConfig config;
  ConfigNode effective;        // where settings were written, for messages
  std::filesystem::path file;  // may be empty
};

// Float passes that a setting asks for.
struct PrepareOptions {
  int64_t opset = kQuantizedOpset;  // the exported file's; a model that has a newer one keeps it
  bool relu6_to_relu = false;       // replace_activations.h
  bool silu_to_hard_swish = false;
  DpuForms dpu_forms;                       // dpu_forms.h
  std::optional<EqualizeOptions> equalize;  // equalize_layers.h
  // Rewrites that only make the engine's kernels faster: FlattenSoftmax.
  bool suit_engine = false;

  bool operator==(const PrepareOptions&) const = default;
};

// Brings a loaded model into the form that quantization works on: float32, opset 13 or newer,
// constants folded, batch normalization and padding in the convolutions, types of all values in
// value_info. The function it computes stays the same up to rounding, unless activations are to be
// replaced. Throws Error(kModel) naming `place` when the engine refuses the model, Error(kNumeric)
// naming the first weight or bias that is not finite, of nodes with weights on any level. Returns
// how many layers were equalized.
size_t PrepareModel(Model& model, const std::string& place, const PrepareOptions& options = {},
                    const PassOptions& passes = {});

// Fills value_info of the main graph with the types the engine infers. (infer_types.cc)
void InferTypes(Model& model, const std::string& place);

// The same for the bodies of If, Loop and Scan, after InferTypes. What a Loop or Scan carries from
// step to step has the shape that its body declares, if any; a body that the engine refuses alone
// keeps what it declares.
void InferBodyTypes(Model& model, const std::string& place);

}  // namespace qconvert

#endif  // QCONVERT_PIPELINE_PREPARE_MODEL_H_
