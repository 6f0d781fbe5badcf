// What every node of a conversion became, what that costs, and where its error comes from.
#ifndef QCONVERT_REPORT_LAYER_REPORT_H_
#define QCONVERT_REPORT_LAYER_REPORT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "qconvert/calibration/calibration_table.h"
#include "qconvert/ir/graph.h"
#include "qconvert/plan/cost_model.h"
#include "qconvert/plan/plan.h"
#include "qconvert/report/plan_difference.h"

namespace qconvert {

// What rounding does to what one node writes, with all in front of it float: error power over
// signal power.
struct OwnNoise {
  std::optional<double> weights;  // its weights alone rounded
  std::optional<double> inputs;   // what it reads alone rounded
};

// Errors of one node, each error power over signal power, as far as they were measured.
struct NodeErrors {
  std::optional<double> alone;    // of the worst output, with this node alone quantized
  std::optional<double> without;  // of the worst output, with all nodes but this one quantized
  std::optional<double> behind;   // of what the node writes, with all nodes quantized
  // The same as `alone` with only its weights, only its activations quantized.
  std::optional<double> weights_alone;
  std::optional<double> activations_alone;
  // The same as `behind` with only the weights, only the activations of all nodes quantized.
  std::optional<double> weights_behind;
  std::optional<double> activations_behind;
  // The same as `behind` with 16-bit values of the same ranges, weights as they are.
  std::optional<double> wide_behind;
  OwnNoise own;
};

// By node of the prepared graph; a node that is fused into another has no errors of its own.
struct LayerErrors {
  std::vector<NodeErrors> nodes;
  double whole = 0;  // of the worst output, with all nodes quantized, on the same samples
  // The same with only the weights, only the activations of all nodes quantized, and with 16-bit
  // activations and the weights as they are. Nothing where they were not measured.
  std::optional<double> whole_weights;
  std::optional<double> whole_activations;
  std::optional<double> whole_wide;
  size_t samples = 0;    // that `alone`, `without` and `whole` were measured on; 0: nothing was
  std::string why_none;  // then: "nothing is quantized"
  size_t runs = 0;       // of both models in one, for all of it
};

// One of the few things known to cost accuracy, measured on this node, with what may help.
struct Finding {
  enum class Cause {
    kRangeClash,      // inputs of one operator live on scales far apart
    kOutliers,        // a few values take most of the grid
    kSaturation,      // values are clipped
    kOutlierChannel,  // one channel of the weights takes the grid of all
    kDeadChannels,    // channels whose codes are all 0
    kLogarithm,       // rounded near zero in front of a logarithm
    kResidualGrowth,  // a sum of many blocks is far wider than what they began with
  };
  Cause cause = Cause::kOutliers;
  std::string text;    // "99.9 % of \"v\" take 6 of 255 steps"
  std::string advice;  // an option to try; may be empty
};

const char* CauseName(Finding::Cause cause);

struct LayerRow {
  std::string name;
  std::string origin;  // the name that settings go by: that of the loaded model; may be empty
  std::string op_type;
  std::string computes;  // NodeWayName: "integer", "fused", "dynamic", "float"
  std::string format;    // "uint8 x int8", "float x int8", "float"
  std::string reason;    // why float
  NodeErrors errors;
  double share = 0;     // its part of the sum of all errors alone
  double saved_ns = 0;  // estimated time of its float kernel less that of its integer one
  double multiply_adds = 0;
  int64_t weight_bytes = 0;          // as written
  std::vector<std::string> writes;   // values, as they are called in the graph
  std::vector<size_t> reads;         // rows whose values it reads, increasing
  std::optional<size_t> fused_into;  // row of the integer kernel that does it too
  std::vector<Finding> findings;
};

// A quantized value with what calibration saw of it.
struct ValueRow {
  std::string name;
  std::optional<size_t> layer;  // row that writes it; nothing: an input of the model
  std::string type;
  std::string method;
  float min = 0;  // seen
  float max = 0;
  Range range;               // represented
  double clipped = 0;        // share of the values beyond it
  std::vector<double> bins;  // shares of equal parts of [min, max]; empty: not kept
};

// A weight that is stored as integers.
struct WeightRow {
  // Quartiles of a channel.
  struct Box {
    size_t channel = 0;
    float min = 0;
    float low = 0;
    float median = 0;
    float high = 0;
    float max = 0;
  };
  std::string name;
  size_t layer = 0;
  std::string type;
  size_t channels = 0;
  size_t scales = 0;       // one, or one for each channel
  std::vector<Box> boxes;  // channels of the widest range, in the order of channels
};

// The smallest set of nodes found without which, in float, the outputs reach a target.
struct GuiltyNodes {
  std::vector<size_t> rows;  // the worst alone first; the best set seen where none reached it
  double target = 0;         // error power over signal power of the worst output
  double before = 0;         // with all nodes quantized
  double after = 0;          // with these float
  double any_fewer = 0;      // the least with all of them float but one
  bool reached = false;
  bool is_minimal = false;  // measured: without any one of them the target is missed
  int measurements = 0;
};

struct LayerReport {
  std::vector<LayerRow> layers;    // in the order of the prepared graph
  std::vector<ValueRow> values;    // quantized; of more than kMostDrawn those of the worst nodes
  std::vector<WeightRow> weights;  // the same
  size_t all_values = 0;
  size_t all_weights = 0;
  LayerErrors errors;                     // without its nodes: those are in `layers`
  std::string config;                     // PrintConfig
  std::optional<GuiltyNodes> guilty;      // where they were looked for
  std::optional<PlanDifference> against;  // an earlier result, where there is one
};

inline constexpr size_t kMostDrawn = 256;
inline constexpr size_t kHistogramBins = 64;
inline constexpr size_t kMostBoxes = 48;

// Describes the plan of a prepared graph, with times of `cost`. `errors.nodes` may be empty. Linear
// in nodes and in elements of weights.
LayerReport DescribeLayers(const Graph& graph, const QuantizationPlan& plan,
                           const CalibrationTable& table, const CostModel& cost,
                           LayerErrors errors);

// Nodes that are worth leaving float by themselves, the greatest measured gain first.
struct Suggestion {
  size_t layer = 0;
  double gain_db = 0;
};
std::vector<Suggestion> SuggestionsOf(const LayerReport& layers);

// The nodes coloured by their error, for a viewer: Model Explorer's node data of one graph, as its
// node_data_builder.py documents it. By name of the values that nodes write, {"value": signal to
// noise in dB of the worst output with this node alone quantized}, with colours from 10 to 60 dB;
// of nodes that were not measured alone nothing.
std::string NodeDataJson(const LayerReport& report);

// Rows with an error alone, the greatest first.
std::vector<size_t> Culprits(const LayerReport& report);

}  // namespace qconvert

#endif  // QCONVERT_REPORT_LAYER_REPORT_H_
