// High biases that a conversion absorbs: as a plan says, or as samples do where the settings ask.
#ifndef QCONVERT_SRC_PIPELINE_ABSORB_FOUND_H_
#define QCONVERT_SRC_PIPELINE_ABSORB_FOUND_H_

#include <span>
#include <string>
#include <vector>

#include "prepared_model.h"
#include "qconvert/calibration/input_feeder.h"
#include "qconvert/pipeline/convert.h"
#include "qconvert/transform/absorb_biases.h"

namespace qconvert {

// What was absorbed in `prepared`, which changes: what the plan of `options` has; without a plan
// and where the settings ask for it, what `feeder` shows, the samples that calibrate. `has_table`:
// calibrated already, of the model without. Puts into `warnings` why nothing was, where it was to
// be. Throws Error(kConfig) where a plan does not fit the model.
AbsorbedBiases AbsorbFound(const ConvertOptions& options, const InputFeeder& feeder,
                           std::span<const size_t> by_content, bool has_table,
                           PreparedModel& prepared, std::vector<std::string>& warnings);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_ABSORB_FOUND_H_
