// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE
#include "block.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/falloc.h>
#include <linux/fs.h>

const int linux_seek_data = SEEK_DATA, linux_seek_hole = SEEK_HOLE;

static int result(int returned) { return returned < 0 ? -errno : 0; }

int linux_block_size(int descriptor, uint64_t *size) { return result(ioctl(descriptor, BLKGETSIZE64, size)); }
int linux_block_logical_size(int descriptor, int *size) { return result(ioctl(descriptor, BLKSSZGET, size)); }
int linux_block_read_only(int descriptor, int *read_only) { return result(ioctl(descriptor, BLKROGET, read_only)); }

int linux_block_sequence(int descriptor, uint64_t *sequence) {
  return result(ioctl(descriptor, BLKGETDISKSEQ, sequence));
}

int linux_block_zero(int descriptor, uint64_t offset, uint64_t length) {
  uint64_t range[2] = {offset, length};
  return result(ioctl(descriptor, BLKZEROOUT, range));
}

int linux_block_flush(int descriptor) { return result(ioctl(descriptor, BLKFLSBUF)); }
int linux_block_reread(int descriptor) { return result(ioctl(descriptor, BLKRRPART)); }

int linux_file_zero(int descriptor, int64_t offset, int64_t length) {
  int returned;
  do returned = fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length);
  while (returned < 0 && errno == EINTR);
  return result(returned);
}
