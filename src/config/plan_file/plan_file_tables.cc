#include "plan_file/plan_file_tables.h"

#include <string>
#include <utility>
#include <vector>

#include "qconvert/base/newest_opset.h"
#include "words.h"

namespace qconvert {
namespace {

using Kind = Setting::Kind;

constexpr double kMaxCount = 1e12;
constexpr double kMaxMeasurements = 1e9;
constexpr double kMaxByte = 255;
constexpr double kHighestCode = 65535;
constexpr double kMaxPairLimit = 65535;

Setting Text(std::string name, std::string help) {
  return {.name = std::move(name), .kind = Kind::kText, .help = std::move(help)};
}

Setting Bool(std::string name, std::string help) {
  return {.name = std::move(name), .kind = Kind::kBool, .help = std::move(help)};
}

Setting Integer(std::string name, std::string help, double min, double max) {
  return {.name = std::move(name),
          .kind = Kind::kInteger,
          .help = std::move(help),
          .min = min,
          .max = max};
}

Setting Number(std::string name, std::string help) {
  return {.name = std::move(name), .kind = Kind::kNumber, .help = std::move(help)};
}

Setting Word(std::string name, std::string help, std::vector<std::string> words) {
  return {.name = std::move(name),
          .kind = Kind::kWord,
          .help = std::move(help),
          .words = std::move(words)};
}

Setting Texts(std::string name, std::string help) {
  return {.name = std::move(name), .kind = Kind::kTexts, .help = std::move(help)};
}

Setting Any(std::string name, std::string help) {
  return {.name = std::move(name), .kind = Kind::kAnything, .help = std::move(help)};
}

Setting Required(Setting setting) {
  setting.required = true;
  return setting;
}

Setting Object(std::string name, Kind kind, std::string help, const SettingTable& table) {
  return {.name = std::move(name), .kind = kind, .help = std::move(help), .object = &table};
}

Setting Scale(std::string name, std::string help) {
  return {.name = std::move(name),
          .kind = Kind::kNumber,
          .help = std::move(help),
          .min = 0,
          .above_min = true};
}

std::vector<Setting> Joined(std::vector<Setting> first, const std::vector<Setting>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

// Of an entry that gives a tensor its numbers.
std::vector<Setting> GridKeys() {
  return {Required(Word("type", "of the codes in the file",
                        {"int8", "uint8", "int16", "uint16", "float16", "bfloat16"})),
          Any("codes", "lowest and highest code, a list of two; not of a floating type"),
          Word("round", "where halves go", AllWords<RoundMode>()),
          Any("scale", "real step of a code: one number, or a list with one per slice"),
          Any("zero_point", "the code of real 0: one number, or a list with one per scale"),
          Integer("axis", "that the slices of a list of scales lie along", 0, 64)};
}

const SettingTable& ProvenanceTable() {
  static const SettingTable table{
      "where the file comes from",
      {Required(Text("tool", "name and version")), Required(Text("engine", "name and version")),
       Required(Text("model_sha256", "of the float model that this is about")),
       Any("config_sha256", "of the settings, or of the edited file that was applied"),
       Any("data_sha256", "of the samples"), Integer("samples", "calibrated on", 0, kMaxCount),
       Text("processor_kind", "that weights or ranges were learned on")}};
  return table;
}

const SettingTable& SchemeTable() {
  static const SettingTable table{
      "the scheme that was taken",
      {Required(Word("name", "what is quantized", {"static", "dynamic", "weight-only"})),
       Text("reason", "why that one")}};
  return table;
}

const SettingTable& GateTable() {
  static const SettingTable table{
      "what outputs had to reach",
      {Number("min_sqnr_db", "over all samples"), Number("min_sample_sqnr_db", "in every sample"),
       Number("min_group_sqnr_db", "in every group of channels"),
       Number("max_flips", "share of decisions"), Number("min_cosine", "over all samples")}};
  return table;
}

const SettingTable& GuardTable() {
  static const SettingTable table{
      "what the guard found",
      {Bool("ran", "whether outputs were compared"), Bool("passed", "whether all passed"),
       Object("gate", Kind::kObject, "what they had to reach", GateTable()),
       Integer("measurements", "plans that were run", 0, kMaxMeasurements),
       Any("kept_float", "nodes put back to float"),
       Any("kept_wide", "weights in more bits than was asked for")}};
  return table;
}

const SettingTable& AbsorbedTable() {
  static const SettingTable table{
      "a value whose channels are lowered, for the biases behind it",
      {Required(Text("value", "its name")),
       Required(Any("amounts", "what is subtracted, a number per channel"))}};
  return table;
}

const SettingTable& ResizerTable() {
  static const SettingTable table{
      "the resizer in front of an input",
      {Required(Word("interp_mode", "between pixels", AllWords<InterpMode>())),
       Required(Word("pad_mode", "around the picture", AllWords<PadMode>())),
       Required(Integer("pad_luma", "the byte of Y there, where constant", 0, kMaxByte)),
       Required(Integer("pad_chroma", "the byte of U and V there", 0, kMaxByte))}};
  return table;
}

const SettingTable& PassTable() {
  static const SettingTable table{
      "what float passes did",
      {Required(Word("target_device", "whose operator rules hold", AllWords<TargetDevice>())),
       Word("processor", "that kernels were chosen for", AllWords<Processor>()),
       Required(Integer("onnx_opset_version", "of the quantized model", 1, kNewestOpset)),
       Bool("convert_relu6_to_relu", "as in the Vitis language"),
       Bool("convert_silu_to_hswish", "as in the Vitis language"),
       Texts("dpu_forms", "as in the Vitis language"),
       Bool("include_cle", "as in the Vitis language"),
       Bool("exact_rounding", "as in the Vitis language"),
       Bool("matmul_nbits", "as in the Vitis language"),
       Bool("equalize_clips", "as in the Vitis language"),
       Object("absorbed_biases", Kind::kObjects, "values whose high channels went into biases",
              AbsorbedTable()),
       Word("compat", "whose equalization; none: ours", AllWords<Compat>())}};
  return table;
}

const SettingTable& InputTable() {
  static const SettingTable table{
      "how the deployed model is fed",
      {Text("name", "of the input; none: the only one"),
       Required(Word("type_rt", "what the deployed model takes", AllWords<InputKind>())),
       Required(Word("type_train", "what the float model takes", AllWords<InputKind>())),
       Word("layout_train", "of the float model", AllWords<InputLayout>()),
       Word("layout_rt", "of the deployed model; none: that of the float model",
            AllWords<InputLayout>()),
       Word("range", "of YUV pixels", {"full", "video"}),
       Bool("separate_batch", "one input per sample of the batch"),
       Word("source", "where the pixels come from", AllWords<InputSource>()),
       Object("resizer", Kind::kObject, "none: bilinear, black around", ResizerTable()),
       Any("shape", "takes the place of free dimensions"), Any("mean", "of each channel"),
       Any("scale", "of each channel: (x - mean) * scale")}};
  return table;
}

const SettingTable& DeploymentTable() {
  static const SettingTable table{
      "the borders of the deployed model",
      {Required(Word("generation", "whose rules hold", {"J5", "J6"})),
       Object("inputs", Kind::kObjects, "one entry per input", InputTable()),
       Word("calibration_domain", "of the samples", {"normalized", "raw"}),
       Integer("input_batch", "of the deployed model; 0: not said", 0, kMaxMeasurements),
       Texts("output_nodes", "that the model was cut to"),
       Texts("remove_node_types", "at inputs and outputs"),
       Texts("keep_node_names", "win over both"),
       Texts("remove_node_names", "at inputs and outputs"),
       Bool("layer_out_dump", "as in the Horizon language"),
       Bool("fold_normalization", "as in the Horizon language")}};
  return table;
}

Setting StepsKey() {
  return Text("steps",
              "one letter per weight: how far its code is from the nearest; none: all are the "
              "nearest");
}

const SettingTable& WeightTable() {
  static const SettingTable table{
      "weights of a node that computes on codes",
      Joined({Required(Text("weight", "the initializer"))},
             Joined(GridKeys(), {Integer("pair_limit",
                                         "most that two neighbouring codes of one sign sum to; 0: "
                                         "any",
                                         0, kMaxPairLimit),
                                 StepsKey()}))};
  return table;
}

const SettingTable& BiasTable() {
  static const SettingTable table{
      "bias of a node that computes on integers: int32 with the scales of input and weights, or on "
      "a "
      "grid of its own",
      {Required(Word("round", "where halves go", AllWords<RoundMode>())),
       Scale("scale", "step of the grid that the float bias is put on before; none: no grid"),
       Any("codes", "lowest and highest code of that grid"),
       Any("shift", "added to the float bias first, a number per channel")}};
  return table;
}

const SettingTable& OperandTable() {
  static const SettingTable table{
      "another constant of a node that computes on integers, or an input that it converts",
      Joined({Required(Integer("input", "index of the input", 0, kHighestCode))}, GridKeys())};
  return table;
}

const SettingTable& NoiseTable() {
  static const SettingTable table{
      "signal to noise in dB of what a node writes, with all in front of it float",
      {Number("weights_db", "its weights alone rounded"),
       Number("inputs_db", "what it reads alone rounded")}};
  return table;
}

const SettingTable& NodeTable() {
  static const SettingTable table{
      "one node of the prepared model, in order",
      {Text("scope", "the way to its body of If, Loop or Scan; none: the main graph"),
       Text("name", "of the node"), Required(Text("op_type", "its operator")),
       Required(Word("computes",
                     "integer, float, fused (inside the integer node before it), dynamic (codes "
                     "made at run time)",
                     {"integer", "float", "fused", "dynamic"})),
       Text("reason", "why float"),
       Object("weights", Kind::kObjects, "of integer and dynamic nodes", WeightTable()),
       Object("bias", Kind::kObject, "of integer nodes", BiasTable()),
       Object("operands", Kind::kObjects, "other constants and converted inputs of integer nodes",
              OperandTable()),
       Object("noise", Kind::kObject, "what rounding does to it; for people", NoiseTable()),
       Any("requantization", "of sums to codes in integers alone; follows from the scales")}};
  return table;
}

const SettingTable& ValueTable() {
  static const SettingTable table{
      "one value that has codes",
      Joined({Text("scope", "the way to its body of If, Loop or Scan; none: the main graph"),
              Required(Text("name", "of the value"))},
             Joined(GridKeys(), {Any("range", "min and max of what was calibrated"),
                                 Text("method", "that chose it"),
                                 Text("shares", "the value whose codes these are, moved")}))};
  return table;
}

const SettingTable& StoredTable() {
  static const SettingTable table{
      "weights of float nodes that are stored in fewer bits",
      Joined({Required(Text("weight", "the initializer; in a body, the way to it")),
              Integer("block_size", "inner elements under one scale; none: a whole channel", 0,
                      kMaxCount),
              StepsKey()},
             GridKeys())};
  return table;
}

const SettingTable& CoarserTable() {
  static const SettingTable table{
      "a scale that a shift made coarser",
      {Required(Text("node", "whose shift")),
       Required(Word("what", "was changed", {"output", "weights", "bias"})),
       Required(Scale("wanted", "before")), Required(Scale("scale", "taken"))}};
  return table;
}

const SettingTable& SpreadTable() {
  static const SettingTable table{
      "a value whose channels are divided by powers of two",
      {Required(Text("value", "its name")),
       Required(Text("shifts", "a letter per channel: . for 1, a for 2, b for 4, ..."))}};
  return table;
}

const SettingTable& RoundedTable() {
  static const SettingTable table{
      "a float value that is rounded",
      {Required(Text("value", "its name")),
       Required(Word("type", "that it is rounded to", {"float16", "bfloat16"}))}};
  return table;
}

}  // namespace

const SettingTable& PlanFileTable() {
  static const SettingTable table{
      "quant_info.json",
      {Required(Text("format", "qconvert quant_info")),
       Required(Integer("version", "of the form", 1, kMaxCount)),
       Required(Object("provenance", Kind::kObject, "where it comes from", ProvenanceTable())),
       Required(Object("scheme", Kind::kObject, "what was taken", SchemeTable())),
       Object("guard", Kind::kObject, "what the guard found", GuardTable()),
       Required(Object("passes", Kind::kObject, "what float passes did", PassTable())),
       Object("deployment", Kind::kObject, "the borders of the deployed model", DeploymentTable()),
       Required(Object("nodes", Kind::kObjects, "nodes that compute floats in the given model",
                       NodeTable())),
       Object("values", Kind::kObjects, "values that have codes", ValueTable()),
       Object("spread_values", Kind::kObjects, "values whose large channels went into weights",
              SpreadTable()),
       Object("stored_weights", Kind::kObjects, "weights of float nodes", StoredTable()),
       Object("coarser_scales", Kind::kObjects, "of the DPU: what its shifts asked for; for people",
              CoarserTable()),
       Object("rounded_values", Kind::kObjects, "float values of 16 bits", RoundedTable())}};
  return table;
}

}  // namespace qconvert
