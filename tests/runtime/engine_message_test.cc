#include "../../src/runtime/engine_message.h"

#include <gtest/gtest.h>

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
