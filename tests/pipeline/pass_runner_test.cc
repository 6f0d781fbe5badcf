#include "qconvert/pipeline/pass_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "support/graph_builder.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

Model Chain() {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y");
  b.Add("Neg", {"x"}, {"n"});
  b.Add("Relu", {"n"}, {"y"});
  return b.model;
}

TEST(PassRunnerTest, DumpsTheGraphAroundWhatChangesIt) {
  const TempDir folder;
  Model model = Chain();
  PassRunner runner(model, "m", {.dump_folder = folder.path() / "passes", .stop_after = ""});
  runner.Run("look", [] { return size_t{0}; });
  runner.Run("to_abs", [&] {
    model.graph.nodes[0].op_type = "Abs";
    return size_t{1};
  });
  const auto files = ListFolder(folder.path() / "passes");
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].filename(), "01_to_abs.after.txt");
  EXPECT_EQ(files[1].filename(), "01_to_abs.before.txt");
  EXPECT_THAT(ReadFile(files[0]), testing::HasSubstr("n = Abs(x)"));
  EXPECT_THAT(ReadFile(files[1]), testing::HasSubstr("n = Neg(x)"));
}

TEST(PassRunnerTest, StopsAfterOne) {
  Model model = Chain();
  PassRunner runner(model, "m", {.dump_folder = "", .stop_after = "first"});
  EXPECT_EQ(runner.Run("first", [] { return size_t{2}; }), 2U);
  EXPECT_EQ(runner.Run("second", [] { return size_t{3}; }), 0U);
  EXPECT_NO_THROW(runner.CheckStopped());
  PassRunner other(model, "m", {.dump_folder = "", .stop_after = "firs"});
  other.Run("first", [] { return size_t{0}; });
  try {
    other.CheckStopped();
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::kUsage);
    EXPECT_THAT(e.what(), testing::HasSubstr("did you mean 'first'"));
  }
}

TEST(PassRunnerTest, ValidatesWhatAPassLeaves) {
  Model model = Chain();
  PassRunner runner(model, "m", {});
  EXPECT_THROW(runner.Run("breaks",
                          [&] {
                            model.graph.nodes[1].inputs[0] = "nobody";
                            return size_t{1};
                          }),
               Error);
}

// Of the dozens of passes most find nothing, and a look at a long model takes as long as they do.
TEST(PassRunnerTest, LooksAtNoModelThatAPassHasNotChanged) {
  Model model = Chain();
  model.graph.nodes[1].inputs[0] = "nobody";
  PassRunner runner(model, "m", {});
  EXPECT_NO_THROW(runner.Run("finds nothing", [] { return size_t{0}; }));
}

}  // namespace
}  // namespace qconvert
