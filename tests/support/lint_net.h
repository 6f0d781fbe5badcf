// Small models with pairs, and the rules that lint is to find in them.
#ifndef QCONVERT_TESTS_SUPPORT_LINT_NET_H_
#define QCONVERT_TESTS_SUPPORT_LINT_NET_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "support/disagreements.h"
#include "support/quantize_model.h"

namespace qconvert {

class Net : public GraphBuilder {
 public:
  Net() {
    Input("x", {"1", "8", "8", "8"});
    Floats("s", {}, {0.05F}).Floats("s2", {}, {0.04F}).Floats("sw", {}, {0.01F});
    Integer("z", DataType::kUint8, 128).Integer("z0", DataType::kUint8, 0);
    Integer("i", DataType::kInt8, 0);
  }

  Net& Integer(const std::string& name, DataType type, int value) {
    const std::vector<uint8_t> bytes = {static_cast<uint8_t>(value)};
    model.graph.initializers[name] = MakeTensor<uint8_t>(name, type, {}, bytes);
    return *this;
  }
  // value -> Q -> DQ -> value_d
  std::string Pair(const std::string& value, const std::string& scale = "s",
                   const std::string& zero = "z") {
    const std::string end = value + "_d";
    Add("QuantizeLinear", {value, scale, zero}, {value + "_q"});
    Add("DequantizeLinear", {value + "_q", scale, zero}, {end});
    return end;
  }
  std::string Weight(const std::string& name, std::vector<int64_t> dims) {
    Tensor codes;
    int64_t count = 1;
    for (const int64_t dim : dims) count *= dim;
    std::vector<int8_t> values(static_cast<size_t>(count));
    for (size_t k = 0; k < values.size(); ++k) values[k] = static_cast<int8_t>(k % 23) - 11;
    model.graph.initializers[name] = MakeTensor<int8_t>(name, DataType::kInt8, dims, values);
    Add("DequantizeLinear", {name, "sw", "i"}, {name + "_d"});
    return name + "_d";
  }
  Net& Conv(const std::string& from, const std::string& to) {
    const std::string weight = Weight("w_" + to, {8, 8, 3, 3});
    Node& node = Add("Conv", {from, weight}, {to});
    node.Set("pads", std::vector<int64_t>{1, 1, 1, 1});
    return *this;
  }
};

struct LintCase {
  const char* name;
  std::function<void(Net&)> build;  // x float[1,8,8,8] -> y
  const char* op_type;              // of the node in question
  const char* rule;                 // that it breaks; "" none
};

// The first rule that each names, and that the engine runs what lint says.
inline void ExpectRules(const std::vector<LintCase>& cases) {
  for (const LintCase& test : cases) {
    SCOPED_TRACE(test.name);
    Net b;
    b.Output("y");
    test.build(b);
    size_t judged = 0;
    EXPECT_EQ(Disagreements(b.model, judged), "");
    EXPECT_GT(judged, 0U);
    std::string rule = "no such node";
    for (const LintedNode& node : LintModel(b.model, kCpuTarget, "m").nodes)
      if (node.op_type == test.op_type && node.kind != LintedNode::Kind::kAbsorbed)
        rule = node.broken.rule;
    EXPECT_EQ(rule, test.rule);
  }
}

}  // namespace qconvert

#endif  // QCONVERT_TESTS_SUPPORT_LINT_NET_H_
