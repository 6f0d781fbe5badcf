#include "words.h"

#include <gtest/gtest.h>

#include <set>

namespace qconvert {
namespace {

// Every enumerator up to the last one has a word of its own, and that is read back as it.
template <typename E>
void ExpectWordsUpTo(E last) {
  const auto count = static_cast<int>(last) + 1;
  EXPECT_EQ(AllWords<E>().size(), static_cast<size_t>(count)) << WordFor(last);
  std::set<std::string> words;
  for (int k = 0; k < count; ++k) {
    const std::string word = WordFor(static_cast<E>(k));
    EXPECT_TRUE(words.insert(word).second) << word;
    EXPECT_EQ(FromWord<E>(word), static_cast<E>(k)) << word;
    EXPECT_FALSE(FromWord<E>(word + "x")) << word;
  }
  EXPECT_FALSE(FromWord<E>(""));
}

TEST(WordsTest, EveryChoiceOfAConfigIsWrittenAndReadBack) {
  ExpectWordsUpTo(TargetDevice::kQnn);
  ExpectWordsUpTo(Scheme::kWeightOnly);
  ExpectWordsUpTo(Objective::kSize);
  ExpectWordsUpTo(Processor::kHost);
  ExpectWordsUpTo(Effort::kHigh);
  ExpectWordsUpTo(Datatype::kFloat32);
  ExpectWordsUpTo(CalibrationMethod::kAuto);
  ExpectWordsUpTo(RoundMode::kStdRound);
  ExpectWordsUpTo(ScaleType::kPowerOfTwo);
  ExpectWordsUpTo(BatchStatistic::kMedian);
  ExpectWordsUpTo(Compat::kVitis);
  ExpectWordsUpTo(TensorType::kActivation);
  ExpectWordsUpTo(InputKind::kNv12);
  ExpectWordsUpTo(InputLayout::kNhwc);
  ExpectWordsUpTo(InputSource::kResizer);
  ExpectWordsUpTo(InterpMode::kNearest);
  ExpectWordsUpTo(PadMode::kBorder);
  ExpectWordsUpTo(ResizeMethod::kNearest);
  ExpectWordsUpTo(PicturePosition::kTopLeft);
}

}  // namespace
}  // namespace qconvert
