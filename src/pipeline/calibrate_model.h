// Running the float model over the samples.
#ifndef QCONVERT_SRC_PIPELINE_CALIBRATE_MODEL_H_
#define QCONVERT_SRC_PIPELINE_CALIBRATE_MODEL_H_

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "qconvert/base/result_cache.h"
#include "qconvert/calibration/calibrator.h"
#include "qconvert/ir/graph.h"
#include "qconvert/plan/cost_model.h"
#include "qconvert/plan/model_settings.h"
#include "qconvert/plan/plan.h"
#include "qconvert/runtime/ort_session.h"

namespace qconvert {

// Elements of every float value when sample `index` runs, those in bodies by the way to them; and
// by the way alone how often a body ran.
ValueSizes MeasureSizes(const Model& model, const InputFeeder& feeder, size_t index,
                        const std::string& place);

// A session of the model with observers on `values`.
std::unique_ptr<Session> OpenObserved(const Model& model, const std::vector<std::string>& values,
                                      const std::string& place,
                                      OptimizationLevel optimization = OptimizationLevel::kAll);

// What calibration observes: every value that some plan can quantize, whatever the settings, and
// the same of bodies with what nodes with weights read and write there. The engine fuses nodes
// around observers differently, so only the same observers give the same bits from samples and from
// a table.
std::vector<std::string> CalibratedValues(const Graph& graph);

// Statistics over all samples of what any of the placements quantizes, and so of all that those
// with fewer integer nodes can, in the detail that the settings need: ranges of batches where they
// go by them, histograms where a method looks at one. CalibratedValues are observed, and what the
// settings may round to float16. `place` names the model in errors. `cache` keeps the table; null:
// nothing does, nor where samples depend on each other or the model draws random numbers.
// `by_content`: the feeder's samples in an order that no file names change.
CalibrationTable CalibrateModel(const Model& model, const std::vector<Placement>& placements,
                                const ModelSettings& settings, const InputFeeder& feeder,
                                std::span<const size_t> by_content, CalibrationOptions options,
                                const std::string& place, ResultCache* cache = nullptr);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_CALIBRATE_MODEL_H_
