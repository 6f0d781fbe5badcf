#include "qconvert/loader/onnx_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "onnx-ml.pb.h"
#include "qconvert/base/error.h"
#include "qconvert/base/sha256.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

onnx::ModelProto AddModel() {
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(13);
  auto* graph = model.mutable_graph();
  auto* type = graph->add_input();
  type->set_name("x");
  type->mutable_type()->mutable_tensor_type()->set_elem_type(1);
  type->mutable_type()->mutable_tensor_type()->mutable_shape()->add_dim()->set_dim_value(2);
  auto* w = graph->add_initializer();
  w->set_name("w");
  w->set_data_type(1);
  w->add_dims(2);
  w->add_float_data(1);
  w->add_float_data(2);
  auto* node = graph->add_node();
  node->set_op_type("Add");
  node->add_input("x");
  node->add_input("w");
  node->add_output("y");
  auto* output = graph->add_output();
  output->set_name("y");
  output->mutable_type()->mutable_tensor_type()->set_elem_type(1);
  return model;
}

std::string LoadError(const std::string& bytes, ExitCode code = ExitCode::kModel) {
  const TempDir folder;
  try {
    LoadOnnx(folder.Write("m.onnx", bytes));
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    return e.what();
  }
  return "";
}

TEST(OnnxLoaderTest, ReadsAModel) {
  const TempDir folder;
  const std::string bytes = AddModel().SerializeAsString();
  const LoadedModel loaded = LoadOnnx(folder.Write("m.onnx", bytes));
  EXPECT_EQ(loaded.model.opset(), 13);
  EXPECT_EQ(loaded.sha256, Sha256Hex(bytes));
  EXPECT_EQ(loaded.file_bytes, static_cast<int64_t>(bytes.size()));
  const Tensor& w = loaded.model.graph.initializers.at("w");
  EXPECT_THAT(w.values<float>(), testing::ElementsAre(1, 2));
}

TEST(OnnxLoaderTest, SaysWhatAFileIsInstead) {
  EXPECT_THAT(LoadError(""), testing::HasSubstr("an empty file"));
  EXPECT_THAT(LoadError("version https://git-lfs.github.com/spec/v1\n"),
              testing::HasSubstr("Git LFS pointer"));
  EXPECT_THAT(LoadError("<html>"), testing::HasSubstr("web page"));
  EXPECT_THAT(LoadError("PK\x03\x04...."), testing::HasSubstr("zip archive"));
  EXPECT_THAT(LoadError("\x1f\x8b\x08"), testing::HasSubstr("gzip"));
  EXPECT_THAT(LoadError("\x80\x04\x95"), testing::HasSubstr("pickle"));
  EXPECT_THAT(LoadError("\x80\x05\x95"), testing::HasSubstr("pickle"));
  EXPECT_THAT(LoadError(std::string(4096, '\0')), testing::HasSubstr("not a valid ONNX model"));
  EXPECT_THAT(LoadError("ir_version: 8"), testing::HasSubstr("text-format"));
}

TEST(OnnxLoaderTest, CutAndExtendedFilesAreRefused) {
  const std::string bytes = AddModel().SerializeAsString();
  for (size_t n = 1; n < bytes.size(); ++n) {
    const TempDir folder;
    try {
      LoadOnnx(folder.Write(
          "m.onnx", bytes.substr(0, n)));  // a prefix can be a smaller valid message, never a crash
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ExitCode::kModel);
    }
  }
  EXPECT_NE(LoadError(bytes + std::string(1024, '\xff')), "");
}

TEST(OnnxLoaderTest, RefusesMillionsOfEmptyNodesBeforeTheyCostMemory) {
  std::string nodes;
  for (int i = 0; i < 3'000'000; ++i) nodes += std::string("\x0a\x00", 2);
  onnx::ModelProto model;
  model.set_ir_version(8);
  std::string bytes = model.SerializeAsString() + "\x3a";
  for (size_t n = nodes.size(); n > 0; n >>= 7)
    bytes += static_cast<char>((n & 127) | (n > 127 ? 128 : 0));
  EXPECT_THAT(LoadError(bytes + nodes), testing::HasSubstr("more than 1000000 nodes"));
}

struct BadTensor {
  const char* name;
  std::function<void(onnx::TensorProto&)> damage;
  const char* message;
};

TEST(OnnxLoaderTest, BadTensorsAreNamed) {
  using T = onnx::TensorProto;
  const std::vector<BadTensor> cases = {
      {"raw too short", [](T& t) { t.clear_float_data(), t.set_raw_data("1234"); },
       "has 4 bytes of data, expected 8"},
      {"raw too long", [](T& t) { t.clear_float_data(), t.set_raw_data(std::string(12, 'x')); },
       "has 12 bytes"},
      {"float data too short", [](T& t) { t.mutable_float_data()->RemoveLast(); },
       "has 4 bytes of data"},
      {"overflow",
       [](T& t) {
         t.add_dims(INT64_MAX);
         t.add_dims(INT64_MAX);
       },
       "impossible dimensions"},
      {"bytes overflow", [](T& t) { t.clear_dims(), t.add_dims(INT64_MAX / 2); },
       "impossible dimensions"},
      {"wraps to the right size",
       [](T& t) {
         t.clear_dims(), t.add_dims(INT64_C(1) << 32), t.add_dims((INT64_C(1) << 32) + 2);
       },
       "impossible dimensions"},
      {"two negatives", [](T& t) { t.clear_dims(), t.add_dims(-1), t.add_dims(-2); },
       "impossible dimensions"},
      {"huge, no data",
       [](T& t) { t.clear_float_data(), t.clear_dims(), t.add_dims(INT64_C(1) << 40); },
       "has 0 bytes of data"},
      {"zero dim with data", [](T& t) { t.add_dims(0); }, "has 8 bytes of data, expected 0"},
      {"two payloads", [](T& t) { t.set_raw_data("12345678"); }, "in more than one place"},
      {"type 0", [](T& t) { t.set_data_type(0); }, "element type 0"},
      {"type 9999", [](T& t) { t.set_data_type(9999); }, "element type 9999"},
      {"wrong field", [](T& t) { t.clear_float_data(), t.add_int32_data(1), t.add_int32_data(2); },
       "has 0 bytes of data"},
      {"string with raw data",
       [](T& t) { t.set_data_type(8), t.clear_float_data(), t.set_raw_data("x"); },
       "string tensor"},
      {"int4 bytes", [](T& t) { t.set_data_type(22), t.clear_float_data(), t.set_raw_data("12"); },
       "has 2 bytes of data, expected 1"},
      {"segment", [](T& t) { t.mutable_segment()->set_begin(0); }, "segments"},
      {"rank 65",
       [](T& t) {
         for (int i = 0; i < 64; ++i) t.add_dims(1);
       },
       "rank 65"},
      {"no name", [](T& t) { t.clear_name(); }, "no name"},
  };
  for (const BadTensor& bad : cases) {
    onnx::ModelProto model = AddModel();
    bad.damage(*model.mutable_graph()->mutable_initializer(0));
    EXPECT_THAT(LoadError(model.SerializeAsString()), testing::HasSubstr(bad.message)) << bad.name;
  }
}

TEST(OnnxLoaderTest, TypedFieldsOfSmallTypesArePacked) {
  onnx::ModelProto model = AddModel();
  auto* half = model.mutable_graph()->add_initializer();
  half->set_name("half");
  half->set_data_type(onnx::TensorProto::FLOAT16);
  half->add_dims(1);
  half->add_int32_data(0x3C00);
  auto* nibbles = model.mutable_graph()->add_initializer();
  nibbles->set_name("nibbles");
  nibbles->set_data_type(onnx::TensorProto::INT4);
  nibbles->add_dims(3);
  nibbles->add_int32_data(0x21);
  nibbles->add_int32_data(0x03);
  const TempDir folder;
  const Graph graph = LoadOnnx(folder.Write("m.onnx", model.SerializeAsString())).model.graph;
  EXPECT_EQ(ToFloats(graph.initializers.at("half")), std::vector<float>{1.0F});
  EXPECT_EQ(*graph.initializers.at("nibbles").bytes, "\x21\x03");
}

TEST(OnnxLoaderTest, DuplicatesAreRefused) {
  onnx::ModelProto twice = AddModel();
  *twice.mutable_graph()->add_initializer() = twice.graph().initializer(0);
  EXPECT_THAT(LoadError(twice.SerializeAsString()),
              testing::HasSubstr("two initializers are named \"w\""));
  onnx::ModelProto opsets = AddModel();
  opsets.add_opset_import()->set_domain("ai.onnx");
  EXPECT_THAT(LoadError(opsets.SerializeAsString()),
              testing::HasSubstr("imports domain \"ai.onnx\" twice"));
}

TEST(OnnxLoaderTest, SparseIndicesMustFit) {
  onnx::ModelProto model = AddModel();
  auto* sparse = model.mutable_graph()->add_sparse_initializer();
  sparse->add_dims(4);
  auto* values = sparse->mutable_values();
  values->set_name("s");
  values->set_data_type(1);
  values->add_dims(1);
  values->add_float_data(1);
  auto* indices = sparse->mutable_indices();
  indices->set_data_type(7);
  indices->add_dims(1);
  indices->add_int64_data(3);
  EXPECT_EQ(LoadError(model.SerializeAsString()), "");
  indices->set_int64_data(0, 4);
  EXPECT_THAT(LoadError(model.SerializeAsString()), testing::HasSubstr("index 4 outside"));
}

TEST(OnnxLoaderTest, SparseIndicesRise) {
  const auto load = [](const std::vector<int64_t>& at, bool linear) {
    onnx::ModelProto model = AddModel();
    auto* sparse = model.mutable_graph()->add_sparse_initializer();
    sparse->add_dims(4);
    sparse->add_dims(4);
    auto* values = sparse->mutable_values();
    values->set_name("s");
    values->set_data_type(1);
    values->add_dims(2);
    values->add_float_data(1);
    values->add_float_data(2);
    auto* indices = sparse->mutable_indices();
    indices->set_data_type(7);
    indices->add_dims(2);
    if (!linear) indices->add_dims(2);
    for (const int64_t i : at) indices->add_int64_data(i);
    return LoadError(model.SerializeAsString());
  };
  EXPECT_EQ(load({3, 9}, true), "");
  EXPECT_THAT(load({9, 3}, true), testing::HasSubstr("not sorted, or repeated"));
  EXPECT_THAT(load({3, 3}, true), testing::HasSubstr("not sorted, or repeated"));
  EXPECT_EQ(load({0, 3, 1, 0}, false), "");
  EXPECT_THAT(load({1, 0, 0, 3}, false), testing::HasSubstr("not sorted, or repeated"));
}

TEST(OnnxLoaderTest, EmptyTrailingOutputsAreDropped) {
  onnx::ModelProto model = AddModel();
  for (int i = 0; i < 4; ++i) model.mutable_graph()->mutable_node(0)->add_output("");
  const TempDir folder;
  const Graph graph = LoadOnnx(folder.Write("m.onnx", model.SerializeAsString())).model.graph;
  EXPECT_EQ(graph.nodes[0].outputs, std::vector<std::string>{"y"});
}

TEST(OnnxLoaderTest, CountsMessagesBeforeTheyGrow) {
  // An empty message takes two bytes on the wire and hundreds in memory.
  const auto with_empty = [](char tag, size_t count) {
    std::string graph;
    for (size_t i = 0; i < count; ++i) graph += {tag, '\0'};
    onnx::ModelProto model = AddModel();
    std::string bytes = model.SerializeAsString();
    bytes += '\x3a';  // field 7, graph: merged with the one before
    for (size_t length = graph.size(); length > 0 || bytes.back() == '\x3a'; length >>= 7)
      bytes += static_cast<char>((length & 0x7F) | (length >= 0x80 ? 0x80 : 0));
    return bytes + graph;
  };
  constexpr char kNode = '\x0a';
  constexpr char kInitializer = '\x2a';
  EXPECT_THAT(LoadError(with_empty(kNode, 1'000'001)),
              testing::HasSubstr("more than 1000000 nodes"));
  EXPECT_THAT(LoadError(with_empty(kInitializer, 2'000'001), ExitCode::kResource),
              testing::HasSubstr("more than 2000000 initializers"));
}

// Two bytes each as well, beside the graph: a function takes most memory of all.
TEST(OnnxLoaderTest, RefusesMillionsOfEmptyEntriesOfTheModel) {
  const auto with_empty = [](std::string tag, size_t count) {
    std::string bytes = AddModel().SerializeAsString();
    tag += '\0';
    for (size_t i = 0; i < count; ++i) bytes += tag;
    return bytes;
  };
  const std::string function = "\xca\x01";  // fields 25, 20, 14 and 8
  const std::string training = "\xa2\x01";
  const std::string metadata = "\x72";
  const std::string opset = "\x42";
  EXPECT_THAT(LoadError(with_empty(function, 1'000'001)),
              testing::HasSubstr("more than 1000000 nodes and functions"));
  for (const std::string& tag : {training, metadata, opset}) {
    EXPECT_THAT(LoadError(with_empty(tag, 2'000'001), ExitCode::kResource),
                testing::HasSubstr("more than 2000000 initializers, declared values and entries"));
  }
}

// Graphs of training are parsed as well: their nodes count.
TEST(OnnxLoaderTest, CountsTheNodesOfTraining) {
  onnx::ModelProto model = AddModel();
  onnx::GraphProto& algorithm = *model.add_training_info()->mutable_algorithm();
  for (int i = 0; i < 1'000'001; ++i) algorithm.add_node();
  EXPECT_THAT(LoadError(model.SerializeAsString()), testing::HasSubstr("more than 1000000 nodes"));
}

TEST(OnnxLoaderTest, WhatIsNotUnderstoodSurvives) {
  onnx::ModelProto model = AddModel();
  auto* node = model.mutable_graph()->mutable_node(0);
  node->set_domain("acme");
  node->set_op_type("Magic");
  model.add_opset_import()->set_domain("acme");
  model.mutable_opset_import(1)->set_version(3);
  auto* attribute = node->add_attribute();
  attribute->set_name("t");
  attribute->set_type(onnx::AttributeProto::TYPE_PROTO);
  attribute->mutable_tp()
      ->mutable_sequence_type()
      ->mutable_elem_type()
      ->mutable_tensor_type()
      ->set_elem_type(1);
  node->add_device_configurations()->set_configuration_id("two");
  model.add_configuration()->set_name("two");
  model.add_metadata_props()->set_key("k");
  const TempDir folder;
  const Model loaded = LoadOnnx(folder.Write("m.onnx", model.SerializeAsString())).model;
  onnx::ModelProto back;
  ASSERT_TRUE(back.ParseFromString(SerializeModel(loaded)));
  EXPECT_EQ(back.graph().node(0).attribute(0).SerializeAsString(), attribute->SerializeAsString());
  EXPECT_EQ(back.graph().node(0).device_configurations(0).configuration_id(), "two");
  EXPECT_EQ(back.configuration(0).name(), "two");
  EXPECT_EQ(back.metadata_props(0).key(), "k");
}

}  // namespace
}  // namespace qconvert
