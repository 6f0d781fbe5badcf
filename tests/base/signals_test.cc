#include "qconvert/base/signals.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <memory>
#include <vector>

#include "qconvert/base/activity.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/provisional.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

// How a child that handles signals ends: its exit code, or minus the signal that killed it.
int EndOfChild(const std::function<int()>& work) {
  ShareProvisionals();
  ShareActivity();
  const pid_t child = fork();
  if (child == 0) {
    HandleSignals();
    ReleaseSignals();  // an earlier test may have committed
    _exit(work());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

bool IsEmpty(const TempDir& folder) { return std::filesystem::is_empty(folder.path()); }

TEST(SignalsTest, EndTheProcessAndLeaveNothing) {
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) {
    const TempDir folder;
    EXPECT_EQ(EndOfChild([&] {
                const Provisional outer(folder / "made");
                const Provisional inner(folder / "made" / "inner");
                std::filesystem::create_directories(folder / "made" / "inner");
                std::vector<std::unique_ptr<AtomicFile>> files;
                for (int i = 0; i < 100; ++i)
                  files.push_back(std::make_unique<AtomicFile>(folder / "made" / "inner" / "f"));
                std::raise(signal_number);
                return 0;
              }),
              128 + signal_number);
    EXPECT_TRUE(IsEmpty(folder));
  }
}

TEST(SignalsTest, AfterTheCommitComeTooLate) {
  const TempDir folder;
  EXPECT_EQ(EndOfChild([&] {
              WriteFile(folder / "out", "complete");
              std::raise(SIGTERM);
              return 0;
            }),
            0);
  EXPECT_EQ(Slurp(folder / "out"), "complete");
}

TEST(SignalsTest, WorkThatGoesOnAfterACommitEnds) {
  const TempDir folder;
  EXPECT_EQ(EndOfChild([&] {
              WriteFile(folder / "checkpoint", "complete");
              std::raise(SIGTERM);
              ReleaseSignals();
              return 0;
            }),
            128 + SIGTERM);
  EXPECT_EQ(Slurp(folder / "checkpoint"), "complete");
}

TEST(SignalsTest, AFileThatGrowsPastTheLimitIsAnError) {
  const TempDir folder;
  EXPECT_EQ(EndOfChild([&] {
              const rlimit limit{4096, 4096};
              setrlimit(RLIMIT_FSIZE, &limit);
              try {
                WriteFile(folder / "out", std::string(8192, 'x'));
              } catch (const Error& e) {
                return static_cast<int>(e.code());
              }
              return 0;
            }),
            static_cast<int>(ExitCode::kFile));
  EXPECT_TRUE(IsEmpty(folder));
}

TEST(ProvisionalTest, OfADeadChildIsRemovedByItsParent) {
  const TempDir folder;
  EXPECT_EQ(EndOfChild([&] {
              const AtomicFile file(folder / "out");
              std::raise(SIGKILL);
              return 0;
            }),
            -SIGKILL);
  EXPECT_FALSE(IsEmpty(folder));
  RemoveProvisionals();
  EXPECT_TRUE(IsEmpty(folder));
}

TEST(ProvisionalTest, StaysWhenKept) {
  const TempDir folder;
  const auto kept = folder.Write("kept", "");
  Provisional(kept).Keep();
  { const Provisional gone(folder.Write("gone", "")); }
  EXPECT_TRUE(std::filesystem::exists(kept));
  EXPECT_FALSE(std::filesystem::exists(folder / "gone"));
}

TEST(ActivityTest, SaysWhereAChildDied) {
  EXPECT_EQ(EndOfChild([] {
              RecordCrashes();
              const EngineCall call("m.onnx", "running the model");
              NoteSample("s.npy");
              NoteProgress("node half");
              std::raise(SIGFPE);
              return 0;
            }),
            -SIGFPE);
  const LostCall lost = FindLostCall();
  EXPECT_EQ(lost.place, "m.onnx");
  EXPECT_EQ(lost.Where(), "running the model, node half, sample s.npy");
}

TEST(ActivityTest, ASearchStopsInACallLikeTheLostOne) {
  const LostCall lost{"m.onnx", "running the model", "node half", "s.npy"};
  EXPECT_EQ(EndOfChild([&] {
              SearchAgain(lost);
              const auto is_searched = [](const char* place, const char* doing, const char* name) {
                NoteSample(name);
                const EngineCall call(place, doing);
                return IsSearchedCall();
              };
              const bool others = is_searched("n.onnx", "running the model", "s.npy") ||
                                  is_searched("m.onnx", "preparing the model", "s.npy") ||
                                  is_searched("m.onnx", "running the model", "t.npy");
              const bool same = is_searched("m.onnx", "running the model", "s.npy");
              NoteKiller("node half (Div)");
              const bool again = is_searched("m.onnx", "running the model", "s.npy");
              return IsSearching() && !others && same && !again ? 0 : 1;
            }),
            0);
  EXPECT_FALSE(IsSearching()) << "only that child does";
  EXPECT_EQ(FoundKiller(), "node half (Div)");
}

}  // namespace
}  // namespace qconvert
