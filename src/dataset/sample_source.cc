#include "qconvert/dataset/sample_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

#include "convert_type.h"
#include "normalize_pixels.h"
#include "qconvert/base/check.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/parallel.h"
#include "qconvert/base/sha256.h"
#include "random_sample.h"
#include "sample_array.h"
#include "sample_files.h"

namespace qconvert {
namespace {

constexpr size_t kMaxSamples = 100'000'000;  // a number each is kept for their order

}  // namespace

void SampleSource::AddGroup(const std::vector<std::filesystem::path>& files, bool stacked) {
  Group group;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const SampleArray array = OpenSampleArray(files[i], inputs_[i], formats_[i].raw_type);
    const int64_t rows = RowsPerSample(array, inputs_[i], stacked);
    const int64_t samples = rows > 0 ? array.header.shape[0] / rows : 1;
    if (i == 0) group.samples = samples;
    if (samples != group.samples) {
      throw Error(ExitCode::kData, array.bytes.place,
                  fmt::format("holds {} samples, but its partner {} holds {}", samples,
                              files[0].filename().string(), group.samples));
    }
    if (i == 0 || files[i] != files[i - 1]) files_.push_back(files[i]);
    group.files.push_back(files_.size() - 1);
    group.rows.push_back(rows);
    if (IsInteger(array.header.type) && IsFloatingPoint(inputs_[i].type.element) &&
        !formats_[i].holds_pixels)
      integer_data_.emplace(inputs_[i].name, array.header.type);
  }
  starts_.push_back(starts_.back() + static_cast<size_t>(group.samples));
  groups_.push_back(std::move(group));
}

SampleSource OpenSamples(const std::filesystem::path& folder, const std::vector<Value>& inputs,
                         const SampleSourceOptions& options) {
  SampleSource source;
  source.inputs_ = inputs;
  for (const Value& input : inputs) {
    const auto format = options.formats.find(input.name);
    source.formats_.push_back(format == options.formats.end() ? InputFormat{} : format->second);
  }
  if (inputs.empty()) {
    source.size_ = 1;
    return source;
  }
  if (options.random_samples > 0) {
    source.is_random_ = true;
    source.size_ = options.random_samples;
    source.starts_.push_back(source.size_);
    return source;
  }
  const auto files = FindSampleFiles(folder, inputs, options);
  for (size_t f = 0; f < files[0].size(); ++f) {
    std::vector<std::filesystem::path> of_group;
    for (const auto& of_input : files) of_group.push_back(of_input[f]);
    source.AddGroup(of_group, options.stacked);
  }
  source.size_ = source.starts_.back();
  if (options.max_samples > 0)
    source.size_ = std::min(source.size_, static_cast<size_t>(options.max_samples));
  if (source.size_ > kMaxSamples) {
    throw Error(ExitCode::kResource, folder.string(),
                fmt::format("holds {} samples, at most {}; --max-samples takes fewer", source.size_,
                            kMaxSamples));
  }
  return source;
}

size_t SampleSource::SampleAt(size_t index) const {
  QCONVERT_CHECK(index < size_);
  if (is_selection_) return selection_[index];
  // Spread evenly over all; the product of both may need more than 64 bits.
  const auto all = static_cast<unsigned __int128>(starts_.back());
  return static_cast<size_t>(all * index / size_);
}

SampleSource::Place SampleSource::Find(size_t index) const {
  const size_t sample = SampleAt(index);
  const auto next = std::upper_bound(starts_.begin(), starts_.end(), sample);
  const auto group = static_cast<size_t>(next - starts_.begin()) - 1;
  return {group, static_cast<int64_t>(sample - starts_[group])};
}

SampleSource SampleSource::Select(const std::vector<size_t>& indices) const {
  SampleSource selected = *this;
  selected.selection_.clear();
  for (const size_t index : indices) selected.selection_.push_back(SampleAt(index));
  selected.is_selection_ = true;
  selected.size_ = indices.size();
  return selected;
}

Sample SampleSource::Read(size_t index) const {
  Sample sample;
  if (inputs_.empty()) return sample;
  if (is_random_) {
    const size_t which = SampleAt(index);
    for (size_t i = 0; i < inputs_.size(); ++i)
      sample.inputs.push_back(RandomTensor(inputs_[i], formats_[i], which * inputs_.size() + i));
    sample.name = fmt::format("random {}", which);
    return sample;
  }
  const Place place = Find(index);
  const Group& group = groups_[place.group];
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const SampleArray array =
        OpenSampleArray(files_[group.files[i]], inputs_[i], formats_[i].raw_type);
    const int64_t first = place.sample * std::max<int64_t>(group.rows[i], 0);
    if (formats_[i].mean.empty()) {
      sample.inputs.push_back(ReadSampleArray(array, inputs_[i], first, group.rows[i]));
      continue;
    }
    Value pixels = inputs_[i];
    pixels.type.element = DataType::kFloat;
    Tensor values = NormalizePixels(ReadSampleArray(array, pixels, first, group.rows[i]),
                                    formats_[i], array.bytes.place);
    sample.inputs.push_back(
        ConvertSample(std::move(values), inputs_[i].type.element, array.bytes.place));
  }
  sample.name = files_[group.files[0]].filename().string();
  if (group.rows[0] >= 0) sample.name += fmt::format("[{}]", place.sample * group.rows[0]);
  return sample;
}

DataDigest SampleSource::Digest(int workers) const {
  std::vector<std::string> hashes(files_.size());
  ParallelFor(files_.size(), workers, [&](size_t f, size_t /*worker*/) {
    Sha256 hash;
    hash.UpdateFile(InputFile(files_[f]));
    hashes[f] = hash.HexDigest();
  });
  std::vector<std::string> texts;  // by group: the hashes of its files, each once
  for (const Group& group : groups_) {
    std::string& text = texts.emplace_back();
    for (size_t f = group.files.front(); f <= group.files.back(); ++f) text += hashes[f];
  }
  DataDigest digest;
  digest.by_content.resize(size_);
  std::iota(digest.by_content.begin(), digest.by_content.end(), size_t{0});
  const auto content = [&](size_t index) {
    const Place place = Find(index);
    return std::tuple<const std::string&, int64_t>(texts[place.group], place.sample);
  };
  if (!groups_.empty()) {
    std::stable_sort(digest.by_content.begin(), digest.by_content.end(),
                     [&](size_t a, size_t b) { return content(a) < content(b); });
  }
  std::sort(texts.begin(), texts.end());
  Sha256 all;
  for (const std::string& text : texts) all.Update(text);
  digest.sha256 = all.HexDigest();
  return digest;
}

}  // namespace qconvert
