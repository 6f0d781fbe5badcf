// The words of config files and the enumerators they stand for: one table per kind of choice, used
// to read, to check, to print and to describe.
#ifndef QCONVERT_CONFIG_WORDS_H_
#define QCONVERT_CONFIG_WORDS_H_

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "qconvert/base/check.h"
#include "qconvert/config/quant_config.h"
#include "qconvert/config/resizer_settings.h"

namespace qconvert {

template <typename E>
using WordTable = std::span<const std::pair<E, std::string_view>>;

// The argument only picks the table.
WordTable<TargetDevice> WordsOf(TargetDevice);
WordTable<Scheme> WordsOf(Scheme);
WordTable<Objective> WordsOf(Objective);
WordTable<Processor> WordsOf(Processor);
WordTable<Effort> WordsOf(Effort);
WordTable<Datatype> WordsOf(Datatype);
WordTable<CalibrationMethod> WordsOf(CalibrationMethod);
WordTable<RoundMode> WordsOf(RoundMode);
WordTable<ScaleType> WordsOf(ScaleType);
WordTable<BatchStatistic> WordsOf(BatchStatistic);
WordTable<Compat> WordsOf(Compat);
WordTable<TensorType> WordsOf(TensorType);
WordTable<InputKind> WordsOf(InputKind);
WordTable<InputLayout> WordsOf(InputLayout);
WordTable<InputSource> WordsOf(InputSource);
WordTable<InterpMode> WordsOf(InterpMode);
WordTable<PadMode> WordsOf(PadMode);
WordTable<ResizeMethod> WordsOf(ResizeMethod);
WordTable<PicturePosition> WordsOf(PicturePosition);

template <typename E>
std::string WordFor(E value) {
  for (const auto& [one, word] : WordsOf(value)) {
    if (one == value) return std::string(word);
  }
  QCONVERT_CHECK(false);
}

template <typename E>
std::optional<E> FromWord(std::string_view word) {
  for (const auto& [one, name] : WordsOf(E{})) {
    if (name == word) return one;
  }
  return std::nullopt;
}

template <typename E>
std::vector<std::string> AllWords() {
  std::vector<std::string> words;
  for (const auto& [one, name] : WordsOf(E{})) words.emplace_back(name);
  return words;
}

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_WORDS_H_
