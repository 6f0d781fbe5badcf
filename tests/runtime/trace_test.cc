#include "qconvert/runtime/trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <nlohmann/json.hpp>

#include "qconvert/base/error.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "support/graph_builder.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using testing::HasSubstr;

std::string Bytes() {
  GraphBuilder b;
  b.Input("x", {"1", "4"}).Output("y");
  b.Add("Softmax", {"x"}, {"y"});
  return SerializeModel(b.model);
}

class TraceTest : public testing::Test {
 protected:
  TraceTest() { setenv("TMPDIR", dir_.path().c_str(), 1); }
  ~TraceTest() override { unsetenv("TMPDIR"); }
  const std::vector<Tensor> inputs_ = {RandomTensor("x", {1, 4}, 1)};
  TempDir dir_;
};

TEST_F(TraceTest, HoldsEveryRunOfAnOperatorAndLeavesNoFile) {
  const std::string trace = TraceRuns(Bytes(), "m", {}, inputs_, 3);
  size_t count = 0;
  const std::string event = "\"op_name\" : \"Softmax\"";
  for (size_t at = trace.find(event); at != std::string::npos; at = trace.find(event, at + 1))
    ++count;
  EXPECT_EQ(count, 3U) << trace;
  EXPECT_TRUE(std::filesystem::is_empty(dir_.path()));
}

// Those of nodes and, through what the engine adds, of values.
TEST_F(TraceTest, NamesOfAnyKindLeaveJson) {
  for (const std::string name : {"a\"b", "C:\\x", "two\nlines", "\x01\x1b[31m"}) {
    GraphBuilder b;
    b.Input("x", {"1", "3", "8", "8"})
        .Output("y")
        .Random("w", {16, 3, 3, 3})
        .Random("v", {16, 16, 3, 3});
    b.Add("Conv", {"x", "w"}, {name}).name = name;
    b.Add("Conv", {name, "v"}, {"y"}).name = name + "2";
    const std::string trace = TraceRuns(SerializeModel(b.model), "m", {},
                                        std::vector{RandomTensor("x", {1, 3, 8, 8}, 1)}, 1);
    const nlohmann::json events = nlohmann::json::parse(trace, nullptr, false);
    ASSERT_TRUE(events.is_array()) << trace;
    size_t convolutions = 0;
    for (const auto& event : events)
      convolutions +=
          event.contains("args") && event["args"].value("op_name", "") == "Conv" ? 1 : 0;
    EXPECT_EQ(convolutions, 2U) << trace;
  }
}

TEST_F(TraceTest, AFailedRunLeavesNoFile) {
  EXPECT_THROW(TraceRuns("no model", "m", {}, inputs_, 1), Error);
  EXPECT_THROW(TraceRuns(Bytes(), "m", {}, {}, 1), Error);
  EXPECT_TRUE(std::filesystem::is_empty(dir_.path()));
}

TEST_F(TraceTest, AFolderThatCannotBeWrittenIsNamed) {
  const std::string missing = (dir_ / "missing").string();
  setenv("TMPDIR", missing.c_str(), 1);
  try {
    TraceRuns(Bytes(), "m", {}, inputs_, 1);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::kFile);
    EXPECT_THAT(e.what(), HasSubstr("TMPDIR"));
  }
}

// The engine says nothing of a disk that is full: half a list is no trace.
TEST_F(TraceTest, AFullDiskIsNoTrace) {
  signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit few{200, before.rlim_max};
  const std::string bytes = Bytes();
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &few), 0);
  std::string message;
  try {
    TraceRuns(bytes, "m", {}, inputs_, 3);
  } catch (const Error& e) {
    message = e.code() == ExitCode::kFile ? e.what() : "another code";
  }
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_THAT(message, HasSubstr("too full for the engine's trace"));
  EXPECT_TRUE(std::filesystem::is_empty(dir_.path()));
}

}  // namespace
}  // namespace qconvert
