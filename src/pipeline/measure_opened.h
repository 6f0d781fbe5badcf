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

struct Candidate {
  Model model;
  OpenCandidate open;
};

// MeasureOpened of `count` candidates with integer kernels, as many side by side as there are
// workers: to open one takes as long as some runs, and one thread. One by one where runs depend on
// each other, or several models at once would take much memory. `make` is called in order, by this
// thread; `samples` are not empty.
std::vector<Measured> MeasureBeside(const PlanInputs& inputs, size_t count,
                                    const std::function<Candidate(size_t)>& make,
                                    const std::vector<size_t>& samples);

// MeasurePlan of so many plans, in the same way.
std::vector<Measured> MeasurePlans(const PlanInputs& inputs, size_t count,
                                   const std::function<PlanDraft(size_t)>& draft,
                                   const std::vector<size_t>& samples);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_MEASURE_OPENED_H_
