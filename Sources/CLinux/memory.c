// SPDX-License-Identifier: GPL-3.0-or-later
#include "memory.h"
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

struct linux_checksum linux_checksum(const void *bytes, size_t count) {
  XXH128_hash_t hash = XXH3_128bits(bytes, count);
  return (struct linux_checksum){hash.low64, hash.high64};
}

// All bytes are zero if the first 16 are and every byte equals the one 16 before it; memcmp is the fastest loop.
bool linux_is_zero(const void *bytes, size_t count) {
  const unsigned char *start = bytes;
  for (size_t index = 0; index < count && index < 16; index++)
    if (start[index]) return false;
  return count <= 16 || memcmp(start, start + 16, count - 16) == 0;
}
