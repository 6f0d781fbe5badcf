#include "observer_op.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "qconvert/base/activity.h"

namespace qconvert {
namespace {

// The engine's kernels get no argument of ours; with one thread a Run they run on the caller's.
thread_local ValueObserver* t_observer = nullptr;

struct ObserverKernel {
  explicit ObserverKernel(const OrtKernelInfo* info)
      : id(Ort::ConstKernelInfo(info).GetAttribute<int64_t>("id")),
        progress("after " + Ort::ConstKernelInfo(info).GetNodeName()) {
    progress.resize(std::min(progress.find('\t'), progress.size()));
  }

  void Compute(OrtKernelContext* raw_context) {
    NoteProgress(progress);
    Ort::KernelContext context(raw_context);
    const Ort::ConstValue input = context.GetInput(0);
    const auto info = input.GetTensorTypeAndShapeInfo();
    const size_t count = info.GetElementCount();
    const std::vector<int64_t> dims = info.GetShape();
    const float* values = input.GetTensorData<float>();
    Ort::UnownedValue output = context.GetOutput(0, dims);
    float* out = output.GetTensorMutableData<float>();
    // The engine may decline the alias.
    if (out != values && count > 0) std::memcpy(out, values, count * sizeof(float));
    if (t_observer != nullptr) t_observer->Observe(id, {DataType::kFloat, dims, values, count});
  }

  int64_t id;
  std::string progress;  // for whoever asks where the engine died
};

struct ObserverOp : Ort::CustomOpBase<ObserverOp, ObserverKernel> {
  ObserverOp() {
    // Output 0 lies in the memory of input 0, so that observing costs no copy.
    OrtCustomOp::GetAliasMap = [](int** inputs, int** outputs) -> size_t {
      *inputs = new int(0);
      *outputs = new int(0);
      return 1;
    };
    OrtCustomOp::ReleaseAliasMap = [](int* inputs, int* outputs) {
      delete inputs;
      delete outputs;
    };
  }

  // Names and signatures below are those that Ort::CustomOpBase calls.
  void* CreateKernel(const OrtApi& /*api*/, const OrtKernelInfo* info) const {
    return new ObserverKernel(info);
  }
  const char* GetName() const { return kObserverOpType; }
  size_t GetInputTypeCount() const { return 1; }
  ONNXTensorElementDataType GetInputType(size_t /*index*/) const {
    return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
  }
  size_t GetOutputTypeCount() const { return 1; }
  ONNXTensorElementDataType GetOutputType(size_t /*index*/) const {
    return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
  }
  static Ort::Status InferOutputShape(Ort::ShapeInferContext& context) {
    Ort::ShapeInferContext::Shape shape = context.GetInputShape(0);
    if (shape.empty()) return Ort::Status{nullptr};  // unknown rank: saying rank 0 would be wrong
    const std::string id = std::to_string(context.GetAttrInt("id"));
    std::vector<std::string> symbols(shape.size());  // the shape holds pointers into it
    for (size_t d = 0; d < shape.size(); ++d) {
      // An unknown size comes as -1 and would be taken for a real one; a name of its own says
      // "unknown".
      if (shape[d].IsInt() && shape[d].AsInt() < 0) {
        symbols[d] = "observed_" + id + "_" + std::to_string(d);
        shape[d] = Ort::ShapeInferContext::SymbolicInteger(symbols[d].c_str());
      }
    }
    return context.SetOutputShape(0, shape);
  }
};

}  // namespace

ScopedObserver::ScopedObserver(ValueObserver* observer) { t_observer = observer; }
ScopedObserver::~ScopedObserver() { t_observer = nullptr; }

const Ort::CustomOpDomain& ObserverDomain() {
  OrtEnvironment();
  // As the environment, never destroyed: sessions point to them.
  static const ObserverOp* const op = new ObserverOp;
  static const Ort::CustomOpDomain* const domain = [] {
    auto* made = new Ort::CustomOpDomain(kObserverDomain);
    made->Add(op);
    return made;
  }();
  return *domain;
}

}  // namespace qconvert
