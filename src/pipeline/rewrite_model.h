// Plan and float model -> quantized model and its quant_info.
#ifndef QCONVERT_SRC_PIPELINE_REWRITE_MODEL_H_
#define QCONVERT_SRC_PIPELINE_REWRITE_MODEL_H_

#include <cstdint>
#include <string>

#include "qconvert/ir/graph.h"
#include "qconvert/pipeline/convert.h"
#include "qconvert/report/quant_info.h"

namespace qconvert {

// What the quant_info of a plan that was chosen says besides it. `opset` is that of the prepared
// model.
PlanHistory HistoryOfChosen(const ConvertOptions& options, Provenance provenance, int64_t opset,
                            const ConversionReport& report);

// Makes `model`, prepared, the quantized one, with where it came from. What stays float of
// its constants is float16 in the file where `stores_float16`. Returns its quant_info.
std::string RewriteModel(Model& model, const QuantizationPlan& plan, const PlanHistory& history,
                         bool stores_float16, const PassOptions& passes, ConversionReport& report);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_REWRITE_MODEL_H_
