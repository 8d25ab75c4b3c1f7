// SPDX-License-Identifier: GPL-3.0-or-later
// Block devices: the ioctls of <linux/fs.h>, whose numbers are macros that Swift cannot see, and the constants of
// lseek(2) that show a file's holes. Every call returns 0 or -errno.
#pragma once
#include <stddef.h>
#include <stdint.h>

extern const int linux_seek_data, linux_seek_hole;

// The size in bytes (BLKGETSIZE64).
int linux_block_size(int descriptor, uint64_t *size);
// The logical block: what reads and writes with O_DIRECT must be aligned to (BLKSSZGET).
int linux_block_logical_size(int descriptor, int *size);
// 1 where the kernel refuses writes (BLKROGET).
int linux_block_read_only(int descriptor, int *read_only);
// The number of this medium in this device since the machine started (BLKGETDISKSEQ, Linux 5.15).
int linux_block_sequence(int descriptor, uint64_t *sequence);
// Makes a range read as zeros: by the device where it can promise that, else by writing zeros (BLKZEROOUT).
int linux_block_zero(int descriptor, uint64_t offset, uint64_t length);
// Writes and drops what the kernel caches of it (BLKFLSBUF).
int linux_block_flush(int descriptor);
// Reads the partition table anew (BLKRRPART).
int linux_block_reread(int descriptor);
// Makes a range of a regular file read as zeros (FALLOC_FL_PUNCH_HOLE), growing nothing.
int linux_file_zero(int descriptor, int64_t offset, int64_t length);
