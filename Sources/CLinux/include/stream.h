// SPDX-License-Identifier: GPL-3.0-or-later
// Streams that libisofs reads file content from: 256 KiB a read instead of libisofs's own 2 KiB, and a report that
// names the first source which was not what it was said to be.
//
// A `linux_iso_sources` owns what its streams share. libisofs owns each stream (iso_tree_add_new_file takes the
// reference); the sources must outlive them all. One stream is read at a time, by whichever thread libisofs uses.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct iso_stream;
struct linux_iso_sources;

// What was wrong with a source.
enum linux_iso_problem {
  linux_iso_none = 0,
  linux_iso_unreadable,  // open, fstat or read failed: errno
  linux_iso_irregular,   // a folder, device, socket or pipe
  linux_iso_other_size,  // not of the size that was announced: actual size
  linux_iso_changed,     // written to, replaced, shrunk or grown since it was added
};

struct linux_iso_report {
  enum linux_iso_problem problem;
  int error;       // errno of linux_iso_unreadable
  int64_t size;    // actual size of linux_iso_other_size
  uint64_t index;  // the number that the stream was made with
};

// NULL when out of memory.
struct linux_iso_sources *linux_iso_sources_new(void);
void linux_iso_sources_free(struct linux_iso_sources *sources);

// A stream over a regular file of exactly `size` bytes. The file is opened once now, so that what is missing or
// unreadable comes to light before anything is written. Returns 0; 1 with `report` filled; or -ENOMEM.
int linux_iso_file_stream(struct linux_iso_sources *sources, const char *path, int64_t size, uint64_t index,
                          struct iso_stream **stream, struct linux_iso_report *report);

// A stream over a copy of `size` bytes of memory. Returns 0 or -ENOMEM.
int linux_iso_bytes_stream(struct linux_iso_sources *sources, const void *bytes, size_t size, uint64_t index,
                           struct iso_stream **stream);

// The first problem that reading met, from any thread; `problem` is linux_iso_none while all is well.
struct linux_iso_report linux_iso_sources_report(const struct linux_iso_sources *sources);
