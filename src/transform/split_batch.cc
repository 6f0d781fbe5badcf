#include "qconvert/transform/split_batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "qconvert/base/error.h"
#include "qconvert/ir/topology.h"

namespace qconvert {
namespace {

[[noreturn]] void Fail(const std::string& place, const std::string& input,
                       const std::string& what) {
  throw Error(ExitCode::kModel, place, fmt::format("input \"{}\" {}", input, what));
}

}  // namespace

std::vector<std::string> SplitBatch(const std::string& input, const std::string& place,
                                    Graph& graph) {
  const auto found = std::find_if(graph.inputs.begin(), graph.inputs.end(),
                                  [&](const Value& one) { return one.name == input; });
  if (found == graph.inputs.end()) Fail(place, input, "is not there, cannot be split");
  const Value whole = *found;
  const auto& shape = whole.type.shape;
  if (!shape || shape->empty() || !(*shape)[0].known())
    Fail(place, input, "has a free batch, expected input_shape");
  const int64_t batch = (*shape)[0].value;
  if (batch <= 1) return {input};
  const auto taken = AllNames(graph);
  std::vector<Value> parts(static_cast<size_t>(batch), whole);
  std::vector<std::string> names;
  for (size_t i = 0; i < parts.size(); ++i) {
    parts[i].name = fmt::format("{}_{}", input, i);
    (*parts[i].type.shape)[0] = {1, {}};
    if (taken.contains(parts[i].name))
      Fail(place, input, fmt::format("needs \"{}\", which the model has already", parts[i].name));
    names.push_back(parts[i].name);
  }
  Node concat = MakeNode("Concat", names, {input});
  concat.name = input + "/concat_batch";
  concat.Set("axis", int64_t{0});
  graph.nodes.insert(graph.nodes.begin(), std::move(concat));
  // No input any more, so its type is said here.
  graph.value_info.insert_or_assign(input, whole);
  graph.inputs.insert(graph.inputs.erase(found), parts.begin(), parts.end());
  return names;
}

}  // namespace qconvert
