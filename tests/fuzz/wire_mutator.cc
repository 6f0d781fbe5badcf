// Mutates messages on the wire field by field, at any depth, so that lengths stay right: raw
// mutations of nested messages hardly ever parse.
#include <google/protobuf/unknown_field_set.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace {

using google::protobuf::UnknownField;
using google::protobuf::UnknownFieldSet;

constexpr size_t kGrowth = 64;  // bytes that one mutation may add to a text
constexpr std::array<uint64_t, 10> kNumbers = {
    0,           1, 2, 7, 13, 64, uint64_t{1} << 31, (uint64_t{1} << 63) - 1, uint64_t{1} << 63,
    ~uint64_t{0}};

class Mutator {
 public:
  explicit Mutator(unsigned seed) : random_(seed) {}

  std::string Bytes(const std::string& bytes, int depth = 0) {
    UnknownFieldSet fields;
    const bool is_message = !bytes.empty() && fields.ParseFromString(bytes);
    if (!is_message || OneIn(16)) return Raw(bytes);
    const int chosen = Below(fields.field_count());
    if (OneIn(depth + 2)) {
      Rearrange(chosen, fields);
    } else {
      Change(*fields.mutable_field(chosen), depth);
    }
    std::string mutated;
    return fields.SerializeToString(&mutated) ? mutated : bytes;
  }

 private:
  int Below(int count) { return static_cast<int>(random_() % static_cast<unsigned>(count)); }
  bool OneIn(int count) { return Below(count) == 0; }

  static std::string Raw(std::string bytes) {
    const size_t size = bytes.size();
    bytes.resize(size + kGrowth);
    auto* data = reinterpret_cast<uint8_t*>(bytes.data());
    bytes.resize(LLVMFuzzerMutate(data, size, bytes.size()));
    return bytes;
  }

  void Change(UnknownField& field, int depth) {
    if (field.type() == UnknownField::TYPE_VARINT) {
      field.set_varint(OneIn(2) ? kNumbers[static_cast<size_t>(Below(kNumbers.size()))]
                                : field.varint() + static_cast<uint64_t>(Below(5)) - 2);
    } else if (field.type() == UnknownField::TYPE_FIXED32) {
      field.set_fixed32(static_cast<uint32_t>(random_()));
    } else if (field.type() == UnknownField::TYPE_LENGTH_DELIMITED) {
      field.set_length_delimited(Bytes(field.length_delimited(), depth + 1));
    }
  }

  // Away, twice, or in the place of another of its kind.
  void Rearrange(int chosen, UnknownFieldSet& fields) {
    if (OneIn(3)) return fields.DeleteSubrange(chosen, 1);
    const UnknownField copy = fields.field(chosen);
    const int other = Below(fields.field_count());
    UnknownField& target = *fields.mutable_field(other);
    const bool is_text = copy.type() == UnknownField::TYPE_LENGTH_DELIMITED;
    if (is_text && OneIn(2)) {
      fields.AddLengthDelimited(copy.number(), copy.length_delimited());
    } else if (is_text && target.type() == copy.type()) {
      target.set_length_delimited(copy.length_delimited());
    }
  }

  std::minstd_rand random_;
};

}  // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  const std::string mutated =
      Mutator(seed).Bytes({reinterpret_cast<const char*>(data), size}).substr(0, max_size);
  std::memcpy(data, mutated.data(), mutated.size());
  return mutated.size();
}
