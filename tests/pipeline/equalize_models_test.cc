// Equalized real models compute what they computed before.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <ostream>

#include "qconvert/loader/onnx_loader.h"
#include "qconvert/pipeline/prepare_model.h"
#include "qconvert/transform/equalize_layers.h"
#include "support/graph_builder.h"
#include "support/project_folder.h"

namespace qconvert {
namespace {

const std::filesystem::path kModels = ProjectFolder() / "../shared/data/models";
constexpr double kTolerance = 1e-5;  // of the largest output

struct RealModel {
  const char* name;
  std::vector<int64_t> dims;
  size_t least_pairs;

  friend std::ostream& operator<<(std::ostream& out, const RealModel& model) {
    return out << model.name;
  }
};

class EqualizeModelsTest : public testing::TestWithParam<RealModel> {
 protected:
  static void ExpectTheSameOutputs(const PrepareOptions& prepare, const EqualizeOptions& options) {
    const std::filesystem::path file = kModels / GetParam().name / "model.onnx";
    if (!std::filesystem::exists(file)) GTEST_SKIP() << "no " << file;
    Model model = LoadOnnx(file).model;
    PrepareModel(model, file.string(), prepare);
    Model equalized = model;
    EXPECT_GE(EqualizeLayers(equalized.graph, options), GetParam().least_pairs);
    const Tensor x = RandomTensor(model.graph.inputs[0].name, GetParam().dims, 3);
    const std::vector<Tensor> before = RunModel(model, {x});
    const std::vector<Tensor> after = RunModel(equalized, {x});
    ASSERT_EQ(before.size(), after.size());
    double largest = 0;
    for (size_t o = 0; o < before.size(); ++o) {
      for (const float value : before[o].values<float>())
        largest = std::max(largest, std::abs(static_cast<double>(value)));
    }
    for (size_t o = 0; o < before.size(); ++o) {
      EXPECT_LE(MaxDifference(before[o], after[o]), kTolerance * largest) << before[o].name;
    }
  }
};

TEST_P(EqualizeModelsTest, OutputsStay) { ExpectTheSameOutputs({.relu6_to_relu = true}, {}); }

TEST_P(EqualizeModelsTest, OutputsStayWithBoundsByChannel) {
  ExpectTheSameOutputs({}, {.bounds_by_channel = true});
}

INSTANTIATE_TEST_SUITE_P(
    , EqualizeModelsTest,
    testing::Values(RealModel{"mobilenet_v2_035_flowers", {1, 3, 128, 128}, 20},
                    RealModel{"resnet20_cifar10", {1, 3, 32, 32}, 9},
                    RealModel{"squeezenet11_imagenet", {1, 3, 224, 224}, 8},
                    RealModel{"ultraface_rfb_320", {1, 3, 240, 320}, 10},
                    RealModel{"nanodet_m_320", {1, 3, 320, 320}, 10},
                    RealModel{"mnist_cnn", {1, 1, 28, 28}, 1}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace qconvert
