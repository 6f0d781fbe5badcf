#include "qconvert/pipeline/engine_kernels.h"

#include <filesystem>
#include <unordered_map>
#include <unordered_set>

#include "qconvert/base/temporary_folder.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/ir/topology.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/pipeline/prepare_model.h"
#include "qconvert/runtime/ort_session.h"
#include "qconvert/targets/op_rules.h"
#include "qconvert/targets/pair_view.h"
#include "qconvert/transform/normalize.h"

namespace qconvert {
namespace {

constexpr char kMark = '#';

void Number(Graph& graph, size_t& count) {
  for (Node& node : graph.nodes) {
    // What holds bodies keeps its name: they are found by it.
    if (SubgraphsOf(node).empty()) node.name = kMark + std::to_string(count) + kMark;
    ++count;
    for (Graph* body : SubgraphsOf(node)) Number(*body, count);
  }
}

bool IsInteger(const Graph& graph, const Node& node) {
  if (IsIntegerKernel(node)) return true;
  if (IsQuantize(node) || node.outputs.empty()) return false;
  const bool picks = FindOpRule(node).pair_form == PairForm::kIndices;
  return IsQuantizedType(TypeOfValue(graph, picks ? node.inputs[0] : node.outputs[0]));
}

// A fused node has the names of several.
void Collect(const Graph& graph, std::map<std::string, bool>& kernels) {
  for (const Node& node : graph.nodes) {
    for (const Graph* body : SubgraphsOf(node)) Collect(*body, kernels);
    for (size_t from = node.name.find(kMark); from != std::string::npos;) {
      const size_t to = node.name.find(kMark, from + 1);
      if (to == std::string::npos) break;
      // Several kernels may come of a node: one on integers will do.
      kernels[node.name.substr(from, to - from + 1)] |= IsInteger(graph, node);
      from = node.name.find(kMark, to + 1);
    }
  }
}

// The engine makes up names on each level alone, and refuses what it wrote itself where those of a
// body meet those around it: they get others, the innermost first.
class LevelNames {
 public:
  explicit LevelNames(const Graph& graph) : fresh_(graph) {}

  void TellApart(Graph& graph) {
    std::unordered_map<std::string, std::string> renames;
    for (Node& node : graph.nodes)
      for (const std::string& output : node.outputs)
        if (!output.empty() && !taken_.insert(output).second) renames[output] = fresh_.Make("u");
    for (Node& node : graph.nodes)
      for (Graph* body : SubgraphsOf(node)) TellApart(*body);
    RenameDefined(graph, renames);
  }

 private:
  NameMaker fresh_;
  std::unordered_set<std::string> taken_;
};

}  // namespace

void NumberNodes(Model& model) {
  size_t count = 0;
  Number(model.graph, count);
}

std::map<std::string, bool> FindKernels(const Model& model, const std::string& place) {
  TemporaryFolder folder;
  const std::filesystem::path file = folder.File("optimized.onnx");
  OpenOrtSession(SerializeModel(model), place, {.optimized_model_path = file});
  Model optimized = LoadOnnx(file).model;
  LevelNames(optimized.graph).TellApart(optimized.graph);
  InferTypes(optimized, place);
  InferBodyTypes(optimized, place);
  std::map<std::string, bool> kernels;
  Collect(optimized.graph, kernels);
  return kernels;
}

}  // namespace qconvert
