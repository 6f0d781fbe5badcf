// Measuring a model that is not opened as a whole.
#ifndef QCONVERT_SRC_PIPELINE_MEASURE_OPENED_H_
#define QCONVERT_SRC_PIPELINE_MEASURE_OPENED_H_

#include <functional>
#include <memory>
#include <vector>

#include "measure_plan.h"
#include "qconvert/runtime/session.h"

namespace qconvert {

using OpenCandidate =
    std::function<std::unique_ptr<Session>(const Model& model, bool integer_kernels)>;

// A plan as the engine runs it, with what is compared as its outputs. `floats`: of stored weights.
Model RunnableOf(const PlanInputs& inputs, QuantizationPlan plan, FloatCache& floats);

// MeasureModel of that model, in a session that `open` opens.
Measured MeasureOpened(const PlanInputs& inputs, const Model& model,
                       const std::vector<size_t>& samples, bool integer_kernels,
                       const OpenCandidate& open);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_MEASURE_OPENED_H_
