#include "qconvert/runtime/ort_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "engine_message.h"
#include "find_killer.h"
#include "observer_op.h"
#include "onnxruntime_session_options_config_keys.h"
#include "ort_library.h"
#include "qconvert/base/activity.h"
#include "qconvert/base/error.h"
#include "qconvert/base/memory.h"
#include "qconvert/base/parked_bytes.h"
#include "qconvert/runtime/opened_models.h"
#include "quiet_stderr.h"
#include "searching_session.h"

namespace qconvert {
namespace {

// ONNX Runtime's element type numbers are those of ONNX up to 23 (float4e2m1); others are not
// served by the C API.
DataType FromOrt(ONNXTensorElementDataType type) {
  return DataTypeFromNumber(static_cast<int64_t>(type)).value_or(DataType::kUndefined);
}

// No option helps where one buffer is larger than the machine.
std::string MemoryAdvice(std::string_view message) {
  const int64_t total = MemoryOfMachine().total;
  if (total <= 0 || RefusedBytes(message) < total) return std::string(kMemoryHint);
  return fmt::format("the machine has {} MB in all, smaller dimensions of the input take less",
                     total >> 20);
}

[[noreturn]] void ThrowEngineError(const std::string& place, std::string_view doing,
                                   const Ort::Exception& e) {
  if (IsOutOfMemory(e.what())) {
    throw Error(ExitCode::kResource, place,
                fmt::format("{}: out of memory: {}; {}", doing, CleanEngineMessage(e.what()),
                            MemoryAdvice(e.what())));
  }
  throw Error(ExitCode::kModel, place, fmt::format("{}: {}", doing, CleanEngineMessage(e.what())));
}

[[noreturn]] void ThrowUnknownIndex(const std::string& place, const Ort::Exception& e) {
  throw Error(
      ExitCode::kData, place,
      fmt::format("{}; expected a sample that this index fits", CleanEngineMessage(e.what())));
}

ValueType TypeOf(const Ort::TypeInfo& info) {
  ValueType type;
  if (info.GetONNXType() != ONNX_TYPE_TENSOR) {
    type.opaque = "non-tensor";
    return type;
  }
  const auto tensor = info.GetTensorTypeAndShapeInfo();
  type.element = FromOrt(tensor.GetElementType());
  const std::vector<int64_t> dims = tensor.GetShape();
  if (dims.empty()) return type;  // the C API tells no scalar from an unknown rank
  std::vector<const char*> symbols(dims.size());
  tensor.GetSymbolicDimensions(symbols.data(), symbols.size());
  type.shape.emplace();
  for (size_t i = 0; i < dims.size(); ++i) {
    type.shape->push_back({dims[i], dims[i] < 0 && symbols[i] != nullptr ? symbols[i] : ""});
  }
  return type;
}

Ort::Value ToOrt(const Tensor& tensor, const Ort::MemoryInfo& memory) {
  Ort::AllocatorWithDefaultOptions allocator;
  if (tensor.type == DataType::kString) {
    Ort::Value value = Ort::Value::CreateTensor(allocator, tensor.dims.data(), tensor.dims.size(),
                                                ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING);
    std::vector<const char*> strings;
    for (const std::string& text : tensor.strings) strings.push_back(text.c_str());
    value.FillStringTensor(strings.data(), strings.size());
    return value;
  }
  // The engine does not write into inputs; its C API merely lacks const.
  return Ort::Value::CreateTensor(memory, const_cast<char*>(tensor.bytes->data()),
                                  tensor.bytes->size(), tensor.dims.data(), tensor.dims.size(),
                                  static_cast<ONNXTensorElementDataType>(tensor.type));
}

Tensor FromOrtValue(const Ort::Value& value, const std::string& name) {
  Tensor tensor;
  tensor.name = name;
  if (!value.IsTensor()) return tensor;
  const auto info = value.GetTensorTypeAndShapeInfo();
  tensor.dims = info.GetShape();
  tensor.type = FromOrt(info.GetElementType());
  if (tensor.type == DataType::kString) {
    for (size_t i = 0; i < info.GetElementCount(); ++i)
      tensor.strings.push_back(value.GetStringTensorElement(i));
    return tensor;
  }
  // Element types that our numbers do not cover have no known size.
  const auto size = PackedBytes(tensor.type, static_cast<int64_t>(info.GetElementCount()));
  if (!size) {
    tensor.type = DataType::kUndefined;
    return tensor;
  }
  tensor.bytes = std::make_shared<const std::string>(
      static_cast<const char*>(value.GetTensorRawData()), static_cast<size_t>(*size));
  return tensor;
}

std::vector<SharedBytes> BytesOf(std::initializer_list<std::span<const Tensor>> lists) {
  std::vector<SharedBytes> bytes;
  for (const std::span<const Tensor> list : lists)
    for (const Tensor& tensor : list) bytes.push_back(tensor.bytes);
  return bytes;
}

class OrtSession : public Session {
 public:
  OrtSession(Ort::Session session, std::string place, const OrtSessionOptions& options)
      : initializers_(options.external_initializers.begin(), options.external_initializers.end()),
        fed_(options.fed.begin(), options.fed.end()),
        held_(BytesOf({initializers_, fed_})),
        session_(std::move(session)),
        place_(std::move(place)) {
    Ort::AllocatorWithDefaultOptions allocator;
    // What is fed stands behind the model's own inputs.
    for (size_t i = 0; i < session_.GetInputCount() - fed_.size(); ++i) {
      inputs_.push_back({session_.GetInputNameAllocated(i, allocator).get(),
                         TypeOf(session_.GetInputTypeInfo(i)),
                         {},
                         {}});
    }
    for (size_t i = 0; i < session_.GetOutputCount(); ++i) {
      outputs_.push_back({session_.GetOutputNameAllocated(i, allocator).get(),
                          TypeOf(session_.GetOutputTypeInfo(i)),
                          {},
                          {}});
    }
  }

  const std::vector<Value>& inputs() const override { return inputs_; }
  const std::vector<Value>& outputs() const override { return outputs_; }

  std::vector<Tensor> Run(std::span<const Tensor> inputs, ValueObserver* observer) const override {
    const EngineCall call(place_, kRunning);
    try {
      return RunUnchecked(inputs, observer);
    } catch (const Ort::Exception& e) {
      // The model's own constants have been run before anybody's data.
      if (!inputs.empty() && IsIndexOutOfRange(e.what())) ThrowUnknownIndex(place_, e);
      ThrowEngineError(place_, "running failed", e);
    }
  }

 private:
  std::vector<Tensor> RunUnchecked(std::span<const Tensor> inputs, ValueObserver* observer) const {
    const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    std::vector<const char*> input_names;
    std::vector<Ort::Value> values;
    for (size_t k = 0; k < inputs_.size(); ++k) {
      const Value& input = inputs_[k];
      const auto is_it = [&](const Tensor& t) { return t.name == input.name; };
      // By name: the caller's order is that of its files. Mostly that of the model.
      const auto at = inputs.begin() + static_cast<ptrdiff_t>(std::min(k, inputs.size()));
      const auto it =
          at != inputs.end() && is_it(*at) ? at : std::find_if(inputs.begin(), inputs.end(), is_it);
      if (it == inputs.end()) {
        throw Error(ExitCode::kData, place_, fmt::format("no data for input \"{}\"", input.name));
      }
      input_names.push_back(input.name.c_str());
      values.push_back(ToOrt(*it, memory));
    }
    for (const Tensor& tensor : fed_) {
      input_names.push_back(tensor.name.c_str());
      values.push_back(ToOrt(tensor, memory));
    }
    std::vector<const char*> output_names;
    for (const Value& output : outputs_) output_names.push_back(output.name.c_str());
    const ScopedObserver scope(observer);
    // Session::Run is thread-safe; the wrapper merely lacks const.
    std::vector<Ort::Value> results = const_cast<Ort::Session&>(session_).Run(
        Ort::RunOptions{}, input_names.data(), values.data(), values.size(), output_names.data(),
        output_names.size());
    std::vector<Tensor> out;
    for (size_t i = 0; i < results.size(); ++i)
      out.push_back(FromOrtValue(results[i], outputs_[i].name));
    return out;
  }

  // Before the session and so destroyed after it.
  std::vector<Tensor> initializers_;  // the engine reads where they lie
  std::vector<Tensor> fed_;
  HeldBytes held_;
  Ort::Session session_;
  std::string place_;
  std::vector<Value> inputs_;
  std::vector<Value> outputs_;
};

std::atomic<int64_t> opened_models{0};

template <typename MakeSession>
std::unique_ptr<Session> Open(const std::string& place, const OrtSessionOptions& options,
                              MakeSession&& make) {
  Ort::Env& environment = OrtEnvironment();
  NoteSample("");
  const EngineCall call(place, kPreparing);
  ++opened_models;
  try {
    Ort::SessionOptions ort_options;
    ort_options.SetGraphOptimizationLevel(options.optimization == OptimizationLevel::kAll
                                              ? GraphOptimizationLevel::ORT_ENABLE_ALL
                                              : GraphOptimizationLevel::ORT_DISABLE_ALL);
    ort_options.SetIntraOpNumThreads(options.intra_op_threads);
    ort_options.SetInterOpNumThreads(1);
    // What matters comes back as an exception; the engine's own lines on stderr are no messages of
    // ours.
    ort_options.SetLogSeverityLevel(ORT_LOGGING_LEVEL_FATAL);
    ort_options.Add(ObserverDomain());
    if (!options.plans_memory) ort_options.DisableMemPattern();
    if (!options.pack_weights)
      ort_options.AddConfigEntry(kOrtSessionOptionsConfigDisablePrepacking, "1");
    if (!options.fold_constants)
      ort_options.AddConfigEntry(kOrtSessionOptionsDisableSpecifiedOptimizers, "ConstantFolding");
    if (!options.integer_kernels)
      ort_options.AddConfigEntry(kOrtSessionOptionsDisableQuantQDQ, "1");
    if (!options.optimized_model_path.empty()) {
      ort_options.SetOptimizedModelFilePath(options.optimized_model_path.c_str());
    }
    if (!options.trace_prefix.empty()) ort_options.EnableProfiling(options.trace_prefix.c_str());
    const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    std::vector<std::string> names;
    std::vector<Ort::Value> values;
    for (const Tensor& tensor : options.external_initializers) {
      names.push_back(tensor.name);
      values.push_back(ToOrt(tensor, memory));
    }
    if (!names.empty()) ort_options.AddExternalInitializers(names, values);
    // Graph passes see the ones above; kernels copy those, but read these where they lie. Not
    // behind passes that transpose constants and leave them their names.
    if (!options.pack_weights && options.optimization == OptimizationLevel::kNone) {
      for (size_t i = 0; i < names.size(); ++i)
        ort_options.AddInitializer(names[i].c_str(), values[i]);
    }
    return std::make_unique<OrtSession>(make(environment, ort_options), place, options);
  } catch (const Ort::Exception& e) {
    ThrowEngineError(place, "ONNX Runtime refuses the model", e);
  }
}

}  // namespace

std::unique_ptr<Session> OpenOrtSession(const std::string& model_bytes, const std::string& place,
                                        const OrtSessionOptions& options) {
  const auto open = [place, options](const std::string& bytes) {
    std::optional<QuietStderr> quiet;
    if (HasPatterns(bytes)) quiet.emplace();
    return Open(place, options, [&](Ort::Env& environment, const Ort::SessionOptions& ort_options) {
      return Ort::Session(environment, bytes.data(), bytes.size(), ort_options);
    });
  };
  if (IsSearching()) return OpenSearching(model_bytes, place, open);
  try {
    return open(model_bytes);
  } catch (const Error& e) {
    const std::string message = e.what();
    const std::string front = place + ": ";
    // Where the engine names no node the model is halved, which is only worth it then.
    if (e.code() != ExitCode::kModel || NamesNode(message) || !message.starts_with(front)) throw;
    const std::string node = FindRefused(model_bytes, message, open);
    if (node.empty()) throw;
    std::string why = message.substr(front.size());
    if (why.ends_with('.')) why.pop_back();
    throw Error(ExitCode::kModel, place, why + "; " + node);
  }
}

std::unique_ptr<Session> OpenOrtSessionFile(const std::filesystem::path& file,
                                            const std::string& place,
                                            const OrtSessionOptions& options) {
  return Open(place, options, [&](Ort::Env& environment, const Ort::SessionOptions& ort_options) {
    return Ort::Session(environment, file.c_str(), ort_options);
  });
}

int64_t OpenedModels() { return opened_models; }

std::string EngineName() { return "onnxruntime " + OrtLibraryVersion(); }

}  // namespace qconvert
