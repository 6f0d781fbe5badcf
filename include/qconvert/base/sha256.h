// SHA-256 (FIPS 180-4) for provenance: which model, config and data a result came from.
#ifndef QCONVERT_BASE_SHA256_H_
#define QCONVERT_BASE_SHA256_H_

#include <memory>
#include <string>
#include <string_view>

namespace qconvert {

class InputFile;

// Streaming hash. Update any number of times, then HexDigest once.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void Update(std::string_view bytes);
  // The whole file, a piece at a time.
  void UpdateFile(const InputFile& file);
  // 64 lower-case hexadecimal digits.
  std::string HexDigest();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string Sha256Hex(std::string_view bytes);

}  // namespace qconvert

#endif  // QCONVERT_BASE_SHA256_H_
