#include "kept_results.h"

#include <fmt/format.h>

#include <charconv>
#include <system_error>
#include <type_traits>
#include <utility>

#include "qconvert/base/error.h"
#include "qconvert/base/processor_info.h"
#include "qconvert/calibration/table_file.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/report/quant_info.h"
#include "qconvert/runtime/ort_session.h"
#include "qconvert/weights/code_steps.h"

namespace qconvert {
namespace {

// Visit names the fields once, for both ways; a struct that gets another field no longer compiles
// here.
template <typename Archive>
void Visit(Archive& archive, ErrorSums& sums) {
  auto& [count, nonzero, dot, float_power, quantized_power, error_power, absolute_error,
         relative_error, max_error, positions, agreed] = sums;
  archive(count, nonzero, dot, float_power, quantized_power, error_power, absolute_error,
          relative_error, max_error, positions, agreed);
}

template <typename Archive>
void Visit(Archive& archive, DecisionSums& sums) {
  auto& [decided, flips, logit_power, logit_error, samples, flipped_samples] = sums;
  archive(decided, flips, logit_power, logit_error, samples, flipped_samples);
}

template <typename Archive>
void Visit(Archive& archive, ChannelSums& sums) {
  auto& [axis, peak, least, float_power, error_power] = sums;
  archive(axis, peak, least, float_power, error_power);
}

template <typename Archive>
void Visit(Archive& archive, SampleError& error) {
  auto& [float_power, error_power, decisions] = error;
  archive(float_power, error_power, decisions);
}

template <typename Archive>
void Visit(Archive& archive, OutputComparison& output) {
  auto& [value, type, sums, decisions, channels, samples, mismatched_shapes, float_dims,
         quantized_dims, float_non_finite, non_finite, mismatched, elements, equal] = output;
  archive(type, sums, decisions, channels, samples, mismatched_shapes, float_dims, quantized_dims,
          float_non_finite, non_finite, mismatched, elements, equal);
}

template <typename Archive>
void Visit(Archive& archive, KeptLayer& layer) {
  auto& [codes, shift] = layer;
  archive(codes, shift);
}

template <typename Archive>
void Visit(Archive& archive, Range& range) {
  auto& [min, max] = range;
  archive(min, max);
}

template <typename Archive>
void Visit(Archive& archive, KeptBlock& block) {
  auto& [layers, ranges, error_before, error_after] = block;
  archive(layers, ranges, error_before, error_after);
}

template <typename Archive, typename Of>
requires std::is_same_v<Of, KeptCorrections::Of> || std::is_same_v<Of, KeptScales::Of>
void Visit(Archive& archive, Of& one) {
  auto& [node, found] = one;
  archive(node, found);
}

template <typename Archive, typename Found>
void Visit(Archive& archive, KeptByNode<Found>& kept) {
  archive(kept.layers);
}

class TextWriter {
 public:
  template <typename... Fields>
  void operator()(Fields&... fields) {
    (Write(fields), ...);
  }

  std::string text;

 private:
  template <typename T>
  void Write(T& field) {
    if constexpr (std::is_enum_v<T>) {
      text += fmt::format("{} ", static_cast<int>(field));
    } else if constexpr (std::is_arithmetic_v<T>) {
      text += fmt::format("{} ", field);
    } else {
      Visit(*this, field);
    }
  }
  template <typename T>
  void Write(std::vector<T>& list) {
    text += fmt::format("\n{}: ", list.size());
    for (T& one : list) Write(one);
    text.back() = '\n';
  }
};

class TextReader {
 public:
  explicit TextReader(const std::string& text) : at_(text.data()), end_(at_ + text.size()) {}

  template <typename... Fields>
  void operator()(Fields&... fields) {
    (Read(fields), ...);
  }

  bool is_whole() {
    SkipSpace();
    return is_sound_ && at_ == end_;
  }

 private:
  void SkipSpace() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == ':')) ++at_;
  }

  template <typename T>
  void Read(T& field) {
    if constexpr (std::is_enum_v<T>) {
      int number = 0;
      Read(number);
      field = static_cast<T>(number);
    } else if constexpr (std::is_arithmetic_v<T>) {
      SkipSpace();
      const auto [rest, error] = std::from_chars(at_, end_, field);
      is_sound_ = is_sound_ && error == std::errc();
      at_ = rest;
    } else {
      Visit(*this, field);
    }
  }
  template <typename T>
  void Read(std::vector<T>& list) {
    size_t count = 0;
    Read(count);
    // Each takes a character at least: no count makes a list larger than the text.
    is_sound_ = is_sound_ && count <= static_cast<size_t>(end_ - at_);
    if (!is_sound_) return;
    list.resize(count);
    for (T& one : list)
      if (is_sound_) Read(one);
  }

  const char* at_;
  const char* end_;
  bool is_sound_ = true;
};

template <typename Result>
std::string Written(Result& result) {
  TextWriter writer;
  writer(result);
  return std::move(writer.text);
}

template <typename Result>
bool ReadWhole(const std::string& text, Result& result) {
  TextReader reader(text);
  reader(result);
  return reader.is_whole();
}

void AddTensor(const Tensor& tensor, CacheKey& key) {
  key.Add(tensor.name);
  key.Add(static_cast<int64_t>(tensor.type));
  for (const int64_t dim : tensor.dims) key.Add(dim);
  key.Add(tensor.bytes ? std::string_view(*tensor.bytes) : "");
  for (const std::string& text : tensor.strings) key.Add(text);
}

}  // namespace

std::string KeyOf(std::initializer_list<std::string_view> parts) {
  static const std::string maker = EngineName() + " " + ThisProcessor().Kind();
  CacheKey key;
  key.Add(maker);
  for (const std::string_view part : parts) key.Add(part);
  return key.HexDigest();
}

std::string HashOf(const Model& model) {
  const EngineModel engine = SerializeForEngine(model);
  CacheKey key;
  key.Add(engine.bytes);
  for (const Tensor& tensor : engine.external) AddTensor(tensor, key);
  return key.HexDigest();
}

std::string HashOf(const std::vector<Sample>& samples) {
  CacheKey key;
  for (const Sample& sample : samples) {
    key.Add(static_cast<int64_t>(sample.inputs.size()));
    for (const Tensor& input : sample.inputs) AddTensor(input, key);
  }
  return key.HexDigest();
}

std::string HashOf(const Graph& graph, const QuantizationPlan& plan) {
  CacheKey key;
  key.Add(QuantInfoJson(graph, plan, {}));
  return key.HexDigest();
}

std::string HashOf(const LayerCorrections& corrections) {
  CacheKey key;
  for (const auto& [node, shift] : corrections.bias) {
    key.Add(static_cast<int64_t>(node));
    for (const float one : shift) key.Add(fmt::format("{}", one));
  }
  for (const auto& [node, weights] : corrections.weights) {
    key.Add(static_cast<int64_t>(node));
    AddTensor(weights.weight, key);
  }
  return key.HexDigest();
}

std::string HashOf(const LearningSettings& settings) {
  // A field more no longer compiles here.
  const auto& [method, unit, iterations, epochs, batch, learning_rate, rate_of_deviation,
               regularization, first_beta, last_beta, warm_start, learns_bias, quantized_part, seed,
               stops_early, samples, memory, op_types] = settings;
  CacheKey key;
  key.Add(fmt::format("{} {} {} {} {} {} {} {} {} {} {} {} {} {} {}", static_cast<int>(method),
                      static_cast<int>(unit), iterations, epochs, batch, learning_rate,
                      rate_of_deviation, regularization, first_beta, last_beta, warm_start,
                      learns_bias, quantized_part, seed, stops_early));
  for (const std::string& type : op_types) key.Add(type);
  return key.HexDigest();
}

std::string TextOf(std::vector<OutputComparison> outputs) { return Written(outputs); }
std::string TextOf(KeptLayer layer) { return Written(layer); }
std::string TextOf(KeptBlock block) { return Written(block); }
std::string TextOf(KeptCorrections corrections) { return Written(corrections); }
std::string TextOf(KeptScales scales) { return Written(scales); }
std::string TextOf(const CalibrationTable& table) {
  std::string text = FormatTable({.table = table});
  CalibrationTable again;
  return ReadText(text, again) && again == table ? text : "";
}

bool ReadText(const std::string& text, std::vector<OutputComparison>& outputs) {
  return ReadWhole(text, outputs);
}
bool ReadText(const std::string& text, KeptLayer& layer) { return ReadWhole(text, layer); }
bool ReadText(const std::string& text, KeptBlock& block) { return ReadWhole(text, block); }

bool ReadText(const std::string& text, KeptCorrections& corrections) {
  return ReadWhole(text, corrections);
}
bool ReadText(const std::string& text, KeptScales& scales) { return ReadWhole(text, scales); }
bool ReadText(const std::string& text, CalibrationTable& table) {
  try {
    table = ParseTable(text, "").table;
    return true;
  } catch (const Error&) {
    return false;  // made anew
  }
}

KeptLayer KeptOf(const FittedWeights& weights, const std::vector<float>& shift) {
  return {CodesOfWeights(weights), shift};
}

}  // namespace qconvert
