// What is said of graphs that are none, to the letter, and forms that are odd and valid.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "qconvert/base/error.h"
#include "qconvert/ir/graph_validator.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

std::string MessageOf(const Model& model) {
  try {
    ValidateModel(model, "m");
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::kModel);
    return e.what();
  }
  return "";
}

Value Named(const std::string& name) { return {name, FloatType({"2"}), {}, {}}; }

// x -> Relu -> y, with a condition c.
Model Plain() {
  GraphBuilder b;
  b.Input("x", {"2"}).Input("c", {}, DataType::kBool).Output("y");
  b.Add("Relu", {"x"}, {"y"}).name = "relu";
  return b.model;
}

Graph BodyOf(Node node) {
  Graph body;
  body.outputs = {Named(node.outputs[0])};
  body.nodes = {std::move(node)};
  return body;
}

// If{c} with these branches in the place of the Relu.
Model Branching(const Graph& then_branch, const Graph& else_branch) {
  Model model = Plain();
  Node node = MakeNode("If", {"c"}, {"y"});
  node.Set("then_branch", Subgraph(then_branch));
  node.Set("else_branch", Subgraph(else_branch));
  model.graph.nodes = {node};
  return model;
}

// f:g(a) -> b, called in the place of the Relu.
Model Calling(const std::vector<Node>& body) {
  Model model = Plain();
  model.opsets["f"] = 1;
  Function function;
  function.domain = "f";
  function.name = "g";
  function.inputs = {"a"};
  function.outputs = {"b"};
  function.opsets = {{"", 13}, {"f", 1}};
  function.nodes = body;
  model.functions = {function};
  model.graph.nodes[0].domain = "f";
  model.graph.nodes[0].op_type = "g";
  return model;
}

struct Row {
  const char* what;
  std::function<Model()> make;
  const char* message;
};

Model Changed(const std::function<void(Graph&)>& change) {
  Model model = Plain();
  change(model.graph);
  return model;
}

std::vector<Row> NodeRows() {
  return {
      {"a name", [] { return Changed([](Graph& g) { g.nodes[0].inputs = {"ghost"}; }); },
       "m: node \"relu\" (Relu) reads \"ghost\", which nothing writes"},
      {"no name",
       [] {
         return Changed([](Graph& g) {
           g.nodes[0].name.clear();
           g.nodes[0].inputs = {"ghost"};
         });
       },
       "m: node writing \"y\" (Relu) reads \"ghost\", which nothing writes"},
      {"no name and no output",
       [] { return Changed([](Graph& g) { g.nodes.push_back(MakeNode("Relu", {"ghost"}, {})); }); },
       "m: a node of type Relu reads \"ghost\", which nothing writes"},
      {"an output of two",
       [] { return Changed([](Graph& g) { g.nodes.push_back(MakeNode("Abs", {"x"}, {"y"})); }); },
       "m: node writing \"y\" (Abs) writes \"y\", which is written already"},
      {"an initializer that is written",
       [] {
         return Changed([](Graph& g) {
           g.initializers["w"] = RandomTensor("w", {2}, 1);
           g.nodes.push_back(MakeNode("Abs", {"x"}, {"w"}));
         });
       },
       "m: node writing \"w\" (Abs) writes \"w\", which is written already"},
      {"the standard is not imported",
       [] {
         Model model = Plain();
         model.opsets = {{"acme", 1}};
         return model;
       },
       "m: node \"relu\" (Relu) is of domain \"ai.onnx\", which the model does not import"},
      {"a domain that nobody imports",
       [] { return Changed([](Graph& g) { g.nodes[0].domain = "com.acme"; }); },
       "m: node \"relu\" (Relu) is of domain \"com.acme\", which the model does not import"},
      {"a reference outside",
       [] { return Changed([](Graph& g) { g.nodes[0].attributes["alpha"].reference = "slope"; }); },
       "m: node \"relu\" (Relu): attribute \"alpha\" refers to a function attribute outside a "
       "function"},
      {"an operator that lacks an input",
       [] { return Changed([](Graph& g) { g.nodes[0].op_type = "Add"; }); },
       "m: node \"relu\" (Add) lacks input 2 of 2"},
      {"two that wait for each other",
       [] {
         return Changed([](Graph& g) {
           g.nodes = {MakeNode("Add", {"x", "b"}, {"a"}), MakeNode("Abs", {"a"}, {"b"}),
                      MakeNode("Abs", {"b"}, {"y"})};
         });
       },
       "m: the nodes around \"a\" form a cycle"},
  };
}

std::vector<Row> InterfaceRows() {
  return {
      {"no outputs", [] { return Changed([](Graph& g) { g.outputs.clear(); }); },
       "m: the graph has no outputs"},
      {"an input without a name",
       [] { return Changed([](Graph& g) { g.inputs.push_back(Named("")); }); },
       "m: a graph input has no name"},
      {"an input without a type", [] { return Changed([](Graph& g) { g.inputs[0].type = {}; }); },
       "m: graph input \"x\" has no type"},
      {"an input twice", [] { return Changed([](Graph& g) { g.inputs.push_back(Named("x")); }); },
       "m: two graph inputs are named \"x\""},
      {"an output twice", [] { return Changed([](Graph& g) { g.outputs.push_back(Named("y")); }); },
       "m: two graph outputs are named \"y\""},
      {"an output that nobody writes",
       [] { return Changed([](Graph& g) { g.outputs.push_back(Named("z")); }); },
       "m: graph output \"z\" is written by no node"},
      {"IR version 15",
       [] {
         Model model = Plain();
         model.ir_version = 15;
         return model;
       },
       "m: has IR version 15, expected at most 14"},
      {"a negative IR version",
       [] {
         Model model = Plain();
         model.ir_version = -1;
         return model;
       },
       "m: has no ir_version, expected an ONNX model"},
      {"no imports",
       [] {
         Model model = Plain();
         model.opsets.clear();
         return model;
       },
       "m: has no opset_import"},
      {"a negative opset",
       [] {
         Model model = Plain();
         model.opsets["com.acme"] = -3;
         return model;
       },
       "m: imports opset -3 of domain \"com.acme\", expected 1 to 2147483647"},
      {"an opset to come",
       [] {
         Model model = Plain();
         model.opsets[""] = 29;
         return model;
       },
       "m: imports opset 29 of domain \"ai.onnx\", expected 1 to 28"},
  };
}

std::vector<Row> BodyRows() {
  const auto good = [] { return BodyOf(MakeNode("Abs", {"x"}, {"p"})); };
  return {
      {"no body", [] { return Changed([](Graph& g) { g.nodes[0].op_type = "Loop"; }); },
       "m: node \"relu\" (Loop) has no graph attribute \"body\""},
      {"a body that is a number",
       [] {
         return Changed([](Graph& g) {
           g.nodes[0].op_type = "Scan";
           g.nodes[0].Set("body", int64_t{3});
         });
       },
       "m: node \"relu\" (Scan) has no graph attribute \"body\""},
      {"one branch alone",
       [good] {
         Model model = Branching(good(), good());
         model.graph.nodes[0].attributes.erase("else_branch");
         return model;
       },
       "m: node writing \"y\" (If) has no graph attribute \"else_branch\""},
      {"a body that reads what nobody writes",
       [good] { return Branching(good(), BodyOf(MakeNode("Abs", {"ghost"}, {"q"}))); },
       "m: node writing \"q\" (Abs) reads \"ghost\", which nothing writes"},
      {"a body that reads what another body writes",
       [good] { return Branching(BodyOf(MakeNode("Abs", {"p"}, {"q"})), good()); },
       "m: node writing \"q\" (Abs) reads \"p\", which nothing writes"},
      {"a body whose output nobody writes",
       [good] {
         Graph body = good();
         body.outputs[0].name = "r";
         return Branching(body, good());
       },
       "m: graph output \"r\" is written by no node"},
      {"a body with a cycle",
       [good] {
         Graph body = good();
         body.nodes = {MakeNode("Abs", {"p"}, {"s"}), MakeNode("Abs", {"s"}, {"p"})};
         return Branching(body, good());
       },
       "m: the nodes around \"s\" form a cycle"},
      {"a body that reads what its node leads to",
       [good] {
         Model model = Branching(BodyOf(MakeNode("Abs", {"z"}, {"q"})), good());
         model.graph.nodes.push_back(MakeNode("Abs", {"y"}, {"z"}));
         return model;
       },
       "m: the nodes around \"y\" form a cycle"},
      {"weights of the level around",
       [good] {
         Model model = Branching(good(), BodyOf(MakeNode("Conv", {"x", "w", "b"}, {"q"})));
         model.graph.initializers["w"] = RandomTensor("w", {4, 3, 3, 3}, 1);
         model.graph.initializers["b"] = RandomTensor("b", {2}, 1);
         return model;
       },
       "m: node writing \"q\" (Conv) has 2 biases, expected 4"},
  };
}

std::vector<Row> FunctionRows() {
  const auto call = [](const std::string& name) {
    Node node = MakeNode(name, {"a"}, {"b"});
    node.domain = "f";
    return node;
  };
  return {
      {"twice",
       [] {
         Model model = Calling({MakeNode("Abs", {"a"}, {"b"})});
         model.functions.push_back(model.functions[0]);
         return model;
       },
       "m: function \"f:g\" is defined twice"},
      {"an output that nobody writes", [] { return Calling({MakeNode("Abs", {"a"}, {"z"})}); },
       "m: function \"f:g\": output \"b\" is written by no node"},
      {"a value of the graph", [] { return Calling({MakeNode("Abs", {"x"}, {"b"})}); },
       "m: node writing \"b\" (Abs) reads \"x\", which nothing writes"},
      {"its own input", [] { return Calling({MakeNode("Abs", {"a"}, {"a"})}); },
       "m: node writing \"a\" (Abs) writes \"a\", which is written already"},
      {"a domain that it does not import",
       [] {
         Model model = Calling({MakeNode("Abs", {"a"}, {"b"})});
         model.functions[0].opsets = {{"f", 1}};
         return model;
       },
       "m: node writing \"b\" (Abs) is of domain \"ai.onnx\", which the model does not import"},
      {"an opset of its own",
       [] {
         Model model = Calling({MakeNode("Abs", {"a"}, {"b"})});
         model.functions[0].opsets[""] = 0;
         return model;
       },
       "m: imports opset 0 of domain \"ai.onnx\", expected 1 to 28"},
      {"more inputs than it has",
       [] {
         Model model = Calling({MakeNode("Abs", {"a"}, {"b"})});
         model.graph.nodes[0].inputs = {"x", "x", "x"};
         return model;
       },
       "m: node \"relu\" (g) has 3 inputs, but its function declares 1"},
      {"itself", [call] { return Calling({call("g")}); }, "m: function \"f:g\" calls itself"},
      {"itself in a body",
       [call] {
         Node node = MakeNode("If", {"a"}, {"b"});
         Node inner = call("g");
         inner.outputs = {"p"};
         node.Set("then_branch", Subgraph(BodyOf(inner)));
         node.Set("else_branch", Subgraph(BodyOf(inner)));
         return Calling({node});
       },
       "m: function \"f:g\" calls itself"},
  };
}

TEST(GraphMessagesTest, SayWhereAndWhat) {
  for (const std::vector<Row>& rows : {NodeRows(), InterfaceRows(), BodyRows(), FunctionRows()})
    for (const Row& row : rows) EXPECT_EQ(MessageOf(row.make()), row.message) << row.what;
}

std::vector<Row> ValidRows() {
  return {
      {"an input without a tensor",
       [] { return Changed([](Graph& g) {
              g.inputs.push_back({"s", {{}, {}, "seq"}, {}, {}});
            }); },
       ""},
      {"an input that is passed on",
       [] { return Changed([](Graph& g) { g.outputs.push_back(Named("x")); }); }, ""},
      {"a default of an input",
       [] { return Changed([](Graph& g) { g.initializers["x"] = RandomTensor("x", {2}, 1); }); },
       ""},
      {"nodes in another order",
       [] {
         return Changed([](Graph& g) {
           g.nodes = {MakeNode("Abs", {"a"}, {"y"}), MakeNode("Abs", {"x"}, {"a"})};
         });
       },
       ""},
      {"inputs and outputs that are left out",
       [] {
         return Changed([](Graph& g) {
           g.nodes = {MakeNode("Clip", {"x", "", ""}, {"a"}),
                      MakeNode("Dropout", {"a"}, {"y", ""})};
         });
       },
       ""},
      {"a sparse constant",
       [] {
         return Changed([](Graph& g) {
           SparseTensor sparse;
           sparse.values = RandomTensor("s", {1}, 1);
           g.sparse_initializers.push_back(sparse);
           g.nodes[0] = MakeNode("Add", {"x", "s"}, {"y"});
         });
       },
       ""},
      {"an inner value that hides an outer constant",
       [] {
         Graph body = BodyOf(MakeNode("Conv", {"x", "w", "b"}, {"q"}));
         body.nodes.insert(body.nodes.begin(), MakeNode("Abs", {"x"}, {"b"}));
         Model model = Branching(body, BodyOf(MakeNode("Abs", {"x"}, {"p"})));
         model.graph.initializers["w"] = RandomTensor("w", {4, 3, 3, 3}, 1);
         model.graph.initializers["b"] = RandomTensor("b", {2}, 1);
         return model;
       },
       ""},
      {"a body that the caller of a function gives",
       [] {
         Node node = MakeNode("Loop", {"", "", "a"}, {"b"});
         node.attributes["body"].reference = "what_to_do";
         return Calling({node});
       },
       ""},
      {"a body that passes an outer value on",
       [] {
         Graph body;
         body.outputs = {Named("x")};
         return Branching(body, BodyOf(MakeNode("Abs", {"x"}, {"p"})));
       },
       ""},
      {"a call without its last input",
       [] {
         Model model = Calling({MakeNode("Abs", {"a"}, {"b"})});
         model.functions[0].inputs = {"a", "unused"};
         return model;
       },
       ""},
      {"IR version 14 and opset 28",
       [] {
         Model model = Plain();
         model.ir_version = 14;
         model.opsets[""] = 28;
         return model;
       },
       ""}};
}

TEST(GraphMessagesTest, OddFormsAreTaken) {
  for (const Row& row : ValidRows()) EXPECT_EQ(MessageOf(row.make()), "") << row.what;
}

}  // namespace
}  // namespace qconvert
