// SPDX-License-Identifier: GPL-3.0-or-later
// Reserving space for a file: fallocate(2), which glibc shows only with _GNU_SOURCE. posix_fallocate(3) is no
// substitute, for where the file system cannot reserve it writes every block instead.
#pragma once
#include <stdint.h>

// Makes the file `size` bytes long with all its blocks reserved. Returns 0 or -errno (-EOPNOTSUPP, -ENOSPC, -EFBIG).
int linux_reserve(int descriptor, int64_t size);
