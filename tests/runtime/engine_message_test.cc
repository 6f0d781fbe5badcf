#include "../../src/runtime/engine_message.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace qconvert {
namespace {

TEST(EngineMessageTest, NamesTheNodeAndDropsPlacesAndSignatures) {
  EXPECT_EQ(
      CleanEngineMessage(
          "Non-zero status code returned while running Reshape node. Name:'re'shape' Status "
          "Message: /onnxruntime_src/onnxruntime/core/providers/cpu/tensor/reshape_helper.h:55 "
          "onnxruntime::ReshapeHelper::ReshapeHelper(const onnxruntime::TensorShape&, "
          "onnxruntime::TensorShapeVector&, bool) input_shape_size == requested_shape_size was "
          "false. The input tensor cannot be reshaped\n"),
      "Reshape node \"re'shape\": input_shape_size == requested_shape_size was false. The input "
      "tensor cannot be reshaped");
  EXPECT_EQ(CleanEngineMessage("Non-zero status code returned while running Div node. Name:'half' "
                               "Status Message: Integer overflow"),
            "Div node \"half\": Integer overflow");
  EXPECT_EQ(CleanEngineMessage("/a b.cc:1 text"), "/a b.cc:1 text");
  EXPECT_EQ(CleanEngineMessage("Non-zero status code returned while running Pad node. Name:'p' "
                               "Status Message: [ONNXRuntimeError] : 1 : FAIL : tensor.cc:57 "
                               "Storage shape.Size() must be >= 0"),
            "Pad node \"p\": Storage shape.Size() must be >= 0");
  EXPECT_EQ(CleanEngineMessage("Non-zero status code returned while running Pad node. Name:'p' "
                               "Status Message: /core/tensor.cc:90 static size_t "
                               "onnxruntime::Tensor::Size(int) [ONNXRuntimeError] : 1 : FAIL : "
                               "tensor.cc:57 shape.Size() must be >= 0"),
            "Pad node \"p\": shape.Size() must be >= 0")
      << "a status behind a place";
  EXPECT_EQ(CleanEngineMessage("[ONNXRuntimeError] : 1"), "[ONNXRuntimeError] : 1");
  EXPECT_EQ(CleanEngineMessage("/x/file.cc:12 void onnxruntime::Check<std::function<void(int)> "
                               ">::operator()(int) const [with T = int] text (more)"),
            "text (more)");
}

TEST(EngineMessageTest, KeepsWhatItDoesNotKnow) {
  const std::string message = "Node (n4) Op (Softmax) [ShapeInferenceError] 'axis' must be in [-2]";
  EXPECT_EQ(CleanEngineMessage(message), message);
  EXPECT_EQ(CleanEngineMessage(""), "");
  EXPECT_EQ(CleanEngineMessage("/x.cc:1 onnxruntime::f(int"), "onnxruntime::f(int");
}

TEST(EngineMessageTest, LongNamesAreShortenedNotFatal) {
  for (const std::string& name :
       {std::string(3'000'000, 'n'), std::string(1'000'000, '('), std::string(1'000'000, '<')}) {
    const std::string message = "Non-zero status code returned while running Add node. Name:'" +
                                name + "' Status Message: /x.cc:1 void onnxruntime::f(" + name +
                                ") why";
    const std::string clean = CleanEngineMessage(message);
    EXPECT_TRUE(clean.starts_with("Add node \"" + name.substr(0, 40) + "...")) << clean.size();
  }
}

// Rows: what is said, whether it names a node, lacks memory, met an index out of range.
TEST(EngineMessageTest, SignsInTheWordsOfEveryLayer) {
  struct Row {
    const char* message;
    bool names_node;
    bool lacks_memory;
    bool is_index;
  };
  const std::vector<Row> rows = {
      {"", false, false, false},
      {"Integer overflow", false, false, false},
      {"Node (n4) Op (Softmax) 'axis' must be in [-2]", true, false, false},
      {"Div node \"half\": Integer overflow", true, false, false},
      {"Failed to find kernel for Node:n4", true, false, false},
      {"Node, n4, has no kernel", true, false, false},
      {"Node(n4) has no kernel", true, false, false},
      {"encoded twice", false, false, false},
      {"std::bad_alloc", false, true, false},
      {"mmap: Cannot allocate memory", false, true, false},
      {"libx.so: failed to map segment from shared object", false, true, false},
      {"out of memory in words of nobody", false, false, false},
      {"Gather node \"e\": indices element out of data bounds", true, false, true},
      {"OneHot node \"e\": Out of range value in index tensor", true, false, true},
      {"invalid indice found, indice = 7", false, false, true},
      {"axis 7 is out of range", false, false, false}};
  for (const Row& row : rows) {
    EXPECT_EQ(NamesNode(row.message), row.names_node) << row.message;
    EXPECT_EQ(IsOutOfMemory(row.message), row.lacks_memory) << row.message;
    EXPECT_EQ(IsIndexOutOfRange(row.message), row.is_index) << row.message;
  }
}

// Rows: a message, and what is left of it.
TEST(EngineMessageTest, WhatStandsInFrontIsTakenOffInAnyOrder) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"Load model from m.onnx failed", "m.onnx failed"},
      {"This is an invalid model. Error: no nodes", "Error: no nodes"},
      {"Exception during initialization: /x/file.cc:12 void onnxruntime::f() why", "why"},
      {"Exception during loading", "Exception during loading"},
      {"a\nb", "a"},
      {"/x/file.h:7 why", "why"},
      {"/x/file.cpp:7 why", "why"},
      {"/x/file.py:7 why", "/x/file.py:7 why"},
      {"/x/file.cc:7a why", "/x/file.cc:7a why"},
      {"/x/file.cc: why", "/x/file.cc: why"},
      {"/x/file.cc:7 f(int) why", "f(int) why"},
      {"/x/file.cc:7 onnxruntime::f(int) const why", "why"},
      {"/x/file.cc:7 onnxruntime::f(int) [with T = a[3]] why", "why"},
      {"/x/file.cc:7 onnxruntime::f(int) [with T = a", "onnxruntime::f(int) [with T = a"},
      {"[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : why", "why"},
      {"[ONNXRuntimeError] : 2 : INVALID_ARGUMENT", "[ONNXRuntimeError] : 2 : INVALID_ARGUMENT"},
      {"Non-zero status code returned while running If node. Name:'outer' Status Message: "
       "Non-zero status code returned while running Div node. Name:'' Status Message: why",
       "Div node \"\": why"},
      {"Non-zero status code returned while running Div node. Name:'half",
       "Non-zero status code returned while running Div node. Name:'half"}};
  for (const auto& [message, left] : rows) EXPECT_EQ(CleanEngineMessage(message), left);
}

TEST(EngineMessageTest, NamesOfNodesAreWholeUpToTwoHalves) {
  const auto shown = [](size_t length) {
    const std::string name = std::string(length / 2, 'a') + std::string(length - length / 2, 'b');
    return CleanEngineMessage("Non-zero status code returned while running Add node. Name:'" +
                              name + "' Status Message: why");
  };
  EXPECT_EQ(shown(83).size(), std::string("Add node \"\": why").size() + 83);
  const std::string cut = std::string(40, 'a') + "..." + std::string(40, 'b');
  EXPECT_EQ(shown(84), "Add node \"" + cut + "\": why");
}

TEST(EngineMessageTest, KnowsWantOfMemory) {
  EXPECT_TRUE(IsOutOfMemory("bfc_arena.cc:359 Failed to allocate memory for requested buffer"));
  EXPECT_TRUE(IsOutOfMemory("std::bad_alloc"));
  EXPECT_FALSE(IsOutOfMemory("Integer overflow"));
}

TEST(EngineMessageTest, KnowsIndicesOutOfRange) {
  EXPECT_TRUE(IsIndexOutOfRange("Gather node \"e\": indices element out of data bounds, idx=99"));
  EXPECT_TRUE(IsIndexOutOfRange("GatherND node \"e\": invalid index found, index = 99"));
  EXPECT_FALSE(IsIndexOutOfRange("axis is out of range"));
}

TEST(EngineMessageTest, ANewOpsetIsOneClause) {
  const std::string paragraph =
      "/onnxruntime_src/onnxruntime/core/graph/model_load_utils.h:57 void "
      "onnxruntime::model_load_utils::ValidateOpsetForDomain(const std::string&, int) ONNX Runtime "
      "only *guarantees* support for models stamped with official released onnx opset versions. "
      "Opset 27 is under development and support for this is limited. The operator schemas and or "
      "other functionality may change. Current official support for domain ai.onnx is till opset "
      "26.";
  EXPECT_EQ(CleanEngineMessage(paragraph), "has opset 27 of domain ai.onnx, expected at most 26");
  const std::string half = paragraph.substr(0, paragraph.find("Current"));
  EXPECT_TRUE(CleanEngineMessage(half).starts_with("ONNX Runtime only")) << "nothing is made up";
}

TEST(EngineMessageTest, TellsTheBufferThatWasTooLarge) {
  EXPECT_EQ(RefusedBytes("Failed to allocate memory for requested buffer of size 35184372088832"),
            35184372088832);
  EXPECT_EQ(RefusedBytes("requested buffer of size 12 of"), 12);
  EXPECT_EQ(RefusedBytes("requested buffer of size many"), 0);
  EXPECT_EQ(RefusedBytes("std::bad_alloc"), 0);
}

}  // namespace
}  // namespace qconvert
