// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE
#include "pipe.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int linux_pipe(int *reading, int *writing) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return -errno;
  fcntl(ends[0], F_SETPIPE_SZ, 1 << 20);
  *reading = ends[0];
  *writing = ends[1];
  return 0;
}
