// Load -> IR -> export of every model of the distribution's libonnx-testdata: the same bits in ONNX
// Runtime.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "onnx-ml.pb.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/onnx_proto/tensor_proto.h"
#include "qconvert/runtime/ort_session.h"

namespace qconvert {
namespace {

const std::filesystem::path kData = "/usr/share/libonnx-testdata/data";

std::vector<Tensor> Inputs(const std::filesystem::path& folder, const Session& session) {
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < session.inputs().size(); ++i) {
    const auto file = folder / "test_data_set_0" / ("input_" + std::to_string(i) + ".pb");
    onnx::TensorProto proto;
    if (!proto.ParseFromString(ReadFile(file)))
      throw Error(ExitCode::kData, file.string(), "no tensor");
    TensorReader reader(file);
    inputs.push_back(reader.Read(proto));
    inputs.back().name = session.inputs()[i].name;
  }
  return inputs;
}

std::vector<Tensor> RunFile(const std::filesystem::path& model, const std::string& bytes) {
  const auto session =
      OpenOrtSession(bytes, model.string(), {.optimization = OptimizationLevel::kNone});
  return session->Run(Inputs(model.parent_path(), *session), nullptr);
}

bool SameTensors(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Tensor& x, const Tensor& y) {
    return x.type == y.type && x.dims == y.dims && x.strings == y.strings &&
           (x.bytes == y.bytes || *x.bytes == *y.bytes);
  });
}

TEST(OnnxTestdataTest, RoundTripIsBitEqual) {
  if (!std::filesystem::exists(kData)) GTEST_SKIP() << "package libonnx-testdata is not installed";
  std::vector<std::filesystem::path> models;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kData)) {
    if (entry.path().extension() == ".onnx") models.push_back(entry.path());
  }
  std::sort(models.begin(), models.end());
  size_t equal = 0;
  size_t not_run = 0;
  for (const auto& model : models) {
    SCOPED_TRACE(model.string());
    const std::string exported = SerializeModel(LoadOnnx(model).model);
    std::vector<Tensor> expected;
    try {
      expected = RunFile(model, ReadFile(model));
    } catch (const Error&) {
      ++not_run;  // the original does not run here: another input kind, or no kernel
      continue;
    }
    const std::vector<Tensor> actual = RunFile(model, exported);
    if (SameTensors(expected, actual)) {
      ++equal;
    } else {
      EXPECT_FALSE(SameTensors(expected, RunFile(model, ReadFile(model))))
          << "differs, and is not random";
    }
  }
  RecordProperty("models", static_cast<int>(models.size()));
  RecordProperty("bit_equal", static_cast<int>(equal));
  EXPECT_GT(models.size(), 1000U);
  EXPECT_GT(equal, 900U);
  std::printf("%zu models: %zu bit-equal, %zu whose original does not run here\n", models.size(),
              equal, not_run);
}

}  // namespace
}  // namespace qconvert
