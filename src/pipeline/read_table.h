// A calibration table in place of a pass over samples.
#ifndef QCONVERT_SRC_PIPELINE_READ_TABLE_H_
#define QCONVERT_SRC_PIPELINE_READ_TABLE_H_

#include <optional>
#include <string>
#include <vector>

#include "prepared_model.h"
#include "qconvert/calibration/table_file.h"
#include "qconvert/pipeline/convert.h"

namespace qconvert {

// The table that the options name, if any. Throws Error(kData) when it is of another model, not of
// all samples, lacks a value of the prepared model, or has batches of another size. Another engine
// is a warning.
std::optional<StoredTable> ReadTable(const ConvertOptions& options, const std::string& model_sha256,
                                     const PreparedModel& prepared,
                                     std::vector<std::string>& warnings);

// Throws Error(kData): the table at `place` lacks `value`. Caches of TensorRT and edited tables may
// lack one that only a plan asks for (plan/unseen_value.h).
[[noreturn]] void RefuseTable(const std::string& place, const std::string& value);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_READ_TABLE_H_
