// All stages of a conversion up to its plan.
#ifndef QCONVERT_SRC_PIPELINE_PLAN_CONVERSION_H_
#define QCONVERT_SRC_PIPELINE_PLAN_CONVERSION_H_

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "choose_plan.h"
#include "compare_models.h"
#include "measure_layers.h"
#include "picture_format.h"
#include "qconvert/calibration/calibration_table.h"
#include "qconvert/calibration/input_feeder.h"
#include "qconvert/dataset/sample_source.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/pipeline/convert.h"
#include "qconvert/report/quant_info.h"
#include "qconvert/transform/absorb_biases.h"
#include "qconvert/transform/spread_channels.h"
#include "stopwatch.h"

namespace qconvert {

// What they end with; all of it is gone after the call.
struct PlannedConversion {
  Model& model;           // prepared, float
  const Model* original;  // as it came; null unless stages are written
  bool stores_float16;    // constants that came so and stay float
  const ChosenPlan& chosen;
  const CalibrationTable& table;
  ModelComparer& comparer;
  const InputFeeder& feeder;  // of the samples that are judged on
  const std::vector<size_t>& order;
  const std::vector<std::filesystem::path>& files;  // of the model
  const SampleSource& samples;                      // all of them
  const FoldedInputs& folded;                       // what the model does itself
  const std::string& picture;                       // the PNG of --first-picture; empty: none
  const InputFeeder& calibration;                   // of the samples that calibrate
  const std::vector<size_t>& by_content;            // the same ones, see PlanInputs
  const AbsorbedBiases& absorbed;                   // what `model` has of AbsorbBiases
  const ChannelShifts& spread;                      // what it has of SpreadChannels
  size_t equalized;                                 // layers of `model`, with their readers
  Provenance provenance;
  int workers = 1;

  LayerInputs LayersOf(const ConvertOptions& options) const;
};

using PlanUser = std::function<void(PlannedConversion)>;

// Prepares the model, calibrates, chooses the plan, and has `use` do the rest. A correction that is
// left open is not made (choose_float_corrections.h). Throws Error, also when the guard's verdict
// must stop the conversion.
void PlanConversion(const ConvertOptions& options, LoadedModel loaded, Stopwatch& watch,
                    ConversionReport& report, const PlanUser& use);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_PLAN_CONVERSION_H_
