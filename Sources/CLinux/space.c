// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE
#include "space.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

int linux_reserve(int descriptor, int64_t size) {
  int result;
  do result = fallocate(descriptor, 0, 0, size);
  while (result < 0 && errno == EINTR);
  return result < 0 ? -errno : 0;
}

int linux_memory_file(const char *name) {
  int result = memfd_create(name, MFD_CLOEXEC);
  return result < 0 ? -errno : result;
}
