// What processes take of the machine's memory.
#ifndef QCONVERT_BASE_MEMORY_H_
#define QCONVERT_BASE_MEMORY_H_

#include <cstdint>
#include <istream>

namespace qconvert {

// Bytes that are resident now, of this process or of another one; 0 where the system does not tell.
// Source: Linux proc(5), statm.
int64_t ResidentBytes();
int64_t ResidentBytes(int process);

// Bytes of the machine, and what of them is left without taking anybody's; 0 where not told.
struct MachineMemory {
  int64_t total = 0;
  int64_t left = 0;  // swap included
};

// Source: Linux proc(5), meminfo: lines like "MemTotal:       24566796 kB".
MachineMemory ParseMeminfo(std::istream& text);
MachineMemory MemoryOfMachine();

// Whether a process of so many resident bytes takes the last of it: more than half of the machine
// is its own, and less than a sixteenth is left. Beyond that the system ends processes, and not
// always the right one.
bool TakesTheLast(int64_t resident, const MachineMemory& machine);

// Bytes that this process may take beside what it holds: up to `limit` bytes in all, or, where that
// is 0, up to where TakesTheLast begins. The largest number where the system does not tell.
int64_t RoomLeft(int64_t limit, int64_t resident, const MachineMemory& machine);

// How many of `wanted` workers may run where the first took `each` bytes and `room` bytes are left
// beside it; at least 1.
int FittingWorkers(int wanted, int64_t each, int64_t room);

}  // namespace qconvert

#endif  // QCONVERT_BASE_MEMORY_H_
