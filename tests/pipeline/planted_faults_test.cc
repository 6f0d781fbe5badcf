// Forty faults, four kinds in ten networks: the guilty set has to hold the node that was spoilt.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/pipeline/debug_model.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/read_config.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

// Builds a network one node at a time; every Conv keeps 8 channels.
class Builder {
 public:
  Builder() { b_.Input("x", {"1", "8", "8", "8"}).Output("y").Random("head", {8, 4}); }

  std::string Conv(const std::string& name, const std::string& value, int64_t kernel = 3,
                   int64_t channels = 8, int64_t group = 1) {
    const auto deviation = 0.5F / std::sqrt(static_cast<float>(channels / group * kernel * kernel));
    b_.Random("w." + name, {8, channels / group, kernel, kernel}, 2.8F * deviation);
    Node& conv = b_.Add("Conv", {value, "w." + name}, {"v." + name});
    conv.name = name;
    conv.Set("pads", std::vector<int64_t>(4, kernel / 2));
    conv.Set("group", group);
    return "v." + name;
  }
  std::string Op(const std::string& type, const std::vector<std::string>& values) {
    const std::string name = fmt::format("{}{}", type, count_++);
    b_.Add(type, values, {"v." + name}).name = name;
    return "v." + name;
  }
  // The two that are spoilt: what scales a channel of the first can be undone in the second.
  std::string Pair(const std::string& value, const std::string& between = "Relu") {
    return Conv("second", Op(between, {Conv("first", value)}));
  }
  Node& last() { return b_.model.graph.nodes.back(); }

  // (r + 300 e) - 300 e: what is left of r has few codes.
  std::string Clash(const std::string& value) {
    b_.Random("w.wide", {8, 8, 1, 1}, 100);
    b_.Add("Conv", {value, "w.wide"}, {"v.wide"}).name = "wide";
    b_.Add("Add", {value, "v.wide"}, {"v.sum"}).name = "sum";
    b_.Add("Sub", {"v.sum", "v.wide"}, {"v.difference"}).name = "difference";
    return "v.difference";
  }
  // Multiplies the weights that make channel 5 of `first`, and divides those that read it.
  void ScaleChannel(float factor) {
    Change("w.first", [&](size_t i) { return i / 72 == 5 ? factor : 1; });
    Change("w.second", [&](size_t i) { return i / 9 % 8 == 5 ? 1 / factor : 1; });
  }
  const Model& Finish(const std::string& value) {
    b_.Add("GlobalAveragePool", {value}, {"g"}).name = "pool";
    b_.Add("Flatten", {"g"}, {"f"}).name = "flatten";
    b_.Add("Gemm", {"f", "head"}, {"y"}).name = "gemm";
    return b_.model;
  }

 private:
  void Change(const std::string& name, const std::function<float(size_t)>& factor) {
    Tensor& weight = b_.model.graph.initializers[name];
    std::vector<float> changed(weight.values<float>().begin(), weight.values<float>().end());
    for (size_t i = 0; i < changed.size(); ++i) changed[i] *= factor(i);
    weight = MakeFloatTensor(name, weight.dims, changed);
  }

  GraphBuilder b_;
  int count_ = 0;
};

struct Network {
  const char* name;
  std::string (*build)(Builder&, const std::string& value);
};

const Network kNetworks[] = {
    {"plain", [](Builder& b, const std::string& v) { return b.Op("Relu", {b.Pair(v)}); }},
    {"residual",
     [](Builder& b, const std::string& v) {
       const std::string stem = b.Op("Relu", {b.Conv("stem", v)});
       return b.Op("Relu", {b.Op("Add", {stem, b.Pair(stem)})});
     }},
    {"branches",
     [](Builder& b, const std::string& v) {
       const std::string joined = b.Op("Concat", {b.Pair(v), b.Conv("other", v)});
       b.last().Set("axis", int64_t{1});
       return b.Op("Relu", {b.Conv("mix", joined, 1, 16)});
     }},
    {"depthwise",
     [](Builder& b, const std::string& v) {
       const std::string deep = b.Op("Relu", {b.Conv("depth", b.Pair(v), 3, 8, 8)});
       return b.Op("Relu", {b.Conv("point", deep, 1)});
     }},
    {"squeeze",
     [](Builder& b, const std::string& v) {
       const std::string made = b.Op("Relu", {b.Pair(v)});
       const std::string mean = b.Op("GlobalAveragePool", {made});
       return b.Op("Mul", {made, b.Op("Sigmoid", {b.Conv("excite", mean, 1)})});
     }},
    {"leaky",
     [](Builder& b, const std::string& v) { return b.Op("LeakyRelu", {b.Pair(v, "LeakyRelu")}); }},
    {"deep",
     [](Builder& b, const std::string& v) {
       std::string value = b.Op("Relu", {b.Pair(v)});
       for (const char* name : {"third", "fourth", "fifth", "sixth"})
         value = b.Op("Relu", {b.Conv(name, value)});
       return value;
     }},
    {"late",
     [](Builder& b, const std::string& v) {
       std::string value = v;
       for (const char* name : {"third", "fourth", "fifth", "sixth"})
         value = b.Op("Relu", {b.Conv(name, value)});
       return b.Op("Relu", {b.Pair(value)});
     }},
    {"wide sum",
     [](Builder& b, const std::string& v) {
       const std::string two = b.Op("Add", {b.Pair(v), b.Conv("third", v)});
       return b.Op("Relu", {b.Op("Add", {two, b.Conv("fourth", v, 1)})});
     }},
    {"pooled",
     [](Builder& b, const std::string& v) {
       const std::string small = b.Op("MaxPool", {b.Op("Relu", {b.Conv("stem", v)})});
       b.last().Set("kernel_shape", std::vector<int64_t>{2, 2});
       b.last().Set("strides", std::vector<int64_t>{2, 2});
       return b.Op("Relu", {b.Pair(small)});
     }},
};

enum class Fault { kScale, kOutlierChannel, kDeadChannel, kClash };

const char* FaultName(Fault fault) {
  const char* names[] = {"wrong scale", "outlier channel", "dead channel", "range clash"};
  return names[static_cast<int>(fault)];
}

struct Found {
  bool holds = false;    // the node that was spoilt
  bool minimal = false;  // by measurement
  size_t nodes = 0;
  size_t runs = 0;
  double seconds = 0;  // of the processor; told, not judged
};

Found Debug(const Network& network, Fault fault) {
  Builder b;
  std::string value = network.build(b, "x");
  if (fault == Fault::kClash) value = b.Clash(value);
  if (fault == Fault::kOutlierChannel) b.ScaleChannel(200);
  if (fault == Fault::kDeadChannel) b.ScaleChannel(3000);
  const LoadedConfig loaded = LoadText(
      std::string("target_device: CPU\nscheme: static\noverall_quantize_config: {method: maxmin, "
                  "round_mode: half_even, scale_type: float, calib_statistic_method: max}\n") +
      (fault == Fault::kScale
           ? "layer_quantize_config:\n- layer_name: first\n  overall_quantize_config: {method: "
             "percentile, percentage: 60}\n"
           : ""));
  const TempDir folder;
  DebugOptions options;
  options.convert.config = loaded.config;
  options.convert.config.tensors[TensorType::kWeights].per_channel =
      fault == Fault::kScale || fault == Fault::kClash;
  options.convert.config.equalization = Correction::kOff;  // it would mend what is planted
  options.convert.effective_config = loaded.effective;
  options.convert.model = folder.Write("m.onnx", SerializeModel(b.Finish(value)));
  for (uint32_t k = 0; k < 8; ++k) {
    folder.Write("data/" + std::to_string(k) + ".npy",
                 NpyFloats({1, 8, 8, 8}, RandomFloats(512, k)));
  }
  options.convert.calibration_folder = folder / "data";
  const std::clock_t begin = std::clock();
  const DebugReport report = DebugModel(options);
  Found found;
  found.seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  if (!report.layers.guilty) return found;
  const GuiltyNodes& guilty = *report.layers.guilty;
  const std::string spoilt = fault == Fault::kClash ? "sum" : "first";
  found.holds = std::any_of(guilty.rows.begin(), guilty.rows.end(),
                            [&](size_t row) { return report.layers.layers[row].name == spoilt; });
  found.minimal = guilty.is_minimal;
  found.nodes = guilty.rows.size();
  found.runs = report.layers.errors.runs;
  return found;
}

TEST(PlantedFaultsTest, TheSpoiltNodeIsAmongTheGuilty) {
  int right = 0;
  int minimal = 0;
  std::string table =
      fmt::format("{:<10} {:<16} holds minimal nodes runs seconds\n", "network", "fault");
  for (const Network& network : kNetworks) {
    for (const Fault fault :
         {Fault::kScale, Fault::kOutlierChannel, Fault::kDeadChannel, Fault::kClash}) {
      const Found found = Debug(network, fault);
      right += found.holds ? 1 : 0;
      minimal += found.minimal ? 1 : 0;
      table += fmt::format("{:<10} {:<16} {:<5} {:<7} {:>5} {:>4} {:>7.2f}\n", network.name,
                           FaultName(fault), found.holds, found.minimal, found.nodes, found.runs,
                           found.seconds);
    }
  }
  std::cout << table;
  EXPECT_GE(right, 38) << "of 40";
  EXPECT_GE(minimal, 36) << "of 40";
}

}  // namespace
}  // namespace qconvert
