// input_parameters: what the resizer does between pixels and around the picture.
#include "qconvert/config/resizer_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "horizon/horizon.h"
#include "text/node_edit.h"
#include "words.h"

namespace qconvert {
namespace {

constexpr int kLowestByte = -128;
constexpr int kHighestByte = 255;
constexpr int kBytes = 256;

std::optional<uint8_t> ParseByte(const std::string& text) {
  int value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  if (value < kLowestByte || value > kHighestByte) return std::nullopt;
  // Of either sign: bytes of one pattern are one level.
  return static_cast<uint8_t>((value + kBytes) % kBytes);
}

// "0 -128" or "0, -128"; gray has the first alone.
bool ParsePadding(std::string text, ResizerSettings& out) {
  std::replace(text.begin(), text.end(), ',', ' ');
  std::vector<std::string> parts = SplitList(text, ' ');
  std::erase(parts, "");
  if (parts.empty() || parts.size() > 2) return false;
  const auto luma = ParseByte(parts.front());
  // Without it chroma stays 128: no color.
  const auto chroma = parts.size() == 2 ? ParseByte(parts.back()) : out.pad_chroma;
  if (!luma || !chroma) return false;
  out.pad_luma = *luma;
  out.pad_chroma = *chroma;
  return true;
}

constexpr const char* kInterp = "resizer_interp_mode";
constexpr const char* kPad = "resizer_pad_mode";
constexpr const char* kValue = "resizer_pad_value";
constexpr std::array<std::string_view, 3> kKeys = {kInterp, kPad, kValue};

template <typename E>
bool ParseWord(const std::string& text, E& out) {
  const auto word = FromWord<E>(text);
  if (word) out = *word;
  return word.has_value();
}

bool IsGiven(const std::string& text) { return !text.empty() && text != "None"; }

bool Parse(std::string_view key, const std::string& text, ResizerSettings& out) {
  if (!IsGiven(text)) return true;
  if (key == kValue) return ParsePadding(text, out);
  return key == kInterp ? ParseWord(text, out.interp) : ParseWord(text, out.pad);
}

std::string Problem(std::string_view key, const std::string& text) {
  if (key == kInterp) return NotOneOf(kInterp, text, AllWords<InterpMode>());
  if (key == kPad) return NotOneOf(kPad, text, AllWords<PadMode>());
  return fmt::format("{} is '{}', expected bytes of Y and of U and V such as 0 -128", key, text);
}

// Nothing where the keys of the input act.
std::string WhyNoEffect(const InputSettings& input, Generation generation, std::string_view key) {
  if (input.source != InputSource::kResizer) return "its input_source is not resizer";
  if (generation == Generation::kJ5)
    return "the chip crops and resizes before what the models take";
  return key == kValue && input.resizer.pad == PadMode::kBorder ? "its resizer_pad_mode is border"
                                                                : "";
}

}  // namespace

void ReadResizers(const HorizonPart& part) {
  DeploymentConfig& deployment = part.config.deployment;
  for (const std::string_view key : kKeys) {
    const auto values = ValuesPerInput(part, key.data());
    for (size_t i = 0; values && i < values->size(); ++i) {
      const std::string& value = (*values)[i];
      InputSettings& input = deployment.inputs[i];
      if (!Parse(key, value, input.resizer)) part.Refuse(key, Problem(key, value));
      const std::string why = WhyNoEffect(input, deployment.generation, key);
      if (why.empty() || !IsGiven(value)) continue;
      part.context.Warn(part.Find(key)->place,
                        fmt::format("{} of {} has no effect: {}", key, NameOf(input), why));
    }
  }
}

std::string InterpModeName(InterpMode mode) { return WordFor(mode); }
std::string PadModeName(PadMode mode) { return WordFor(mode); }

}  // namespace qconvert
