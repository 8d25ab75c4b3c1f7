// SPDX-License-Identifier: GPL-3.0-or-later
// Space for files, by what glibc shows only with _GNU_SOURCE: fallocate(2), for which posix_fallocate(3) is no substitute,
// as it writes every block where the file system cannot reserve any; and memfd_create(2).
#pragma once
#include <stdint.h>

// Makes the file `size` bytes long with all its blocks reserved. Returns 0 or -errno (-EOPNOTSUPP, -ENOSPC, -EFBIG).
int linux_reserve(int descriptor, int64_t size);
// A file in memory, of holes where nothing is written. Returns its descriptor or -errno.
int linux_memory_file(const char *name);
