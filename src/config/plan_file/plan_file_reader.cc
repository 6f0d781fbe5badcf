#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "plan_file/grid_reader.h"
#include "plan_file/plan_file_tables.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/config/dpu_form_names.h"
#include "qconvert/config/plan_file.h"
#include "text/node_edit.h"
#include "text/parse_config.h"
#include "words.h"

namespace qconvert {
namespace {

constexpr size_t kSha256Digits = 64;
// The words of `computes` in plan_file_tables.cc.
constexpr std::array kWays = {
    std::pair{NodeWay::kInteger, "integer"}, std::pair{NodeWay::kFloat, "float"},
    std::pair{NodeWay::kFused, "fused"}, std::pair{NodeWay::kDynamic, "dynamic"}};
// A map without keys: what is looked for in it is not there.
const ConfigNode kNothing;

std::string TextOf(const ConfigNode& map, std::string_view key) {
  const ConfigNode* value = FindValue(map, key);
  return value == nullptr ? "" : value->scalar;
}

bool IsOn(const ConfigNode& map, std::string_view key, bool otherwise = false) {
  const ConfigNode* value = FindValue(map, key);
  return value == nullptr ? otherwise : AsBool(*value);
}

int64_t IntegerOf(const ConfigNode& map, std::string_view key) {
  const ConfigNode* value = FindValue(map, key);
  return value == nullptr ? 0 : AsInteger(*value);
}

double NumberOf(const ConfigNode& map, std::string_view key) {
  const ConfigNode* value = FindValue(map, key);
  return value == nullptr ? 0 : AsNumber(*value);
}

std::optional<double> DecibelsOf(const ConfigNode& map, std::string_view key) {
  const ConfigNode* value = FindValue(map, key);
  return value == nullptr ? std::nullopt : std::optional(AsNumber(*value));
}

// Items of a list of maps that were not refused.
std::vector<const ConfigNode*> MapsOf(const ConfigNode& map, std::string_view key) {
  std::vector<const ConfigNode*> out;
  const ConfigNode* list = FindValue(map, key);
  for (size_t i = 0; list != nullptr && i < list->items.size(); ++i)
    if (list->items[i].kind == ConfigNode::Kind::kMap) out.push_back(&list->items[i]);
  return out;
}

const ConfigNode& MapOf(const ConfigNode& map, std::string_view key) {
  const ConfigNode* value = FindValue(map, key);
  return value == nullptr ? kNothing : *value;
}

// As Sha256::HexDigest writes it: digits of lower case.
bool IsSha256(const std::string& text) {
  return text.size() == kSha256Digits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

class Reader {
 public:
  Reader(const ConfigNode& root, PlanFile& out, ConfigProblems& problems)
      : root_(root), out_(out), problems_(problems) {}

  void Run() {
    // Every problem of a file is told at once: reading goes on with a fallback where a key is
    // missing or refused.
    CheckRequired(root_, PlanFileTable());
    ReadProvenance(MapOf(root_, "provenance"));
    const ConfigNode& scheme = MapOf(root_, "scheme");
    out_.scheme = FromWord<Scheme>(TextOf(scheme, "name")).value_or(Scheme::kStatic);
    out_.scheme_reason = TextOf(scheme, "reason");
    ReadGuard(MapOf(root_, "guard"));
    ReadPasses(MapOf(root_, "passes"));
    if (const ConfigNode* deployment = FindValue(root_, "deployment")) ReadDeployment(*deployment);
    for (const ConfigNode* node : MapsOf(root_, "nodes")) ReadNode(*node);
    for (const ConfigNode* value : MapsOf(root_, "values")) ReadValue(*value);
    for (const ConfigNode* change : MapsOf(root_, "coarser_scales")) {
      out_.coarser.push_back({change->place, TextOf(*change, "node"), TextOf(*change, "what"),
                              NumberOf(*change, "wanted"), NumberOf(*change, "scale")});
    }
    for (const ConfigNode* value : MapsOf(root_, "spread_values"))
      out_.spread.push_back({TextOf(*value, "value"), ReadShifts(*value)});
    for (const ConfigNode* weight : MapsOf(root_, "stored_weights"))
      out_.stored.push_back({TextOf(*weight, "weight"), ReadGrid(*weight, problems_),
                             IntegerOf(*weight, "block_size"), TextOf(*weight, "steps")});
    for (const ConfigNode* value : MapsOf(root_, "rounded_values")) {
      const bool brain = TextOf(*value, "type") == "bfloat16";
      out_.rounded.push_back({value->place, TextOf(*value, "value"),
                              brain ? DataType::kBfloat16 : DataType::kFloat16});
    }
  }

 private:
  // What is there was looked at by CheckSettings.
  void CheckRequired(const ConfigNode& map, const SettingTable& table) {
    for (const Setting& setting : table.settings) {
      const ConfigNode* value = map.Find(setting.name);
      if (value == nullptr && setting.required)
        problems_.Add(map.place, fmt::format("{} is missing: {}", setting.name, setting.help));
      // What was refused, and told, has no keys that could be missing.
      if (value == nullptr || value->kind == ConfigNode::Kind::kNull || setting.object == nullptr)
        continue;
      if (setting.kind == Setting::Kind::kObject) {
        CheckRequired(*value, *setting.object);
      } else {
        for (const ConfigNode* item : MapsOf(map, setting.name))
          CheckRequired(*item, *setting.object);
      }
    }
  }

  std::string Sha256Of(const ConfigNode& map, std::string_view key) {
    const ConfigNode* value = FindValue(map, key);
    if (value == nullptr) return "";
    // Written empty where there were no settings, or no samples.
    if (value->kind == ConfigNode::Kind::kScalar &&
        (value->scalar.empty() || IsSha256(value->scalar)))
      return value->scalar;
    problems_.Add(value->place, fmt::format("{} is '{}', expected {} hexadecimal digits", key,
                                            value->Shown(), kSha256Digits));
    return "";
  }

  void ReadProvenance(const ConfigNode& map) {
    out_.tool = TextOf(map, "tool");
    out_.engine = TextOf(map, "engine");
    out_.model_sha256 = Sha256Of(map, "model_sha256");
    if (const ConfigNode* model = FindValue(map, "model_sha256")) out_.model_place = model->place;
    out_.config_sha256 = Sha256Of(map, "config_sha256");
    out_.data_sha256 = Sha256Of(map, "data_sha256");
    out_.samples = IntegerOf(map, "samples");
    out_.processor_kind = TextOf(map, "processor_kind");
  }

  std::vector<std::string> NamesOf(const ConfigNode& map, std::string_view key) {
    std::vector<std::string> names;
    const ConfigNode* list = FindValue(map, key);
    if (list == nullptr) return names;
    for (const ConfigNode& item : list->items) names.push_back(item.scalar);
    if (list->kind != ConfigNode::Kind::kSequence)
      problems_.Add(list->place, fmt::format("{} is '{}', expected a list", key, list->Shown()));
    return names;
  }

  void ReadGuard(const ConfigNode& map) {
    const ConfigNode& gate = MapOf(map, "gate");
    out_.guard = {.ran = IsOn(map, "ran"),
                  // Not there: no guard ran, nothing failed.
                  .passed = IsOn(map, "passed", true),
                  .measurements = IntegerOf(map, "measurements"),
                  .kept_float = NamesOf(map, "kept_float"),
                  .kept_wide = NamesOf(map, "kept_wide"),
                  .min_sqnr_db = NumberOf(gate, "min_sqnr_db"),
                  .min_sample_sqnr_db = NumberOf(gate, "min_sample_sqnr_db"),
                  .min_group_sqnr_db = NumberOf(gate, "min_group_sqnr_db"),
                  .max_flips = NumberOf(gate, "max_flips")};
    if (FindValue(gate, "min_cosine") != nullptr)
      out_.guard.min_cosine = NumberOf(gate, "min_cosine");
  }

  // The keys are those that report/quant_info.cc writes.
  void ReadPasses(const ConfigNode& map) {
    out_.effective = map;
    out_.config.target_device =
        FromWord<TargetDevice>(TextOf(map, "target_device")).value_or(TargetDevice::kCpu);
    out_.config.processor = FromWord<Processor>(TextOf(map, "processor")).value_or(Processor::kAny);
    out_.config.onnx_opset_version = static_cast<int>(IntegerOf(map, "onnx_opset_version"));
    out_.config.convert_relu6_to_relu = IsOn(map, "convert_relu6_to_relu");
    out_.config.convert_silu_to_hswish = IsOn(map, "convert_silu_to_hswish");
    out_.config.dpu_forms = FindDpuForms(NamesOf(map, "dpu_forms"));
    out_.config.equalize_clips = IsOn(map, "equalize_clips");
    for (const ConfigNode* value : MapsOf(map, "absorbed_biases"))
      ReadFloats(*value, "amounts", out_.absorbed[TextOf(*value, "value")]);
    out_.config.tensors.weights.compat =
        FromWord<Compat>(TextOf(map, "compat")).value_or(Compat::kNone);
    out_.config.bias_absorption = Correction::kOff;  // `absorbed` says it all
    out_.config.equalization = IsOn(map, "include_cle") ? Correction::kOn : Correction::kOff;
    out_.config.exact_rounding = IsOn(map, "exact_rounding");
    out_.config.matmul_nbits = IsOn(map, "matmul_nbits");
  }

  void ReadDeployment(const ConfigNode& map) {
    DeploymentConfig& deployment = out_.config.deployment;
    // The table lets no third word pass.
    deployment.generation = TextOf(map, "generation") == "J5" ? Generation::kJ5 : Generation::kJ6;
    for (const ConfigNode* input : MapsOf(map, "inputs")) ReadInput(*input);
    deployment.input_batch = IntegerOf(map, "input_batch");
    if (TextOf(map, "calibration_domain") == "raw")
      deployment.calibration_domain = CalibrationDomain::kRaw;
    deployment.output_nodes = NamesOf(map, "output_nodes");
    deployment.remove_node_types = NamesOf(map, "remove_node_types");
    deployment.keep_node_names = NamesOf(map, "keep_node_names");
    deployment.remove_node_names = NamesOf(map, "remove_node_names");
    deployment.dump_layers = IsOn(map, "layer_out_dump");
    deployment.fold_normalization = IsOn(map, "fold_normalization");
  }

  void ReadInput(const ConfigNode& map) {
    InputSettings& input = out_.config.deployment.inputs.emplace_back();
    input.name = TextOf(map, "name");
    input.kind_rt = FromWord<InputKind>(TextOf(map, "type_rt")).value_or(input.kind_rt);
    input.kind_train = FromWord<InputKind>(TextOf(map, "type_train")).value_or(input.kind_train);
    input.layout_train =
        FromWord<InputLayout>(TextOf(map, "layout_train")).value_or(InputLayout::kNone);
    input.layout_rt = FromWord<InputLayout>(TextOf(map, "layout_rt")).value_or(InputLayout::kNone);
    input.range = TextOf(map, "range") == "video" ? YuvRange::kVideo : YuvRange::kFull;
    input.separate_batch = IsOn(map, "separate_batch");
    input.source = FromWord<InputSource>(TextOf(map, "source")).value_or(input.source);
    const ConfigNode& resizer = MapOf(map, "resizer");
    if (resizer.kind == ConfigNode::Kind::kMap) ReadResizer(resizer, input.resizer);
    input.mean = ReadNumbers(map, "mean", 0, problems_);
    input.scale = ReadNumbers(map, "scale", 0, problems_);
    for (const double dim : ReadNumbers(map, "shape", 0, problems_)) {
      const bool sound = dim >= 1 && dim <= std::numeric_limits<int32_t>::max() &&
                         dim == static_cast<double>(static_cast<int64_t>(dim));
      if (!sound)
        problems_.Add(map.place, fmt::format("shape has {}, expected whole numbers from 1", dim));
      // Numbers are read as doubles: a fraction must not become the whole number below it.
      input.shape.push_back(sound ? static_cast<int64_t>(dim) : 1);
    }
  }

  void ReadResizer(const ConfigNode& map, ResizerSettings& resizer) {
    resizer.interp = FromWord<InterpMode>(TextOf(map, "interp_mode")).value_or(resizer.interp);
    resizer.pad = FromWord<PadMode>(TextOf(map, "pad_mode")).value_or(resizer.pad);
    resizer.pad_luma = static_cast<uint8_t>(IntegerOf(map, "pad_luma"));
    resizer.pad_chroma = static_cast<uint8_t>(IntegerOf(map, "pad_chroma"));
  }

  void ReadNode(const ConfigNode& map) {
    FileNode& node = out_.nodes.emplace_back();
    node.place = node.way_place = map.place;
    node.scope = TextOf(map, "scope");
    node.name = TextOf(map, "name");
    node.op_type = TextOf(map, "op_type");
    node.reason = TextOf(map, "reason");
    if (const ConfigNode* way = FindValue(map, "computes")) {
      node.way_place = way->place;
      for (const auto& [one, word] : kWays)
        if (way->scalar == word) node.way = one;
    }
    for (const ConfigNode* weight : MapsOf(map, "weights")) {
      node.weights.push_back({TextOf(*weight, "weight"), ReadGrid(*weight, problems_),
                              static_cast<int32_t>(IntegerOf(*weight, "pair_limit")),
                              TextOf(*weight, "steps")});
    }
    for (const ConfigNode* operand : MapsOf(map, "operands")) {
      node.operands.push_back(
          {static_cast<size_t>(IntegerOf(*operand, "input")), ReadGrid(*operand, problems_)});
    }
    if (const ConfigNode* noise = FindValue(map, "noise"))
      node.noise = {DecibelsOf(*noise, "weights_db"), DecibelsOf(*noise, "inputs_db")};
    if (const ConfigNode* bias = FindValue(map, "bias")) {
      ReadBias(*bias, node.bias.emplace());
      ReadFloats(*bias, "shift", node.bias_shift);
    }
  }

  void ReadBias(const ConfigNode& map, BiasGrid& grid) {
    grid.round = Rounder(FromWord<RoundMode>(TextOf(map, "round")).value_or(RoundMode::kHalfEven));
    // A scale in the file is a grid that the bias is rounded to; without one its codes are those of
    // the product.
    grid.scale = NumberOf(map, "scale");
    constexpr CodeRange kBounds{std::numeric_limits<int32_t>::min(),
                                std::numeric_limits<int32_t>::max()};
    const auto codes = ReadCodes(map, kBounds, problems_);
    if (codes) grid.qmin = codes->min;
    if (codes) grid.qmax = codes->max;
    if (grid.scale > 0 && FindValue(map, "codes") == nullptr)
      problems_.Add(map.place, "codes is missing, expected with a scale");
  }

  void ReadFloats(const ConfigNode& map, std::string_view key, std::vector<float>& floats) {
    constexpr double kMost = std::numeric_limits<float>::max();
    for (const double number : ReadNumbers(map, key, 0, problems_)) {
      // Finite as a double is not enough: as a float it may be infinite.
      if (!(std::abs(number) <= kMost))
        problems_.Add(map.place, fmt::format("{} has {}, expected a finite float", key, number));
      floats.push_back(static_cast<float>(std::clamp(number, -kMost, kMost)));
    }
  }

  void ReadValue(const ConfigNode& map) {
    FileValue& value = out_.values.emplace_back();
    value.scope = TextOf(map, "scope");
    value.name = TextOf(map, "name");
    value.grid = ReadGrid(map, problems_);
    value.method = TextOf(map, "method");
    value.shares = TextOf(map, "shares");
    const std::vector<double> range = ReadNumbers(map, "range", 2, problems_);
    // Not given, or refused: the range stays empty.
    if (range.empty()) return;
    constexpr double kMost = std::numeric_limits<float>::max();
    // Every grid has a code for 0: a range without it is none.
    if (range[0] <= 0 && range[1] >= 0 && range[0] >= -kMost && range[1] <= kMost) {
      value.range = {static_cast<float>(range[0]), static_cast<float>(range[1])};
    } else {
      problems_.Add(map.Find("range")->place,
                    fmt::format("range is {} to {}, expected one around 0", range[0], range[1]));
    }
  }

  std::vector<int> ReadShifts(const ConfigNode& map) {
    std::vector<int> shifts;
    for (const char letter : TextOf(map, "shifts")) {
      if (letter != '.' && (letter < 'a' || letter > 'z')) {
        problems_.Add(map.Find("shifts")->place, "shifts has another letter than a to z and '.'");
        return {};
      }
      shifts.push_back(letter == '.' ? 0 : letter - 'a' + 1);
    }
    return shifts;
  }

  const ConfigNode& root_;
  PlanFile& out_;
  ConfigProblems& problems_;
};

}  // namespace

const char* NodeWayName(NodeWay way) {
  return std::find_if(kWays.begin(), kWays.end(), [&](const auto& one) { return one.first == way; })
      ->second;
}

std::string InputKindName(InputKind kind) { return WordFor(kind); }
std::string InputSourceName(InputSource source) { return WordFor(source); }
std::string InputLayoutName(InputLayout layout) { return WordFor(layout); }
std::string RoundModeName(RoundMode mode) { return WordFor(mode); }

PlanFile ParsePlanFile(const std::string& text, const std::filesystem::path& file) {
  ConfigProblems problems(file.string());
  ConfigNode root = ParseConfig(text, file.string());
  CheckFileForm(root, "quant_info that can be read back", kPlanFileFormat, kPlanFileVersion,
                problems);
  ConfigNotes notes;
  CheckSettings(root, PlanFileTable(), problems, notes);
  PlanFile out;
  out.file = file;
  out.text = text;
  out.place = root.place;
  Reader(root, out, problems).Run();
  problems.ThrowIfAny();
  return out;
}

PlanFile ReadPlanFile(const std::filesystem::path& file) {
  try {
    return ParsePlanFile(ReadFile(file, kMaxPlanFileBytes), file);
  } catch (const Error& e) {
    // A plan is a setting here: too large a file is told as what is wrong in it.
    if (e.code() != ExitCode::kResource) throw;
    throw ConfigError({e.what()});
  }
}

}  // namespace qconvert
