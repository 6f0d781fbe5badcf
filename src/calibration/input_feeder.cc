#include "qconvert/calibration/input_feeder.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include "qconvert/base/activity.h"
#include "qconvert/base/checked.h"
#include "qconvert/base/error.h"

namespace qconvert {
namespace {

// Calls `visit(symbol, size, input)` for the free dimensions that a sample gives sizes to.
template <typename Visit>
void ForEachSymbol(const std::vector<Value>& inputs, const Sample& sample, const Visit& visit) {
  for (const Tensor& tensor : sample.inputs) {
    const auto it = std::find_if(inputs.begin(), inputs.end(),
                                 [&](const Value& v) { return v.name == tensor.name; });
    if (it == inputs.end() || !it->type.shape) continue;
    for (size_t d = 0; d < std::min(tensor.dims.size(), it->type.shape->size()); ++d) {
      const Dim& dim = (*it->type.shape)[d];
      if (!dim.symbol.empty()) visit(dim.symbol, tensor.dims[d], tensor.name);
    }
  }
}

// "\"n\" is 2 in input \"a\" and 3 in input \"b\"", for the first symbol that a sample gives two
// sizes; else empty. Models name dimensions carelessly: only worth telling where running failed.
std::string WhereSizesDiffer(const std::vector<Value>& inputs, const Sample& sample) {
  std::unordered_map<std::string, std::pair<int64_t, std::string>> seen;
  std::string text;
  ForEachSymbol(inputs, sample,
                [&](const std::string& symbol, int64_t size, const std::string& input) {
                  const auto [it, fresh] = seen.emplace(symbol, std::pair{size, input});
                  const auto& [first, other] = it->second;
                  if (text.empty() && first != size)
                    text = fmt::format("\"{}\" is {} in input \"{}\" and {} in input \"{}\"",
                                       symbol, first, other, size, input);
                });
  return text;
}

std::vector<int64_t> StateShape(const Value& state, const std::vector<Value>& inputs,
                                const Sample& sample) {
  std::unordered_map<std::string, int64_t> symbols;
  ForEachSymbol(inputs, sample,
                [&](const std::string& symbol, int64_t size, const std::string& /*input*/) {
                  // The first size stands. Where two differ and the run fails, RunSample says so.
                  symbols.emplace(symbol, size);
                });
  std::vector<int64_t> dims;
  if (!state.type.shape) return dims;
  for (const Dim& dim : *state.type.shape) {
    const auto it = symbols.find(dim.symbol);
    dims.push_back(dim.known() ? dim.value : it != symbols.end() ? it->second : 1);
  }
  return dims;
}

Tensor Zeros(const Value& value, std::vector<int64_t> dims) {
  Tensor tensor;
  tensor.name = value.name;
  tensor.type = value.type.element;
  const std::optional<int64_t> count = ElementCount(dims);
  const std::optional<int64_t> bytes = count ? PackedBytes(tensor.type, *count) : std::nullopt;
  if (!bytes) {
    throw Error(ExitCode::kModel, "",
                fmt::format("input \"{}\" cannot be a state: it has no usable shape", value.name));
  }
  tensor.dims = std::move(dims);
  tensor.bytes = std::make_shared<const std::string>(static_cast<size_t>(*bytes), '\0');
  return tensor;
}

}  // namespace

std::vector<Tensor> RunSample(const Session& session, const Sample& sample,
                              ValueObserver* observer) {
  NoteSample(sample.name);
  try {
    return session.Run(sample.inputs, observer);
  } catch (const Error& e) {
    const std::string why = WhereSizesDiffer(session.inputs(), sample);
    if (e.code() != ExitCode::kModel || why.empty()) throw Error(e.code(), sample.name, e.what());
    throw Error(ExitCode::kData, sample.name, fmt::format("{}: {}", why, e.what()));
  }
}

InputFeeder::InputFeeder(const SampleSource& samples, std::vector<Value> inputs,
                         std::vector<StateInput> states)
    : samples_(samples), inputs_(std::move(inputs)), states_(std::move(states)) {}

bool InputFeeder::has_feedback() const {
  return std::any_of(states_.begin(), states_.end(),
                     [](const StateInput& s) { return !s.output.empty(); });
}

Sample InputFeeder::Read(size_t index, const std::vector<Tensor>& previous) const {
  Sample sample = samples_.Read(index);
  for (const StateInput& state : states_) {
    const auto fed = std::find_if(previous.begin(), previous.end(), [&](const Tensor& t) {
      return !state.output.empty() && t.name == state.output;
    });
    if (fed != previous.end()) {
      sample.inputs.push_back(*fed);
      sample.inputs.back().name = state.input;
      continue;
    }
    const auto input = std::find_if(inputs_.begin(), inputs_.end(),
                                    [&](const Value& v) { return v.name == state.input; });
    sample.inputs.push_back(Zeros(*input, StateShape(*input, inputs_, sample)));
  }
  return sample;
}

}  // namespace qconvert
