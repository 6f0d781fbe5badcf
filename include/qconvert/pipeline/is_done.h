// Whether a conversion would make what is there already.
#ifndef QCONVERT_PIPELINE_IS_DONE_H_
#define QCONVERT_PIPELINE_IS_DONE_H_

#include "qconvert/pipeline/convert.h"

namespace qconvert {

// True when the output and its quant_info are there and belong together (the receipt in the model
// has the hash of quant_info), quant_info names the same model, settings, samples or table, version
// and engine as this conversion has, the weights are in the model or beside it as asked for, the
// outputs have passed where they must, and the page and the picture that are asked for are there.
// Reads all of these, runs nothing. Never where the receipt does not know all that decides: samples
// of --validate, or beside a table, "host" as the processor, a given plan, odd samples or lost
// fusions that are to be errors; nor where an earlier result or the passes are to be told of; nor
// without quantization, nor where anything cannot be read: then the conversion says what.
bool IsDone(const ConvertOptions& options);

}  // namespace qconvert

#endif  // QCONVERT_PIPELINE_IS_DONE_H_
