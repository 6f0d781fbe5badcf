#include "qconvert/ir/graph_validator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "qconvert/base/error.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

GraphBuilder Valid() {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y");
  b.Add("Relu", {"x"}, {"y"}).name = "relu";
  return b;
}

Function CallingFunction(const std::string& name, const std::string& callee) {
  Function function;
  function.name = name;
  function.domain = "f";
  function.inputs = {"a"};
  function.outputs = {"b"};
  function.opsets = {{"", 13}, {"f", 1}};
  Node node = MakeNode(callee, {"a"}, {"b"});
  node.domain = "f";
  function.nodes.push_back(node);
  return function;
}

struct BadCase {
  const char* name;
  std::function<void(Model&)> damage;
  const char* message;
};

TEST(GraphValidatorTest, AcceptsAValidModel) { EXPECT_NO_THROW(ValidateModel(Valid().model, "m")); }

TEST(GraphValidatorTest, NamesWhatIsWrong) {
  const std::vector<BadCase> cases = {
      {"ir 0", [](Model& m) { m.ir_version = 0; }, "no ir_version"},
      {"ir 9999", [](Model& m) { m.ir_version = 9999; }, "IR version 9999"},
      {"no opsets", [](Model& m) { m.opsets.clear(); }, "no opset_import"},
      {"opset 0", [](Model& m) { m.opsets[""] = 0; }, "opset 0"},
      {"opset 9999", [](Model& m) { m.opsets[""] = 9999; }, "opset 9999"},
      {"opset 2^31", [](Model& m) { m.opsets["com.microsoft"] = int64_t{1} << 31; },
       "expected 1 to 2147483647"},
      {"no outputs", [](Model& m) { m.graph.outputs.clear(); }, "no outputs"},
      {"missing producer", [](Model& m) { m.graph.nodes[0].inputs[0] = "ghost"; },
       "reads \"ghost\", which nothing writes"},
      {"missing output", [](Model& m) { m.graph.outputs[0].name = "ghost"; },
       "\"ghost\" is written by no node"},
      {"written twice", [](Model& m) { m.graph.nodes.push_back(m.graph.nodes[0]); },
       "\"y\", which is written already"},
      {"writes an input", [](Model& m) { m.graph.nodes[0].outputs.push_back("x"); },
       "\"x\", which is written already"},
      {"two inputs", [](Model& m) { m.graph.inputs.push_back(m.graph.inputs[0]); },
       "two graph inputs"},
      {"two outputs", [](Model& m) { m.graph.outputs.push_back(m.graph.outputs[0]); },
       "two graph outputs"},
      {"untyped input", [](Model& m) { m.graph.inputs[0].type = {}; }, "has no type"},
      {"no operator", [](Model& m) { m.graph.nodes[0].op_type.clear(); }, "no operator name"},
      {"NUL in operator", [](Model& m) { m.graph.nodes[0].op_type = std::string("Re\0lu", 5); },
       "NUL"},
      {"unknown domain", [](Model& m) { m.graph.nodes[0].domain = "acme"; }, "does not import"},
      {"self loop", [](Model& m) { m.graph.nodes[0].inputs[0] = "y"; }, "cycle"},
      {"reference outside", [](Model& m) { m.graph.nodes[0].attributes["a"].reference = "r"; },
       "outside a function"},
      {"If without branches", [](Model& m) { m.graph.nodes[0].op_type = "If"; },
       "no graph attribute \"then_branch\""},
      {"more outputs than the function has",
       [](Model& m) {
         m.functions = {CallingFunction("g", "Relu")};
         m.functions[0].nodes[0].domain = "";
         m.graph.nodes[0].domain = "f";
         m.graph.nodes[0].op_type = "g";
         m.graph.nodes[0].outputs = {"z", "y"};
       },
       "node \"relu\" (g) has 2 outputs, but its function declares 1"},
      {"recursive function",
       [](Model& m) {
         m.functions = {CallingFunction("g", "h"), CallingFunction("h", "g")};
         m.opsets["f"] = 1;
       },
       "calls itself"},
  };
  for (const BadCase& bad : cases) {
    Model model = Valid().model;
    bad.damage(model);
    try {
      ValidateModel(model, "m.onnx");
      ADD_FAILURE() << bad.name << " was accepted";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ExitCode::kModel);
      EXPECT_THAT(e.what(), testing::StartsWith("m.onnx: ")) << bad.name;
      EXPECT_THAT(e.what(), testing::HasSubstr(bad.message)) << bad.name;
    }
  }
}

// f0 holds two calls of f1, that two of f2, ...
TEST(GraphValidatorTest, LimitsWhatFunctionsMakeTogether) {
  const auto doubling = [](int levels) {
    Model model = Valid().model;
    model.opsets["f"] = 1;
    for (int i = 0; i < levels; ++i) {
      Function function;
      function.name = "f" + std::to_string(i);
      function.domain = "f";
      function.opsets = {{"", 13}, {"f", 1}};
      function.inputs = {"a"};
      function.outputs = {"c"};
      function.nodes = {MakeNode("Relu", {"a"}, {"b"}), MakeNode("Relu", {"b"}, {"c"})};
      for (Node& node : function.nodes) {
        if (i + 1 == levels) break;
        node.op_type = "f" + std::to_string(i + 1);
        node.domain = "f";
      }
      model.functions.push_back(function);
    }
    model.graph.nodes[0].op_type = "f0";
    model.graph.nodes[0].domain = "f";
    model.graph.nodes[0].attributes.clear();
    return model;
  };
  EXPECT_NO_THROW(ValidateModel(doubling(10), "m"));
  try {
    ValidateModel(doubling(30), "m");
    FAIL() << "a billion nodes";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("nodes with its functions inlined"));
  }
}

// Each calls the next: without a limit on the way down the stack ends before the chain.
TEST(GraphValidatorTest, LimitsHowDeepFunctionsCallEachOther) {
  const auto chain = [](int length) {
    Model model = Valid().model;
    model.opsets["f"] = 1;
    model.functions.reserve(static_cast<size_t>(length));
    for (int i = 0; i < length; ++i)
      model.functions.push_back(CallingFunction(std::to_string(i), std::to_string(i + 1)));
    model.functions.back().nodes[0].op_type = "Relu";
    model.functions.back().nodes[0].domain = "";
    return model;
  };
  EXPECT_NO_THROW(ValidateModel(chain(32), "m"));
  for (const int length : {33, 100'000}) {
    try {
      ValidateModel(chain(length), "m");
      FAIL() << length;
    } catch (const Error& e) {
      EXPECT_STREQ(e.what(), "m: functions call each other deeper than 32 levels");
    }
  }
}

// A small overload in front must not stand for the one that is called.
TEST(GraphValidatorTest, MeasuresTheOverloadThatIsCalled) {
  const auto doubling = [](int levels) {
    Model model = Valid().model;
    model.opsets["f"] = 1;
    for (int i = 0; i < levels; ++i) {
      Function small = CallingFunction("f" + std::to_string(i), "Relu");
      small.nodes[0].domain = "";
      Function large = small;
      large.overload = "large";
      large.nodes = {MakeNode("Relu", {"a"}, {"c"}), MakeNode("Relu", {"c"}, {"b"})};
      for (Node& node : large.nodes) {
        if (i + 1 == levels) break;
        node.op_type = "f" + std::to_string(i + 1);
        node.domain = "f";
        node.overload = "large";
      }
      model.functions.push_back(small);
      model.functions.push_back(large);
    }
    model.graph.nodes[0].op_type = "f0";
    model.graph.nodes[0].domain = "f";
    model.graph.nodes[0].overload = "large";
    return model;
  };
  EXPECT_NO_THROW(ValidateModel(doubling(10), "m"));
  try {
    ValidateModel(doubling(25), "m");
    FAIL() << "thirty million nodes";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("nodes with its functions inlined"));
  }
  // One overload may call another of its name: they are two functions.
  Model model = doubling(1);
  model.functions[1].nodes[0].op_type = "f0";
  model.functions[1].nodes[0].domain = "f";
  EXPECT_NO_THROW(ValidateModel(model, "m"));
}

TEST(GraphValidatorTest, LimitsTheDepthOfSubgraphs) {
  const auto nested = [](int depth) {
    Model model = Valid().model;
    model.graph.inputs.push_back({"c", {DataType::kBool, std::vector<Dim>{}, {}}, {}, {}});
    for (int i = 1; i < depth; ++i) {
      Graph outer;
      outer.outputs = {{"y" + std::to_string(i), {}, {}, {}}};
      Node node = MakeNode("If", {"c"}, {outer.outputs[0].name});
      Graph inner;
      inner.nodes = model.graph.nodes;
      inner.outputs = {{model.graph.nodes[0].outputs[0], {}, {}, {}}};
      node.Set("then_branch", Subgraph(inner));
      node.Set("else_branch", Subgraph(Graph{}));
      model.graph.nodes = {node};
      model.graph.outputs = outer.outputs;
    }
    return model;
  };
  EXPECT_NO_THROW(ValidateModel(nested(kMaxGraphDepth), "m"));
  EXPECT_THROW(ValidateModel(nested(kMaxGraphDepth + 1), "m"), Error);
}

// An If whose branches are both `inner`, which writes `name`.
Node Branch(const Graph& inner, const std::string& name) {
  Node node = MakeNode("If", {"c"}, {name});
  node.Set("then_branch", Subgraph(inner));
  node.Set("else_branch", Subgraph(inner));
  return node;
}

std::string MessageOf(const Model& model) {
  try {
    ValidateModel(model, "m");
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

Model WithCondition() {
  Model model = Valid().model;
  model.graph.inputs.push_back({"c", {DataType::kBool, std::vector<Dim>{}, {}}, {}, {}});
  return model;
}

// Few levels and few nodes, but every level doubles both their number and the engine's work.
TEST(GraphValidatorTest, LimitsWhatTheEngineLoadsOfSubgraphs) {
  const auto full = [](int depth) {
    Model model = WithCondition();
    Graph inner;
    inner.nodes = {MakeNode("Relu", {model.graph.inputs[0].name}, {"y0"})};
    inner.outputs = {{"y0", {}, {}, {}}};
    for (int i = 1; i <= depth; ++i) {
      const std::string name = "y" + std::to_string(i);
      Graph outer;
      outer.nodes = {Branch(inner, name)};
      outer.outputs = {{name, {}, {}, {}}};
      inner = outer;
    }
    model.graph.nodes = inner.nodes;
    model.graph.outputs = inner.outputs;
    return model;
  };
  EXPECT_EQ(MessageOf(full(10)), "");
  EXPECT_THAT(MessageOf(full(11)), testing::HasSubstr("expected fewer levels of subgraphs"));
}

// The same by functions, whose bodies hold one If each.
TEST(GraphValidatorTest, LevelsAreCountedThroughFunctions) {
  const auto called = [](int depth) {
    Model model = WithCondition();
    model.opsets["f"] = 1;
    for (int i = 0; i <= depth; ++i) {
      Graph inner;
      inner.nodes = {i == 0 ? MakeNode("Relu", {"a"}, {"r"})
                            : MakeNode("F" + std::to_string(i - 1), {"c", "a"}, {"r"})};
      if (i > 0) inner.nodes[0].domain = "f";
      inner.outputs = {{"r", {}, {}, {}}};
      Function function;
      function.domain = "f";
      function.name = "F" + std::to_string(i);
      function.inputs = {"c", "a"};
      function.outputs = {"b"};
      function.opsets = model.opsets;
      function.nodes = {Branch(inner, "b")};
      model.functions.push_back(function);
    }
    Node call = MakeNode("F" + std::to_string(depth), {"c", model.graph.inputs[0].name}, {"z"});
    call.domain = "f";
    model.graph.nodes = {call};
    model.graph.outputs = {{"z", {}, {}, {}}};
    return model;
  };
  EXPECT_EQ(MessageOf(called(8)), "");
  EXPECT_THAT(MessageOf(called(12)), testing::HasSubstr("expected fewer levels of subgraphs"));
}

}  // namespace
}  // namespace qconvert
