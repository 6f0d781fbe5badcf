#include "conversion_data.h"

#include "convert_data.h"
#include "output_files.h"
#include "qconvert/base/refuse_overwriting.h"

namespace qconvert {
namespace {

SampleSource OpenData(const ConvertOptions& options, const Graph& graph,
                      const FoldedInputs& folded) {
  SampleSource samples =
      OpenCalibrationData(DataOf(options, folded), graph, options.model.string());
  RefuseOverwriting(OutputsOf(options), samples.files());
  return samples;
}

}  // namespace

ConversionData::ConversionData(const ConvertOptions& options, const Graph& graph,
                               const FoldedInputs& folded)
    : samples(OpenData(options, graph, folded)),
      feeder(samples, graph.inputs, options.states),
      workers(WorkerCount(DataOf(options))),
      digest(samples.Digest(workers)),
      split(SplitSamples(digest, feeder.has_feedback() || !options.validation_folder.empty())),
      calibration(samples.Select(split.calibration)),
      observed(calibration, graph.inputs, options.states) {}

}  // namespace qconvert
