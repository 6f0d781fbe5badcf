// A model and samples of it on disk, ready to be converted.
#ifndef QCONVERT_TESTS_SUPPORT_CONVERSION_JOB_H_
#define QCONVERT_TESTS_SUPPORT_CONVERSION_JOB_H_

#include <fmt/format.h>

#include <cstdint>
#include <vector>

#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/pipeline/convert.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/temp_dir.h"

namespace qconvert {

// Saves a model and `samples` files of random data of this shape.
inline ConvertOptions PrepareConversion(const TempDir& folder, const GraphBuilder& b,
                                        const std::vector<int64_t>& shape, float spread = 1,
                                        uint32_t samples = 8) {
  folder.Write("m.onnx", SerializeModel(b.model));
  size_t count = 1;
  for (const int64_t d : shape) count *= static_cast<size_t>(d);
  for (uint32_t i = 0; i < samples; ++i)
    folder.Write(fmt::format("calib/{}.npy", i), NpyFloats(shape, RandomFloats(count, i, spread)));
  ConvertOptions options;
  options.model = folder / "m.onnx";
  options.calibration_folder = folder / "calib";
  options.output = folder / "out.onnx";
  return options;
}

}  // namespace qconvert

#endif  // QCONVERT_TESTS_SUPPORT_CONVERSION_JOB_H_
