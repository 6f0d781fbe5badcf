// Models whose bodies convolve, and their conversions.
#ifndef QCONVERT_TESTS_SUPPORT_BODY_JOBS_H_
#define QCONVERT_TESTS_SUPPORT_BODY_JOBS_H_

#include <map>
#include <string>
#include <vector>

#include "qconvert/loader/onnx_loader.h"
#include "qconvert/pipeline/engine_kernels.h"
#include "support/graph_builder.h"
#include "support/plan_job.h"

namespace qconvert {

inline constexpr int64_t kChannels = 16;

// x -> Conv, Relu -> Conv -> y, with weights of its own
inline Graph TwoConvolutions(const std::string& x, const std::string& y, float spread) {
  GraphBuilder b;
  b.Output(y).Random("w", {kChannels, 8, 3, 3}, spread).Random("bias", {kChannels}, 0.1F);
  b.Random("v", {8, kChannels, 1, 1}, spread);
  b.Add("Conv", {x, "w", "bias"}, {"c"}).Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  b.Add("Relu", {"c"}, {"r"});
  b.Add("Conv", {"r", "v"}, {y});
  b.model.graph.name = y;
  return b.model.graph;
}

// x -> If{mean > 0} -> y: the branches have names in common.
inline Model Branches() {
  GraphBuilder b;
  b.Input("x", {"1", "8", "12", "12"}).Output("y").Floats("zero", {}, {0});
  Node& mean = b.Add("ReduceMean", {"x"}, {"mean"});
  mean.Set("keepdims", int64_t{0});
  b.Add("Greater", {"mean", "zero"}, {"is_large"});
  Node& node = b.Add("If", {"is_large"}, {"y"});
  node.name = "branch";
  node.Set("then_branch", Subgraph(TwoConvolutions("x", "large", 0.2F)));
  node.Set("else_branch", Subgraph(TwoConvolutions("x", "small", 0.3F)));
  return b.model;
}

// Samples of one shape, moved up and down in turn.
inline std::vector<std::vector<Tensor>> Shifted(const std::vector<int64_t>& dims, float shift,
                                                size_t count = 8) {
  std::vector<std::vector<Tensor>> samples;
  for (size_t k = 0; k < count; ++k) {
    Tensor x = RandomTensor("x", dims, static_cast<uint32_t>(k));
    std::vector<float> values = ToFloats(x);
    for (float& value : values) value += k % 2 == 0 ? shift : -shift;
    samples.push_back({MakeFloatTensor("x", dims, values)});
  }
  return samples;
}

class StaticJob : public PlanJob {
 public:
  StaticJob(const Model& model, const std::vector<std::vector<Tensor>>& samples)
      : PlanJob(model, samples) {
    options.config.scheme = Scheme::kStatic;
  }
};

inline Model Parsed(const std::string& bytes) {
  const TempDir folder;
  return LoadOnnx(folder.Write("m.onnx", bytes)).model;
}

inline double WorstSqnr(const PlanFiles& files) {
  return SqnrOfNoise(WorstNoise(files.report.outputs));
}

// Kernels of these operators in the graph that the engine runs.
inline int Kernels(const PlanFiles& files, const std::vector<std::string>& types) {
  std::map<std::string, int> counts = OptimizedOperators(Parsed(files.model));
  int sum = 0;
  for (const std::string& type : types) sum += counts[type];
  return sum;
}

}  // namespace qconvert

#endif  // QCONVERT_TESTS_SUPPORT_BODY_JOBS_H_
