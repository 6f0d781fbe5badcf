// Two model files that are fed the same samples.
#ifndef QCONVERT_SRC_PIPELINE_MODEL_PAIR_H_
#define QCONVERT_SRC_PIPELINE_MODEL_PAIR_H_

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "qconvert/dataset/sample_source.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/pipeline/sample_data.h"
#include "qconvert/report/compared_values.h"
#include "qconvert/runtime/session.h"

namespace qconvert {

struct ModelPair {
  LoadedModel a;  // types of its values are known
  LoadedModel b;
  std::string place_a;  // their names in messages
  std::string place_b;
  std::vector<ComparedValue> outputs;  // of both, in the order of a
  std::vector<std::string> only_a;     // outputs that the other does not have
  std::vector<std::string> only_b;
  bool is_random = false;  // a node of one of them draws random numbers
};

// Inputs that have to be fed; others have an initializer as their default.
std::vector<Value> FedInputs(const Graph& graph);

// Initializers that are declared as inputs too, as IR 3 wants it, become initializers alone.
void UndeclareInitializers(Model& model);

// Throws what LoadOnnx and InferTypes throw, and Error(kModel) when inputs differ or no output has
// one name in both.
ModelPair LoadPair(const std::filesystem::path& a, const std::filesystem::path& b);

// The samples that both take. Throws Error(kUsage) also for a state that is fed back from an output
// that only one of them has, and for `outputs` (of the caller) that would replace a file of it all.
SampleSource OpenPairData(const ModelPair& pair, const SampleData& data,
                          const std::vector<std::filesystem::path>& outputs);

// Throws Error(kUsage) when files written to one of `folders` would lie among the samples.
void RefuseFoldersOfSamples(const std::vector<std::filesystem::path>& folders,
                            const SampleSource& samples);

int WorkerCount(const SampleData& data);

// A session that gives `outputs`, any values of the top level; of random nodes with equal seeds
// where `is_random`.
std::unique_ptr<Session> OpenShowing(const Model& model, const std::string& place,
                                     const std::vector<std::string>& outputs, bool is_random);

// The names of `values`.
std::vector<std::string> NamesOf(const std::vector<ComparedValue>& values);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_MODEL_PAIR_H_
