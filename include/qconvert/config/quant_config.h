// What the user wants: plain settings, resolved from whatever language they were written in.
#ifndef QCONVERT_CONFIG_QUANT_CONFIG_H_
#define QCONVERT_CONFIG_QUANT_CONFIG_H_

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "qconvert/base/metric.h"
#include "qconvert/config/calib_transforms.h"
#include "qconvert/config/deployment_config.h"
#include "qconvert/config/learning_settings.h"
#include "qconvert/config/tensor_settings.h"
#include "qconvert/numbers/range.h"

namespace qconvert {

// Whose operator rules hold.
enum class TargetDevice {
  kCpu,  // ONNX Runtime's integer kernels
  kGpu,  // TensorRT
  kDpu,  // AMD/Xilinx DPU: power-of-two scales
  kBpu,  // Horizon BPU: symmetric int8 and int16
  kQnn,  // Qualcomm's NPU through ONNX Runtime's QNN provider
};

// What is quantized: activations with ranges from calibration, activations with ranges taken at run
// time, or weights alone. kAuto: whatever is fast and faithful.
enum class Scheme { kAuto, kStatic, kDynamic, kWeightOnly };

// What a choice between equally faithful plans goes by (scheme auto).
enum class Objective {
  kBalanced,  // weights in 8 bit; on integer kernels wherever the model does not get slower by it
  kSpeed,     // integer kernels only where they save time
  kSize,      // every weight in 8 bit
};

// What is tried beyond nearest codes where the settings leave it open.
enum class Effort {
  kFast,    // nothing
  kNormal,  // what takes seconds: biases, second-order rounding
  kHigh,    // learned weights too
};

// Whether a correction is made: kAuto where it is measured to help.
enum class Correction { kOff, kAuto, kOn };

// The processor that a CPU model is placed for.
enum class Processor {
  kAny,     // x86 with AVX2 or anything newer: no slower than float on any, fast on most
  kAvx2,    // x86 without int8 dot products
  kVnni,    // x86 with int8 dot products: AVX-512 VNNI, AVX-VNNI
  kArmDot,  // 64-bit ARM with int8 dot products
  kHost,    // the one that runs the conversion
};

// Op types that a layer entry speaks of. `weight_rank` narrows Conv to Conv1d (3), Conv2d (4) or
// Conv3d (5); `constant_weight` narrows MatMul to what is a Linear (true) or not (false).
struct OpMatch {
  std::string op_type;
  int weight_rank = 0;  // 0: any
  enum class Weight { kAny, kConstant, kComputed } weight = Weight::kAny;

  bool operator==(const OpMatch&) const = default;
};

// Which nodes a layer entry speaks of.
struct LayerMatch {
  enum class Kind {
    kType,      // nodes of one of `types`
    kName,      // nodes whose name fits `pattern`, see name_pattern.h
    kNode,      // the node named `pattern`, letter by letter
    kModule,    // nodes exported from the PyTorch module `module`, see ir/module_path.h
    kSubgraph,  // nodes on a way from one of `inputs` to one of `outputs` (node names); of an
                // empty list any node is one
  };
  Kind kind = Kind::kName;
  std::string pattern;         // as written: of a name, or the op type for messages
  std::vector<OpMatch> types;  // of a type, and of a module where its operators are known
  std::string module;          // of a module: "layer1.0.conv1"
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  bool outside = false;    // of a subgraph: the nodes that are on no such way instead
  bool known_type = true;  // of kType: an ONNX op type, not one that only the model can know
  bool may_miss = false;   // nodes that are not there are a warning, not an error
  std::string place;       // "c.json:3:7", for messages

  bool operator==(const LayerMatch& other) const {  // wherever it was written
    return kind == other.kind && pattern == other.pattern && types == other.types &&
           inputs == other.inputs && outputs == other.outputs && outside == other.outside;
  }
};

// Settings of the nodes that `match` finds, complete: what the entry leaves out is the root's.
struct LayerSettings {
  LayerMatch match;
  NodeSettings tensors;

  bool operator==(const LayerSettings&) const = default;
};

// Settings of one value, whichever node writes it.
struct ValueSettings {
  std::string value;           // its name in the model as it came
  TensorSettings settings;     // complete: what the entry leaves out is the root's
  std::optional<Range> range;  // in place of the calibrated one
  std::string place;           // "c.json:3:7", for messages

  bool operator==(const ValueSettings& other) const {  // wherever it was written
    return value == other.value && settings == other.settings && range == other.range;
  }
};

// Settings of activations that are tried in turn on whole models; the best by `metric` holds.
struct ModelSearch {
  std::vector<TensorSettings> activations;  // empty: nothing is searched
  Metric metric = Metric::kCosine;

  bool operator==(const ModelSearch&) const = default;
};

// Nodes that lose most get other types of numbers: those whose model, with them alone on integers,
// is furthest from the float model by `metric`.
struct NodeSearch {
  NodeSettings tensors;  // of these nodes: bit widths and datatypes
  Metric metric = Metric::kCosine;
  int64_t count = 0;          // how many; 0: until the whole model reaches `similarity`
  double similarity = 0.995;  // by `metric`

  bool operator==(const NodeSearch&) const = default;
};

// How calibration data is read; 0 and empty: not said.
struct CalibrationSettings {
  std::filesystem::path data;                          // a folder for all inputs
  std::map<std::string, std::filesystem::path> input;  // input name -> folder
  std::string format;                                  // "npy", "bin", "picture" or "auto"
  int64_t batch_size = 1;
  int64_t max_samples = 0;
  bool stacked = false;  // axis 0 of files stacks samples
  int workers = 0;
  int64_t memory_limit = 0;                // bytes
  std::vector<CalibTransform> transforms;  // of pictures, in order

  bool operator==(const CalibrationSettings&) const = default;
};

// Operators that are computed as a DPU computes them, before calibration; see
// transform/dpu_forms.h.
struct DpuForms {
  bool leaky_relu = false;
  bool hard_sigmoid = false;
  bool sigmoid = false;  // as the DPU's HardSigmoid
  bool average_pool = false;

  bool operator==(const DpuForms&) const = default;
};

// Later entries of `layers` win over earlier ones of the same kind; names over subgraphs over types
// over `tensors`.
struct QuantConfig {
  TargetDevice target_device = TargetDevice::kCpu;
  Scheme scheme = Scheme::kAuto;
  Objective objective = Objective::kBalanced;
  Processor processor = Processor::kAny;
  NodeSettings tensors = CpuInt8Settings();
  std::vector<LayerSettings> layers;
  std::vector<ValueSettings> values;  // win over `layers`; of two of one value the later holds
  bool convert_relu6_to_relu = false;
  bool convert_silu_to_hswish = false;
  Correction equalization = Correction::kOff;  // kAuto: where weights have one scale per tensor
  DpuForms dpu_forms;
  bool equalize_clips = false;  // also through Clip(0, b), bounds then differing by channel
  Correction bias_absorption = Correction::kAuto;  // transform/absorb_biases.h
  Correction bias_correction = Correction::kAuto;
  Correction second_order_rounding = Correction::kAuto;
  Correction learned_clipping = Correction::kOff;  // ranges by what the readers of a value write
  std::optional<LearningSettings> learning;        // none: by the effort
  Effort effort = Effort::kNormal;
  int64_t bias_correction_samples = 0;  // 0: as many as are worth it
  ModelSearch search;
  std::optional<NodeSearch> node_search;
  bool keep_first_last_layer_accuracy = false;
  bool keep_add_layer_accuracy = false;
  bool change_concat_input_fix = false;
  bool change_pool_input_fix = false;
  // Values round as round_mode says, by standard operators in front of their QuantizeLinear.
  bool exact_rounding = false;
  // On the CPU weights in blocks stay packed in memory: one DequantizeLinear, that the engine runs
  // as MatMulNBits.
  bool matmul_nbits = false;
  int onnx_opset_version = -1;  // -1: whatever the exported file needs
  CalibrationSettings calibration;
  DeploymentConfig deployment;

  bool operator==(const QuantConfig&) const = default;
};

// Whether any setting quantizes activations, with ranges that only samples give.
bool NeedsSamples(const QuantConfig& config);

// The words used in config files.
std::string TargetDeviceName(TargetDevice device);
std::string SchemeName(Scheme scheme);
std::string ProcessorName(Processor processor);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_QUANT_CONFIG_H_
