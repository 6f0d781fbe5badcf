#include "conversion_data.h"

#include "convert_data.h"

namespace qconvert {

ConversionData::ConversionData(const ConvertOptions& options, const Graph& graph,
                               const FoldedInputs& folded)
    : samples(OpenSamples(options, DataOf(options, folded), graph)),
      feeder(samples, graph.inputs, options.states),
      workers(WorkerCount(DataOf(options))),
      digest(samples.Digest(workers)),
      split(SplitSamples(digest, feeder.has_feedback() || !options.validation_folder.empty())),
      calibration(samples.Select(split.calibration)),
      observed(calibration, graph.inputs, options.states) {}

}  // namespace qconvert
