// The text of a quant_info.json: what was decided about one model, before it is held against that
// model. docs/quant_info.md describes the file.
#ifndef QCONVERT_CONFIG_PLAN_FILE_H_
#define QCONVERT_CONFIG_PLAN_FILE_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "qconvert/config/config_node.h"
#include "qconvert/config/quant_config.h"
#include "qconvert/numbers/bias_grid.h"
#include "qconvert/numbers/numeric_format.h"
#include "qconvert/numbers/quant_params.h"
#include "qconvert/numbers/range.h"

namespace qconvert {

inline constexpr const char* kPlanFileFormat = "qconvert quant_info";
inline constexpr int kPlanFileVersion = 1;
inline constexpr int64_t kMaxPlanFileBytes = int64_t{64} << 20;

// What a node computes on. Nodes that the file does not name compute no floats.
enum class NodeWay { kInteger, kFloat, kFused, kDynamic };
const char* NodeWayName(NodeWay way);

// How the numbers of one tensor are represented, and where the file says so.
struct FileGrid {
  ConfigPlace place;        // of the whole entry
  ConfigPlace scale_place;  // of the scales; of the entry where they are missing
  QuantParams params;       // one zero point per scale; a floating type has neither
  NumericFormat format;
};

struct FileWeight {
  std::string name;  // as the file writes it: EscapeWhole of the model's
  FileGrid grid;
  int32_t pair_limit = 0;
  std::string steps;  // weights/code_steps.h; empty: the nearest codes
};

struct FileOperand {
  size_t input = 0;
  FileGrid grid;
};

// Signal to noise of what a node writes, in dB to a tenth: with its weights alone rounded, and with
// what it reads alone rounded.
struct FileNoise {
  std::optional<double> weights_db;
  std::optional<double> inputs_db;

  bool operator==(const FileNoise&) const = default;
};

struct FileNode {
  ConfigPlace place;
  ConfigPlace way_place;
  std::string scope;  // the way to its body (ir/scope.h); empty: the main graph
  std::string name;
  std::string op_type;
  NodeWay way = NodeWay::kFloat;
  std::string reason;                 // why float
  std::vector<FileWeight> weights;    // of integer and dynamic nodes
  std::optional<BiasGrid> bias;       // of integer nodes with one
  std::vector<float> bias_shift;      // that is added to the float bias
  std::vector<FileOperand> operands;  // other constants of integer nodes
  FileNoise noise;                    // carried along
};

struct FileValue {
  std::string scope;  // as of nodes
  std::string name;
  FileGrid grid;
  Range range;
  std::string method;
  std::string shares;  // the value whose parameters these are; empty: its own
};

struct FileStored {
  std::string way;
  FileGrid grid;
  int64_t block_size = 0;
  std::string steps = {};  // from the nearest codes (weights/code_steps.h); empty: none
};

struct FileRounded {
  ConfigPlace place;
  std::string value;
  DataType type = DataType::kFloat16;
};

// Channels of a value that are divided by 2^shift (transform/spread_channels.h).
struct FileSpread {
  std::string value;
  std::vector<int> shifts;
};

// A scale that a shift of the DPU made coarser; carried along.
struct FileCoarser {
  ConfigPlace place;
  std::string node;
  std::string what;
  double wanted = 1;
  double scale = 1;
};

// What the conversion that wrote the file found out; carried along.
struct FileGuard {
  bool ran = false;
  bool passed = true;
  int64_t measurements = 0;
  std::vector<std::string> kept_float;
  std::vector<std::string> kept_wide;
  double min_sqnr_db = 0;
  double min_sample_sqnr_db = 0;
  double min_group_sqnr_db = 0;
  double max_flips = 0;
  std::optional<double> min_cosine;
};

struct PlanFile {
  std::filesystem::path file;
  std::string text;
  ConfigPlace place;
  std::string tool;    // "qconvert 0.1.0"
  std::string engine;  // "onnxruntime 1.28.0"
  std::string model_sha256;
  ConfigPlace model_place;
  std::string config_sha256;
  std::string data_sha256;
  int64_t samples = 0;
  std::string processor_kind;  // empty: nothing was learned
  Scheme scheme = Scheme::kStatic;
  std::string scheme_reason;
  FileGuard guard;
  QuantConfig config;    // what decides the graph: passes and deployment; all else is default
  ConfigNode effective;  // where that was written
  std::vector<FileNode> nodes;
  std::vector<FileValue> values;
  std::vector<FileStored> stored;
  std::vector<FileCoarser> coarser;
  std::vector<FileRounded> rounded;
  std::vector<FileSpread> spread;
  std::map<std::string, std::vector<float>> absorbed;  // transform/absorb_biases.h
};

// Throws ConfigError with all problems that the text alone shows, Error(kFile) when the file cannot
// be read.
PlanFile ReadPlanFile(const std::filesystem::path& file);
PlanFile ParsePlanFile(const std::string& text, const std::filesystem::path& file);

// The words of the file for what decides the graph.
std::string InputKindName(InputKind kind);
std::string InputLayoutName(InputLayout layout);
std::string InputSourceName(InputSource source);
std::string RoundModeName(RoundMode mode);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_PLAN_FILE_H_
