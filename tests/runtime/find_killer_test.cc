#include "../../src/runtime/find_killer.h"

#include <gtest/gtest.h>

#include <csignal>
#include <stdexcept>
#include <utility>

#include "qconvert/base/error.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/runtime/ort_session.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

constexpr float kLeast = -9223372036854775808.0F;  // by -1 it overflows, which traps

// A chain of Floor with an integer division by -1 in the middle.
std::string Chain(int before, int behind) {
  GraphBuilder b;
  b.Input("x", {"1"}).Output("y").Ints("by", {1}, {-1});
  std::string value = "x";
  const auto floor = [&](const std::string& to) {
    b.Add("Floor", {value}, {to});
    value = to;
  };
  for (int i = 0; i < before; ++i) floor("a" + std::to_string(i));
  b.Add("Cast", {value}, {"i"}).Set("to", static_cast<int64_t>(DataType::kInt64));
  b.Add("Div", {"i", "by"}, {"d"}).name = "half";
  b.Add("Cast", {"d"}, {"f"}).Set("to", static_cast<int64_t>(DataType::kFloat));
  value = "f";
  for (int i = 0; i < behind; ++i) floor("b" + std::to_string(i));
  b.Add("Floor", {value}, {"y"});
  return SerializeModel(b.model);
}

TEST(FindKillerTest, NamesTheNodeThatARunDiesOf) {
  const auto run = [](float x) {
    return [x](const std::string& bytes) {
      OpenOrtSession(bytes, "m.onnx", {})
          ->Run(std::vector{MakeFloatTensor("x", {1}, std::vector<float>{x})}, nullptr);
    };
  };
  for (const auto& [before, behind] : {std::pair{0, 0}, {1, 5}, {9, 2}}) {
    EXPECT_EQ(FindKiller(Chain(before, behind), run(kLeast)), "node half (Div)") << before;
    EXPECT_EQ(FindKiller(Chain(before, behind), run(2)), "") << "nothing dies";
  }
}

TEST(FindKillerTest, NodesWithoutNamesGoByWhatTheyWrite) {
  GraphBuilder b;
  b.Input("x", {"1"}).Output("y");
  b.Add("Relu", {"x"}, {"r"}).name.clear();
  b.Add("Neg", {"r"}, {"y"}).name.clear();
  const std::string bytes = SerializeModel(b.model);
  const auto dies_with = [](const char* type) {
    return [type](const std::string& part) {
      if (part.find(type) != std::string::npos) std::raise(SIGSEGV);
    };
  };
  EXPECT_EQ(FindKiller(bytes, dies_with("Relu")), "node r (Relu)");
  EXPECT_EQ(FindKiller(bytes, dies_with("Neg")), "node y (Neg)");
}

TEST(FindKillerTest, WhatIsRefusedDoesNotDie) {
  EXPECT_EQ(FindKiller(Chain(1, 1), [](const std::string&) { throw std::runtime_error("no"); }),
            "");
  EXPECT_EQ(FindKiller("no model", [](const std::string&) { std::raise(SIGSEGV); }), "");
}

// The engine says what is wrong with the pads, and not where.
TEST(FindRefusedTest, ARefusalNamesItsNode) {
  for (const auto& [before, behind] : {std::pair{0, 0}, {1, 4}, {7, 2}}) {
    GraphBuilder b;
    b.Input("x", {"1", "2", "8", "8"}).Output("y");
    std::string value = "x";
    for (int i = 0; i < before; ++i)
      b.Add("Relu", {std::exchange(value, "a" + std::to_string(i))}, {"a" + std::to_string(i)});
    Node& pool = b.Add("AveragePool", {value}, {"p"});
    pool.name = "pool";
    pool.Set("kernel_shape", std::vector<int64_t>{2, 2});
    pool.Set("pads", std::vector<int64_t>{3, 3, 3, 3});
    value = "p";
    for (int i = 0; i < behind; ++i)
      b.Add("Neg", {std::exchange(value, "b" + std::to_string(i))}, {"b" + std::to_string(i)});
    b.Add("Neg", {value}, {"y"});
    try {
      OpenOrtSession(SerializeModel(b.model), "m.onnx", {});
      ADD_FAILURE() << "is refused";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ExitCode::kModel);
      const std::string message = e.what();
      EXPECT_TRUE(message.starts_with("m.onnx: ONNX Runtime refuses the model: ")) << message;
      EXPECT_TRUE(message.ends_with("node pool (AveragePool)")) << message;
    }
  }
}

TEST(FindRefusedTest, WhatIsRefusedForAnotherReasonIsNotBlamed) {
  const auto open = [](const std::string& bytes) {
    throw Error(ExitCode::kModel, "m", std::to_string(bytes.size()));
  };
  EXPECT_EQ(FindRefused(Chain(3, 3), "m: all of it", open), "");
}

}  // namespace
}  // namespace qconvert
