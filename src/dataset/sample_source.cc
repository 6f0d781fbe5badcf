#include "qconvert/dataset/sample_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <tuple>
#include <utility>

#include "convert_type.h"
#include "qconvert/base/checked.h"
#include "qconvert/base/error.h"
#include "qconvert/base/parallel.h"
#include "qconvert/base/sha256.h"
#include "qconvert/base/suggest.h"

namespace qconvert {
namespace {

std::string InputShape(const Value& input) {
  std::vector<std::string> dims;
  for (const Dim& dim : *input.type.shape) {
    dims.push_back(dim.known() ? std::to_string(dim.value) : dim.symbol.empty() ? "?" : dim.symbol);
  }
  return fmt::format("[{}]", fmt::join(dims, ","));
}

[[noreturn]] void FailShape(const std::filesystem::path& file, const Value& input,
                            const std::vector<int64_t>& dims) {
  throw Error(ExitCode::kData, file.string(),
              fmt::format("has shape [{}], expected {} for input \"{}\"", fmt::join(dims, ","),
                          InputShape(input), input.name));
}

// True when `dims` (from axis `skip` of the input on) fits the declared shape; free dimensions fit
// anything.
bool Fits(const std::vector<int64_t>& dims, size_t from, const std::vector<Dim>& shape,
          size_t skip) {
  if (dims.size() - from != shape.size() - skip) return false;
  for (size_t d = skip; d < shape.size(); ++d) {
    if (shape[d].known() && shape[d].value != dims[from + d - skip]) return false;
  }
  return true;
}

// How a file's array is cut into samples: rows per sample, or -1 for the whole array.
int64_t RowsPerSample(const std::filesystem::path& file, const Value& input,
                      const std::vector<int64_t>& dims, bool split_batch) {
  if (!input.type.shape) return -1;
  const std::vector<Dim>& shape = *input.type.shape;
  if (dims.size() + 1 == shape.size() && (!shape[0].known() || shape[0].value == 1) &&
      Fits(dims, 0, shape, 1)) {
    return -1;
  }
  if (dims.size() != shape.size() || shape.empty()) {
    if (dims.size() != shape.size()) FailShape(file, input, dims);
    return -1;
  }
  if (!Fits(dims, 1, shape, 1)) FailShape(file, input, dims);
  if (!shape[0].known()) return split_batch && dims[0] > 1 ? 1 : -1;
  if (shape[0].value == dims[0]) return -1;
  if (shape[0].value == 0 || dims[0] == 0 || dims[0] % shape[0].value != 0)
    FailShape(file, input, dims);
  return shape[0].value;
}

// Shape of a headerless file of `bytes` bytes; one free dimension is found from the size.
std::vector<int64_t> RawShape(const std::filesystem::path& file, const Value& input,
                              int64_t bytes) {
  if (!input.type.shape) {
    throw Error(ExitCode::kData, file.string(),
                fmt::format("input \"{}\" has no shape, use .npy", input.name));
  }
  std::vector<int64_t> dims;
  std::optional<size_t> free;
  for (const Dim& dim : *input.type.shape) {
    if (!dim.known() && free) {
      throw Error(ExitCode::kData, file.string(),
                  fmt::format("input \"{}\" has several free dimensions {}, use .npy", input.name,
                              InputShape(input)));
    }
    if (!dim.known()) free = dims.size();
    dims.push_back(dim.known() ? dim.value : 1);
  }
  const int64_t unit = PackedBytes(input.type.element, ElementCount(dims).value_or(0)).value_or(0);
  if (unit <= 0 || bytes <= 0 || bytes % unit != 0) {
    throw Error(
        ExitCode::kData, file.string(),
        fmt::format("has {} bytes, expected a multiple of {} for {}{} of input \"{}\"", bytes, unit,
                    DataTypeName(input.type.element), InputShape(input), input.name));
  }
  if (free) {
    dims[*free] = bytes / unit;
  } else if (bytes != unit && !dims.empty()) {
    dims[0] *= bytes / unit;  // several samples in one file
  } else if (bytes != unit) {
    throw Error(ExitCode::kData, file.string(),
                fmt::format("has {} bytes, expected {}", bytes, unit));
  }
  return dims;
}

bool IsRaw(const std::filesystem::path& file) { return file.extension() == ".bin"; }

void CheckFolder(const std::filesystem::path& folder) {
  if (!std::filesystem::exists(folder))
    throw Error(ExitCode::kFile, folder.string(), "no such calibration folder");
  if (!std::filesystem::is_directory(folder)) {
    throw Error(ExitCode::kData, folder.string(),
                "is not a folder, expected a folder of .npy or .bin files");
  }
}

std::vector<std::filesystem::path> SampleFiles(const std::filesystem::path& folder) {
  CheckFolder(folder);
  std::vector<std::filesystem::path> files;
  for (const auto& entry : ListFolder(folder)) {
    if (entry.extension() != ".npy" && entry.extension() != ".bin") {
      throw Error(ExitCode::kData, entry.string(), "is neither .npy nor .bin");
    }
    files.push_back(entry);
  }
  if (files.empty()) {
    throw Error(ExitCode::kData, folder.string(), "holds no samples, expected .npy or .bin files");
  }
  return files;
}

// The sub-folder of one input: its name, or its name with '/' and ':' as '_'.
std::filesystem::path InputFolder(const std::filesystem::path& folder, const Value& input) {
  std::string plain = input.name;
  std::replace(plain.begin(), plain.end(), '/', '_');
  std::replace(plain.begin(), plain.end(), ':', '_');
  for (const std::string& name : {input.name, plain}) {
    if (name.find("..") == std::string::npos && std::filesystem::is_directory(folder / name))
      return folder / name;
  }
  std::vector<std::string> present;
  for (const auto& entry : ListFolder(folder)) present.push_back(entry.filename().string());
  throw Error(
      ExitCode::kData, folder.string(),
      fmt::format("has no sub-folder for input \"{}\"{}", input.name, DidYouMean(plain, present)));
}

// The folder of each input: as given, a sub-folder, or `folder` itself for a single input.
std::vector<std::filesystem::path> FolderPerInput(const std::filesystem::path& folder,
                                                  const std::vector<Value>& inputs,
                                                  const SampleSourceOptions& options) {
  std::vector<std::filesystem::path> out;
  if (options.folders.empty()) CheckFolder(folder);
  for (const Value& input : inputs) {
    const auto given = options.folders.find(input.name);
    if (given != options.folders.end()) {
      out.push_back(given->second);
    } else if (!options.folders.empty()) {
      throw Error(ExitCode::kData, "",
                  fmt::format("no calibration folder is given for input \"{}\"", input.name));
    } else if (inputs.size() == 1) {
      const auto entries = ListFolder(folder);
      const bool nested =
          !entries.empty() && std::all_of(entries.begin(), entries.end(), [](const auto& entry) {
            return std::filesystem::is_directory(entry);
          });
      out.push_back(nested ? InputFolder(folder, input) : folder);
    } else {
      out.push_back(InputFolder(folder, input));
    }
  }
  return out;
}

std::vector<std::vector<std::filesystem::path>> FilesPerInput(const std::filesystem::path& folder,
                                                              const std::vector<Value>& inputs,
                                                              const SampleSourceOptions& options) {
  std::vector<std::vector<std::filesystem::path>> out;
  const auto folders = FolderPerInput(folder, inputs, options);
  for (const auto& one : folders) out.push_back(SampleFiles(one));
  for (const auto& files : out) {
    for (const auto& file : files) {
      if (options.format != "auto" && file.extension() != "." + options.format)
        throw Error(ExitCode::kData, file.string(),
                    fmt::format("is no .{} file, as the settings say", options.format));
    }
  }
  for (size_t i = 1; i < inputs.size(); ++i) {
    if (out[i].size() != out[0].size()) {
      throw Error(ExitCode::kData, folders[i].string(),
                  fmt::format("has {} files for input \"{}\", but there are {} for \"{}\"",
                              out[i].size(), inputs[i].name, out[0].size(), inputs[0].name));
    }
    for (size_t f = 0; f < out[i].size(); ++f) {
      if (out[i][f].stem() != out[0][f].stem()) {
        throw Error(ExitCode::kData, out[i][f].string(),
                    fmt::format("has no partner for input \"{}\", which has {}", inputs[0].name,
                                out[0][f].filename().string()));
      }
    }
  }
  return out;
}

}  // namespace

SampleSource OpenSamples(const std::filesystem::path& folder, const std::vector<Value>& inputs,
                         const SampleSourceOptions& options) {
  SampleSource source;
  source.inputs_ = inputs;
  if (inputs.empty()) {
    source.picks_.emplace_back();
    return source;
  }
  const auto files = FilesPerInput(folder, inputs, options);
  for (size_t f = 0; f < files[0].size(); ++f) {
    std::vector<std::vector<SampleSource::Piece>> cut;  // per input, the pieces of its f-th file
    for (size_t i = 0; i < inputs.size(); ++i) {
      const std::filesystem::path& path = files[i][f];
      const InputFile file(path);
      const NpyHeader header = IsRaw(path) ? NpyHeader{} : ReadNpyHeader(file);
      const auto dims = IsRaw(path) ? RawShape(path, inputs[i], file.size()) : header.shape;
      if (!IsRaw(path) && !CanConvert(header.type, inputs[i].type.element)) {
        throw Error(ExitCode::kData, path.string(),
                    fmt::format("holds {}, expected {} for input \"{}\"", DataTypeName(header.type),
                                DataTypeName(inputs[i].type.element), inputs[i].name));
      }
      const int64_t rows = RowsPerSample(path, inputs[i], dims, options.split_batch);
      auto& pieces = cut.emplace_back();
      if (rows < 0) pieces.push_back({source.files_.size(), i, 0, -1});
      for (int64_t row = 0; rows > 0 && row < dims[0]; row += rows)
        pieces.push_back({source.files_.size(), i, row, rows});
      source.files_.push_back(path);
    }
    for (size_t i = 1; i < inputs.size(); ++i) {
      if (cut[i].size() != cut[0].size()) {
        throw Error(ExitCode::kData, files[i][f].string(),
                    fmt::format("holds {} samples, but its partner {} holds {}", cut[i].size(),
                                files[0][f].filename().string(), cut[0].size()));
      }
    }
    for (size_t s = 0; s < cut[0].size(); ++s) {
      auto& sample = source.picks_.emplace_back();
      for (const auto& pieces : cut) sample.push_back(pieces[s]);
    }
  }
  const auto total = static_cast<int64_t>(source.picks_.size());
  if (options.max_samples > 0 && options.max_samples < total) {
    std::vector<std::vector<SampleSource::Piece>> kept;
    for (int64_t k = 0; k < options.max_samples; ++k) {
      kept.push_back(
          std::move(source.picks_[static_cast<size_t>(k * total / options.max_samples)]));
    }
    source.picks_ = std::move(kept);
  }
  return source;
}

Tensor SampleSource::ReadPiece(const Piece& piece) const {
  const std::filesystem::path& path = files_[piece.file];
  const Value& input = inputs_[piece.input];
  const InputFile file(path);
  NpyHeader header;
  if (IsRaw(path)) {
    header.type = input.type.element;
    header.shape = RawShape(path, input, file.size());
    header.data_bytes = file.size();
  } else {
    header = ReadNpyHeader(file);
  }
  Tensor tensor = ReadNpy(file, header, piece.row, piece.rows);
  tensor.name = input.name;
  if (input.type.shape && tensor.dims.size() + 1 == input.type.shape->size())
    tensor.dims.insert(tensor.dims.begin(), 1);
  if (input.type.shape && !Fits(tensor.dims, 0, *input.type.shape, 0))
    FailShape(path, input, tensor.dims);
  return ConvertSample(std::move(tensor), input.type.element, path.string());
}

SampleSource SampleSource::Select(const std::vector<size_t>& indices) const {
  SampleSource selected = *this;
  selected.picks_.clear();
  for (const size_t index : indices) selected.picks_.push_back(picks_.at(index));
  return selected;
}

Sample SampleSource::Read(size_t index) const {
  Sample sample;
  const std::vector<Piece>& pieces = picks_.at(index);
  for (const Piece& piece : pieces) sample.inputs.push_back(ReadPiece(piece));
  if (pieces.empty()) return sample;
  sample.name = files_[pieces[0].file].filename().string();
  if (pieces[0].rows >= 0) sample.name += fmt::format("[{}]", pieces[0].row);
  return sample;
}

DataDigest SampleSource::Digest(int workers) const {
  std::vector<std::string> hashes(files_.size());
  ParallelFor(files_.size(), workers, [&](size_t f, size_t /*worker*/) {
    Sha256 hash;
    hash.UpdateFile(InputFile(files_[f]));
    hashes[f] = hash.HexDigest();
  });
  // Files lie in groups of one per input.
  std::vector<std::string> groups;
  for (size_t f = 0; f < files_.size(); ++f) {
    if (f % inputs_.size() == 0) groups.emplace_back();
    groups.back() += hashes[f];
  }
  DataDigest digest;
  for (size_t k = 0; k < picks_.size(); ++k) digest.by_content.push_back(k);
  const auto place = [&](size_t sample) {
    const Piece& first = picks_[sample].at(0);
    return std::tie(groups[first.file / inputs_.size()], first.row);
  };
  if (!inputs_.empty()) {
    std::stable_sort(digest.by_content.begin(), digest.by_content.end(),
                     [&](size_t a, size_t b) { return place(a) < place(b); });
  }
  std::sort(groups.begin(), groups.end());
  Sha256 all;
  for (const std::string& group : groups) all.Update(group);
  digest.sha256 = all.HexDigest();
  return digest;
}

}  // namespace qconvert
