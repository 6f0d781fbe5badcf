#include "qconvert/onnx_proto/graph_proto.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "onnx-ml.pb.h"
#include "qconvert/base/error.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using onnx::AttributeProto;
using onnx::GraphProto;
using onnx::ModelProto;
using testing::HasSubstr;

Model Read(ModelProto proto) {
  TensorReader tensors("m.onnx");
  return ReadModel(proto, tensors, "m.onnx");
}

std::string Rewritten(const ModelProto& proto) {
  ModelProto out;
  WriteModel(Read(proto), out);
  return out.SerializeAsString();
}

void ExpectRefused(const ModelProto& proto, const std::string& reason) {
  try {
    Read(proto);
    ADD_FAILURE() << "taken, expected: " << reason;
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::kModel);
    EXPECT_THAT(e.what(), testing::StartsWith("m.onnx: "));
    EXPECT_THAT(e.what(), HasSubstr(reason));
  }
}

// y = Relu(x), with one of everything that a graph may hold.
ModelProto Minimal() {
  ModelProto model;
  model.set_ir_version(8);
  auto* opset = model.add_opset_import();
  opset->set_domain("");
  opset->set_version(13);
  GraphProto& graph = *model.mutable_graph();
  graph.set_name("g");
  auto* node = graph.add_node();
  node->set_op_type("Relu");
  node->add_input("x");
  node->add_output("y");
  return model;
}

void AddEntry(onnx::StringStringEntryProto* entry, const char* key) {
  entry->set_key(key);
  entry->set_value("v");
}

void AddTensor(onnx::TensorProto* proto, const char* name) {
  WriteTensor(MakeFloatTensor(name, {1}, std::vector<float>{1}), *proto);
}

onnx::TypeProto::Tensor* AddValue(onnx::ValueInfoProto* value, const char* name) {
  value->set_name(name);
  auto* type = value->mutable_type()->mutable_tensor_type();
  type->set_elem_type(1);
  return type;
}

TEST(ModelProtoTest, EveryFieldOfAModelComesBack) {
  ModelProto model = Minimal();
  model.set_producer_name("maker");
  model.set_producer_version("1.2");
  model.set_domain("org.acme");
  model.set_model_version(7);
  model.set_doc_string("doc");
  AddEntry(model.add_metadata_props(), "key");
  model.add_training_info()->mutable_algorithm()->set_name("kept as it is");
  auto* opset = model.add_opset_import();
  opset->set_domain("com.acme");
  opset->set_version(2);
  EXPECT_EQ(Rewritten(model), model.SerializeAsString());
}

TEST(ModelProtoTest, EveryFieldOfAGraphComesBack) {
  ModelProto model = Minimal();
  GraphProto& graph = *model.mutable_graph();
  graph.set_doc_string("doc");
  AddEntry(graph.add_metadata_props(), "key");
  graph.add_quantization_annotation()->set_tensor_name("x");
  auto* shape = AddValue(graph.add_input(), "x")->mutable_shape();
  shape->add_dim()->set_dim_value(3);
  shape->add_dim()->set_dim_param("N");
  shape->add_dim();
  graph.mutable_input(0)->set_doc_string("an input");
  AddEntry(graph.mutable_input(0)->add_metadata_props(), "key");
  AddValue(graph.add_output(), "y");
  auto* sequence = graph.add_output();
  sequence->set_name("s");
  sequence->mutable_type()->mutable_sequence_type()->mutable_elem_type()->mutable_tensor_type();
  AddValue(graph.add_value_info(), "inner");
  AddTensor(graph.add_initializer(), "a");
  AddTensor(graph.add_initializer(), "b");
  auto* sparse = graph.add_sparse_initializer();
  AddTensor(sparse->mutable_values(), "sparse");
  WriteTensor(MakeInt64Tensor("", {1}, std::vector<int64_t>{4}), *sparse->mutable_indices());
  sparse->add_dims(9);
  EXPECT_EQ(Rewritten(model), model.SerializeAsString());
}

TEST(ModelProtoTest, EveryFieldOfANodeComesBack) {
  ModelProto model = Minimal();
  auto* node = model.mutable_graph()->mutable_node(0);
  node->set_name("n");
  node->set_domain("com.acme");
  node->set_overload("second");
  node->set_doc_string("doc");
  node->add_input("");
  node->add_input("z");
  AddEntry(node->add_metadata_props(), "key");
  EXPECT_EQ(Rewritten(model), model.SerializeAsString());
}

TEST(ModelProtoTest, EveryKindOfAttributeComesBack) {
  ModelProto model = Minimal();
  auto* node = model.mutable_graph()->mutable_node(0);
  const auto add = [&](const char* name, AttributeProto::AttributeType type) {
    AttributeProto* attribute = node->add_attribute();
    attribute->set_name(name);
    attribute->set_type(type);
    return attribute;
  };
  add("a_float", AttributeProto::FLOAT)->set_f(0.5F);
  add("b_int", AttributeProto::INT)->set_i(-3);
  add("c_string", AttributeProto::STRING)->set_s(std::string("\0\xFF", 2));
  AddTensor(add("d_tensor", AttributeProto::TENSOR)->mutable_t(), "t");
  add("e_graph", AttributeProto::GRAPH)->mutable_g()->set_name("body");
  auto* floats = add("f_floats", AttributeProto::FLOATS);
  floats->add_floats(1);
  floats->add_floats(2);
  add("g_ints", AttributeProto::INTS)->add_ints(9);
  add("h_strings", AttributeProto::STRINGS)->add_strings("s");
  AddTensor(add("i_tensors", AttributeProto::TENSORS)->add_tensors(), "t");
  add("j_graphs", AttributeProto::GRAPHS)->add_graphs()->set_name("one");
  add("k_empty", AttributeProto::INTS)->set_doc_string("an empty list");
  add("l_type", AttributeProto::TYPE_PROTO)->mutable_tp()->mutable_tensor_type()->set_elem_type(1);
  EXPECT_EQ(Rewritten(model), model.SerializeAsString());
}

TEST(ModelProtoTest, EveryFieldOfAFunctionComesBack) {
  ModelProto model = Minimal();
  auto* function = model.add_functions();
  function->set_name("F");
  function->set_domain("com.acme");
  function->set_overload("o");
  function->set_doc_string("doc");
  function->add_input("x");
  function->add_output("y");
  function->add_attribute("slope");
  auto* preset = function->add_attribute_proto();
  preset->set_name("alpha");
  preset->set_type(AttributeProto::FLOAT);
  preset->set_f(2);
  auto* node = function->add_node();
  node->set_op_type("LeakyRelu");
  node->add_input("x");
  node->add_output("y");
  auto* reference = node->add_attribute();
  reference->set_name("alpha");
  reference->set_type(AttributeProto::FLOAT);
  reference->set_ref_attr_name("slope");
  auto* opset = function->add_opset_import();
  opset->set_domain("");
  opset->set_version(13);
  AddValue(function->add_value_info(), "x");
  AddEntry(function->add_metadata_props(), "key");
  EXPECT_EQ(Rewritten(model), model.SerializeAsString());
}

TEST(ModelProtoTest, TheOrderOfNamedThingsIsThatOfTheirNames) {
  ModelProto model = Minimal();
  AddTensor(model.mutable_graph()->add_initializer(), "b");
  AddTensor(model.mutable_graph()->add_initializer(), "a");
  ModelProto out;
  WriteModel(Read(model), out);
  EXPECT_EQ(out.graph().initializer(0).name(), "a");
}

TEST(ModelProtoTest, TheLongNameOfTheStandardDomainIsTheShortOne) {
  ModelProto model = Minimal();
  model.mutable_opset_import(0)->set_domain("ai.onnx");
  model.mutable_graph()->mutable_node(0)->set_domain("ai.onnx");
  const Model read = Read(model);
  EXPECT_EQ(read.opset(), 13);
  EXPECT_TRUE(read.graph.nodes[0].Is("Relu"));
}

TEST(ModelProtoTest, AttributesWithoutATypeGoByTheFieldInUse) {  // IR version 1
  ModelProto model = Minimal();
  auto* node = model.mutable_graph()->mutable_node(0);
  const auto add = [&](const char* name) {
    node->add_attribute()->set_name(name);
    return node->mutable_attribute(node->attribute_size() - 1);
  };
  add("f")->set_f(2);
  add("i")->set_i(3);
  add("s")->set_s("text");
  add("v")->add_ints(4);
  const Node read = Read(model).graph.nodes[0];
  EXPECT_EQ(read.GetFloat("f", 0), 2);
  EXPECT_EQ(read.GetInt("i", 0), 3);
  EXPECT_EQ(read.GetString("s", ""), "text");
  EXPECT_THAT(*read.FindInts("v"), testing::ElementsAre(4));
  add("nothing");
  ExpectRefused(model, "attribute \"nothing\" has no type");
}

TEST(ModelProtoTest, ANegativeDimensionIsUnknown) {
  ModelProto model = Minimal();
  auto* shape = AddValue(model.mutable_graph()->add_input(), "x")->mutable_shape();
  shape->add_dim()->set_dim_value(INT64_MIN);
  const Model read = Read(model);
  EXPECT_EQ((*read.graph.inputs[0].type.shape)[0], Dim{});
}

TEST(ModelProtoTest, EqualImportsOfOneDomainAreOne) {  // of models that were merged
  ModelProto model = Minimal();
  const int64_t version = model.opset_import(0).version();
  *model.add_opset_import() = model.opset_import(0);
  auto* other = model.add_opset_import();
  other->set_domain("ai.onnx");
  other->set_version(version);
  const Model read = Read(model);
  EXPECT_EQ(read.opsets.size(), 1U);
  EXPECT_EQ(read.opsets.at(""), version);
}

TEST(ModelProtoTest, HostileMessages) {
  ModelProto model = Minimal();
  model.clear_graph();
  ExpectRefused(model, "has no graph");

  model = Minimal();
  *model.add_opset_import() = model.opset_import(0);
  model.mutable_opset_import(1)->set_version(model.opset_import(0).version() + 1);
  ExpectRefused(model, "imports domain \"ai.onnx\" twice, as versions ");

  model = Minimal();
  AddTensor(model.mutable_graph()->add_initializer(), "w");
  AddTensor(model.mutable_graph()->add_initializer(), "w");
  ExpectRefused(model, "two initializers are named \"w\"");

  model = Minimal();
  AddTensor(model.mutable_graph()->add_initializer(), "");
  ExpectRefused(model, "initializer has no name");

  model = Minimal();
  for (int i = 0; i < 2; ++i) {
    auto* attribute = model.mutable_graph()->mutable_node(0)->add_attribute();
    attribute->set_name("axis");
    attribute->set_type(AttributeProto::INT);
  }
  ExpectRefused(model, "(Relu) gives attribute \"axis\" twice");

  model = Minimal();
  AddValue(model.mutable_graph()->add_input(), "x")->set_elem_type(99);
  ExpectRefused(model, "value \"x\" has element type 99");

  model = Minimal();
  auto* shape = AddValue(model.mutable_graph()->add_input(), "x")->mutable_shape();
  for (int i = 0; i < 65; ++i) shape->add_dim()->set_dim_value(1);
  ExpectRefused(model, "value \"x\" has rank 65, expected at most 64");
}

TEST(ModelProtoTest, NestingHasALimit) {
  const auto nested = [](int levels) {
    ModelProto model = Minimal();
    GraphProto* graph = model.mutable_graph();
    for (int i = 1; i < levels; ++i) {
      auto* attribute = graph->add_node()->add_attribute();
      attribute->set_name("body");
      attribute->set_type(AttributeProto::GRAPH);
      graph = attribute->mutable_g();
    }
    return model;
  };
  EXPECT_NO_THROW(Read(nested(18)));
  ExpectRefused(nested(19), "nested deeper than 18 levels");
}

TEST(WriteModelTest, TheHookSeesTheInitializersOfEveryLevel) {
  Graph body;
  body.initializers["inner"] = MakeFloatTensor("inner", {1}, std::vector<float>{1});
  GraphBuilder b;
  b.Floats("outer", {1}, {2}).Floats("own", {1}, {3});
  b.Add("If", {"c"}, {"y"}).Set("then_branch", Subgraph(body));
  std::set<std::string> seen;
  WriteOptions options;
  options.context = &seen;
  options.write_initializer = [](void* context, const Tensor& tensor, onnx::TensorProto& proto) {
    static_cast<std::set<std::string>*>(context)->insert(tensor.name);
    if (tensor.name == "own") return false;
    proto.set_doc_string("by the hook");
    return true;
  };
  ModelProto out;
  WriteModel(b.model, out, options);
  EXPECT_EQ(seen, (std::set<std::string>{"inner", "outer", "own"}));
  EXPECT_EQ(out.graph().initializer(0).doc_string(), "by the hook");
  EXPECT_EQ(out.graph().initializer(0).name(), "outer");
  EXPECT_FALSE(out.graph().initializer(0).has_raw_data());
  EXPECT_EQ(out.graph().initializer(1).raw_data().size(), 4U) << "left to the writer";
  EXPECT_EQ(out.graph().node(0).attribute(0).g().initializer(0).doc_string(), "by the hook");
}

}  // namespace
}  // namespace qconvert
