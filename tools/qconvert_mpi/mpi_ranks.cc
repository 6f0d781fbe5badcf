// The MPI component: Ranks by MPI (MPI 3.1, any implementation).
#include <mpi.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "../qconvert/ranks.h"

namespace {

constexpr uint64_t kPiece = uint64_t{1} << 28;  // counts of MPI are int
constexpr useconds_t kMicrosecondsBetweenLooks = 2000;

class MpiRanks : public qconvert::Ranks {
 public:
  MpiRanks() {
    MPI_Init(nullptr, nullptr);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
  }
  // Where a rank has thrown before it gathered.
  ~MpiRanks() override { Part(); }

  int rank() const override { return rank_; }
  int size() const override { return size_; }

  std::vector<std::string> GatherAndPart(const std::string& text) override {
    std::vector<std::string> texts;
    if (rank_ == 0) {
      texts.push_back(text);
      for (int from = 1; from < size_; ++from) texts.push_back(Receive(from));
    } else {
      Send(text);
    }
    Part();
    return texts;
  }

 private:
  void Part() {
    int parted = 0;
    MPI_Finalized(&parted);
    if (parted == 0) MPI_Finalize();
  }

  void Send(const std::string& text) {
    const uint64_t size = text.size();
    MPI_Send(&size, 1, MPI_UINT64_T, 0, 0, MPI_COMM_WORLD);
    for (uint64_t at = 0; at < size; at += kPiece) {
      MPI_Send(text.data() + at, static_cast<int>(std::min(kPiece, size - at)), MPI_BYTE, 0, 0,
               MPI_COMM_WORLD);
    }
  }

  // MPI waits with its processor busy: a rank may be hours behind.
  static void WaitFor(int from) {
    for (int is_there = 0; is_there == 0; usleep(kMicrosecondsBetweenLooks))
      MPI_Iprobe(from, 0, MPI_COMM_WORLD, &is_there, MPI_STATUS_IGNORE);
  }

  std::string Receive(int from) {
    WaitFor(from);
    uint64_t size = 0;
    MPI_Recv(&size, 1, MPI_UINT64_T, from, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    std::string text(size, '\0');
    for (uint64_t at = 0; at < size; at += kPiece) {
      MPI_Recv(text.data() + at, static_cast<int>(std::min(kPiece, size - at)), MPI_BYTE, from, 0,
               MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    }
    return text;
  }

  int rank_ = 0;
  int size_ = 1;
};

}  // namespace

extern "C" qconvert::Ranks* QconvertJoinRanks() { return new MpiRanks; }
