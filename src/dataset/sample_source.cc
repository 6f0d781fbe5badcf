#include "qconvert/dataset/sample_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "convert_type.h"
#include "normalize_pixels.h"
#include "picture_file.h"
#include "picture_sample.h"
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

// Where a row lies says nothing of what it holds: copies would count as different.
std::string HashOf(const Sample& sample) {
  Sha256 hash;
  for (const Tensor& input : sample.inputs) {
    hash.Update(fmt::format("{}\n", fmt::join(input.dims, " ")));
    hash.Update(*input.bytes);
  }
  return hash.HexDigest();
}

constexpr size_t kMaxSamples = 100'000'000;  // a number each is kept for their order

// "image_y/13.bin": files of all inputs have the same names.
std::string WithFolder(const std::filesystem::path& file) {
  return (file.parent_path().filename() / file.filename()).string();
}

// Whether mean and scale are still to be done: integers of the input's own type are what it takes.
bool NeedsScaling(const SampleArray& array, const Value& input, const InputFormat& format) {
  return !format.scaling.mean.empty() &&
         !(IsInteger(input.type.element) && array.header.type == input.type.element);
}

Value AsPixels(Value input) {
  input.type.element = DataType::kFloat;
  return input;
}

}  // namespace

void SampleSource::AddGroup(const std::vector<std::filesystem::path>& files, bool stacked) {
  Group group;
  const bool is_shared = files.size() > 1 && files.front() == files.back();
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const bool is_picture = KindOf(files[i]) == SampleFileKind::kPicture;
    // The only array of an archive is not that of every input.
    if (is_shared) OpenSampleArray(files[i], inputs_[i], DataType::kUndefined, /*by_name=*/true);
    const Cut cut = is_picture ? CutOfPicture(files[i], i) : CutOfArray(files[i], i, stacked);
    if (i == 0) group.samples = cut.samples;
    if (cut.samples != group.samples) {
      throw Error(ExitCode::kData, files[i].string(),
                  fmt::format("holds {} samples, but its partner {} holds {}", cut.samples,
                              WithFolder(files[0]), group.samples));
    }
    // An archive holds all inputs of a sample: it is read and hashed once.
    if (i == 0 || files[i] != files[i - 1]) files_.push_back(files[i]);
    // The files of a group follow each other in `files_`: Digest counts on it.
    group.files.push_back(files_.size() - 1);
    group.rows.push_back(cut.rows);
  }
  starts_.push_back(starts_.back() + static_cast<size_t>(group.samples));
  groups_.push_back(std::move(group));
}

SampleSource::Cut SampleSource::CutOfArray(const std::filesystem::path& file, size_t input,
                                           bool stacked) {
  const Value& value = inputs_[input];
  const InputFormat& format = formats_[input];
  const SampleArray array = OpenSampleArray(file, value, format.raw_type);
  if (IsInteger(array.header.type) && IsFloatingPoint(value.type.element) && !format.holds_pixels)
    integer_data_.emplace(value.name, array.header.type);
  const int64_t rows =
      RowsPerSample(array, NeedsScaling(array, value, format) ? AsPixels(value) : value, stacked);
  return {rows, rows > 0 ? array.header.shape[0] / rows : 1};
}

SampleSource::Cut SampleSource::CutOfPicture(const std::filesystem::path& file, size_t input) {
  const PictureFormat& format = formats_[input].picture;
  if (!format.unfit.empty()) {
    throw Error(
        ExitCode::kData, file.string(),
        fmt::format("is a picture, but input \"{}\" {}", inputs_[input].name, format.unfit));
  }
  // A file that is no picture is told now, with its name, not after minutes of calibration.
  ReadPictureSize(file);
  if (format.scaling.mean.empty() && IsFloatingPoint(inputs_[input].type.element))
    unscaled_pictures_.insert(inputs_[input].name);
  return {-1, 1};
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
    // Places are never looked up: SampleAt alone asks how many there are.
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
    // SampleAt spreads these over all.
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
  // The last group that starts at or before the sample: empty ones start where the next one does.
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

Tensor SampleSource::ReadInput(size_t index, const std::filesystem::path& file, int64_t first,
                               int64_t rows) const {
  const Value& input = inputs_[index];
  const InputFormat& format = formats_[index];
  if (KindOf(file) == SampleFileKind::kPicture) {
    const std::string place = file.string();
    const Picture picture = TransformPicture(ReadPicture(file), format.picture.steps, place);
    return PictureSample(picture, format.picture, input, place);
  }
  const SampleArray array = OpenSampleArray(file, input, format.raw_type);
  if (!NeedsScaling(array, input, format)) return ReadSampleArray(array, input, first, rows);
  // Scaled as floats, whatever the file holds and the input takes.
  Tensor values = NormalizePixels(ReadSampleArray(array, AsPixels(input), first, rows),
                                  format.scaling, array.bytes.place);
  if (IsInteger(input.type.element)) values = RoundedToIntegers(values, array.bytes.place);
  return ConvertSample(std::move(values), input.type.element, array.bytes.place);
}

Sample SampleSource::Read(size_t index) const {
  Sample sample;
  if (inputs_.empty()) return sample;
  if (is_random_) {
    const size_t which = SampleAt(index);
    for (size_t i = 0; i < inputs_.size(); ++i)
      // A seed for each input of each sample: the order of reading does not matter.
      sample.inputs.push_back(RandomTensor(inputs_[i], formats_[i], which * inputs_.size() + i));
    sample.name = fmt::format("random {}", which);
    return sample;
  }
  const Place place = Find(index);
  const Group& group = groups_[place.group];
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const int64_t first = place.sample * std::max<int64_t>(group.rows[i], 0);
    sample.inputs.push_back(ReadInput(i, files_[group.files[i]], first, group.rows[i]));
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
  digest.repeats.resize(size_);
  if (!groups_.empty()) {
    std::vector<std::pair<std::string, int64_t>> contents(size_);
    ParallelFor(size_, workers, [&](size_t index, size_t /*worker*/) {
      const size_t g = Find(index).group;
      const Group& group = groups_[g];
      contents[index] = group.samples == 1 ? std::pair(texts[g], int64_t{0})
                                           : std::pair(HashOf(Read(index)), group.rows.front());
    });
    // By what the samples hold: a renamed or reordered folder gives the same order of them.
    std::stable_sort(digest.by_content.begin(), digest.by_content.end(),
                     [&](size_t a, size_t b) { return contents[a] < contents[b]; });
    for (const size_t index : digest.by_content) digest.contents.push_back(contents[index]);
    // Equal ones stand side by side.
    for (size_t k = 1; k < size_; ++k)
      digest.repeats[k] = digest.contents[k] == digest.contents[k - 1];
  }
  // Names and the order of a listing say nothing about the data.
  std::sort(texts.begin(), texts.end());
  Sha256 all;
  for (const std::string& text : texts) all.Update(text);
  digest.sha256 = all.HexDigest();
  return digest;
}

}  // namespace qconvert
