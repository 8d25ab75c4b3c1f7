// SPDX-License-Identifier: GPL-3.0-or-later
// What is done to every byte that is written or read back, at the speed of memory.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct linux_checksum {
  uint64_t low, high;
};

// XXH3, 128 bits: finds what a drive has changed or lost, no cryptographic promise.
struct linux_checksum linux_checksum(const void *bytes, size_t count);
// Whether all bytes are zero.
bool linux_is_zero(const void *bytes, size_t count);
