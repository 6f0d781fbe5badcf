#include "qconvert/base/parked_bytes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "qconvert/base/error.h"
#include "qconvert/base/memory.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

constexpr int64_t kFront = 100;  // bytes before those in the file

// Bytes that stand in a file at kFront.
class ParkedBytesTest : public testing::Test {
 protected:
  ParkedBytesTest() {
    std::string bytes(static_cast<size_t>(kLeastParked) + 12345, 'a');
    for (size_t i = 0; i < bytes.size(); i += 1000) bytes[i] = static_cast<char>(i / 1000 % 251);
    path_ = folder_.Write("w.data", std::string(kFront, '-') + bytes);
    bytes_ = std::make_shared<const std::string>(std::move(bytes));
    NoteStoredBytes(bytes_, std::make_shared<const InputFile>(path_), kFront);
  }

  // How many bytes are out of memory while others than `read` are parked.
  static int64_t Freed(const std::set<const std::string*>& read) {
    const int64_t before = ResidentBytes();
    int64_t freed = 0;
    WithOthersParked(read, [&] { freed = before - ResidentBytes(); });
    return freed;
  }

  TempDir folder_;
  std::filesystem::path path_;
  SharedBytes bytes_;
};

TEST_F(ParkedBytesTest, TheyTakeNoMemoryMeanwhileAndAreTheSameAfterIt) {
  if (ResidentBytes() == 0) GTEST_SKIP() << "this system has no /proc/self/statm";
  const std::string copy = *bytes_;
  const char* const where = bytes_->data();
  for (int k = 0; k < 2; ++k) {
    EXPECT_GE(Freed({}), kLeastParked - (int64_t{4} << 20));
    EXPECT_EQ(bytes_->data(), where);
    EXPECT_TRUE(*bytes_ == copy);
  }
}

TEST_F(ParkedBytesTest, WhatIsReadOrHeldStays) {
  const int64_t little = int64_t{4} << 20;
  EXPECT_LT(Freed({bytes_.get()}), little);
  {
    const HeldBytes held({bytes_, nullptr});
    const HeldBytes twice = held;
    EXPECT_LT(Freed({}), little);
    WithOthersParked({}, [&] { EXPECT_EQ((*bytes_)[5], 'a'); });
  }
  if (ResidentBytes() == 0) GTEST_SKIP() << "this system has no /proc/self/statm";
  EXPECT_GE(Freed({}), kLeastParked - little);
}

TEST_F(ParkedBytesTest, TheyComeBackBehindAnException) {
  const std::string copy = *bytes_;
  EXPECT_THROW(WithOthersParked({}, [] { throw std::runtime_error("no"); }), std::runtime_error);
  EXPECT_TRUE(*bytes_ == copy);
}

TEST_F(ParkedBytesTest, AFileThatChangedMeanwhileIsTold) {
  try {
    WithOthersParked({}, [&] {
      std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(kLeastParked / 2);
      file << "other";
    });
    FAIL() << "other bytes";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::kFile);
    EXPECT_THAT(e.what(), testing::HasSubstr("w.data: has changed while it was converted"));
  }
}

// One that cannot be read again leaves no other out of memory, where a look would end the process.
TEST_F(ParkedBytesTest, OthersComeBackBehindOneThatCannot) {
  std::string bytes(static_cast<size_t>(kLeastParked), 'b');
  const std::filesystem::path path = folder_.Write("v.data", bytes);
  const auto other = std::make_shared<const std::string>(std::move(bytes));
  NoteStoredBytes(other, std::make_shared<const InputFile>(path), 0);
  for (const bool throws : {false, true}) {
    EXPECT_THROW(WithOthersParked({},
                                  [&] {
                                    std::filesystem::resize_file(path_, kFront + 1000);
                                    if (throws) throw std::runtime_error("no");
                                  }),
                 Error);
    EXPECT_EQ(other->find_first_not_of('b'), std::string::npos);
  }
}

// Another file may take its name, as converters do that write all or nothing.
TEST_F(ParkedBytesTest, AFileThatTookTheNameDoesNotMatter) {
  const std::string copy = *bytes_;
  WithOthersParked({}, [&] { std::filesystem::rename(folder_.Write("other", "less"), path_); });
  EXPECT_TRUE(*bytes_ == copy);
}

TEST_F(ParkedBytesTest, FewBytesAndThoseThatAreGoneArePassedOver) {
  const auto small = std::make_shared<const std::string>("small");
  NoteStoredBytes(small, std::make_shared<const InputFile>(path_), 0);
  bytes_.reset();
  WithOthersParked({}, [&] { EXPECT_EQ(*small, "small"); });
}

}  // namespace
}  // namespace qconvert
