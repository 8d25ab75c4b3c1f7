// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE
#include "stream.h"
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <libisofs/libisofs.h>

_Static_assert(sizeof(off_t) == 8, "files over 2 GiB");

enum { read_ahead = 1 << 18 };

struct linux_iso_sources {
  atomic_bool failed;              // set after `report` is complete
  struct linux_iso_report report;  // of the first failure
  char *buffer;                    // lent to the one stream that is open
};

struct source {
  struct linux_iso_sources *shared;
  uint64_t index;
  off_t size, position;
  unsigned char *bytes;  // content in memory, or NULL for a file
  char *path;
  struct stat status;  // when the file was added
  int descriptor;
  char *buffer;  // read ahead: bytes consumed..<filled are waiting
  size_t filled, consumed;
};

static int complain(struct source *source, enum linux_iso_problem problem, int error, off_t size) {
  struct linux_iso_sources *shared = source->shared;
  if (!atomic_load(&shared->failed)) {
    shared->report = (struct linux_iso_report){problem, error, size, source->index};
    atomic_store(&shared->failed, true);
  }
  return (int)ISO_FILE_READ_ERROR;
}

// Opens and judges a file; O_NONBLOCK so that a pipe in a file's place cannot hang us. Returns the problem.
static enum linux_iso_problem open_regular(const char *path, off_t size, int *descriptor, struct stat *status) {
  *descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (*descriptor < 0) return linux_iso_unreadable;
  enum linux_iso_problem problem = fstat(*descriptor, status) < 0   ? linux_iso_unreadable
                                   : !S_ISREG(status->st_mode)      ? linux_iso_irregular
                                   : status->st_size != size        ? linux_iso_other_size
                                                                    : linux_iso_none;
  if (problem == linux_iso_none) return problem;
  int error = errno;
  close(*descriptor);
  *descriptor = -1;
  errno = error;
  return problem;
}

static bool same_content(const struct stat *a, const struct stat *b) {
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
         a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int stream_close(IsoStream *stream) {
  struct source *source = stream->data;
  if (source->descriptor >= 0) close(source->descriptor);
  source->descriptor = -1;
  if (source->buffer && !source->shared->buffer) source->shared->buffer = source->buffer;
  else free(source->buffer);
  source->buffer = NULL;
  return 1;
}

static int stream_open(IsoStream *stream) {
  struct source *source = stream->data;
  source->position = 0;
  source->filled = source->consumed = 0;
  if (source->bytes) return 1;
  struct stat now;
  enum linux_iso_problem problem = open_regular(source->path, source->size, &source->descriptor, &now);
  if (problem == linux_iso_unreadable) return complain(source, problem, errno, 0);
  if (problem != linux_iso_none) return complain(source, linux_iso_changed, 0, now.st_size);
  if (!same_content(&source->status, &now)) {
    stream_close(stream);
    return complain(source, linux_iso_changed, 0, now.st_size);
  }
  posix_fadvise(source->descriptor, 0, 0, POSIX_FADV_SEQUENTIAL);
  source->buffer = source->shared->buffer;
  source->shared->buffer = NULL;
  if (!source->buffer) source->buffer = malloc(read_ahead);
  if (source->buffer) return 1;
  stream_close(stream);
  complain(source, linux_iso_unreadable, ENOMEM, 0);
  return (int)ISO_OUT_OF_MEM;
}

static off_t stream_size(IsoStream *stream) { return ((struct source *)stream->data)->size; }

// Refills the empty buffer. Returns 1, or an error code that has been reported.
static int refill(struct source *source) {
  ssize_t count;
  do count = read(source->descriptor, source->buffer, read_ahead);
  while (count < 0 && errno == EINTR);
  if (count < 0) return complain(source, linux_iso_unreadable, errno, 0);
  if (count == 0) return complain(source, linux_iso_changed, 0, source->position);
  source->filled = (size_t)count;
  source->consumed = 0;
  return 1;
}

// What was read is worth keeping only if the file is still the one that was added.
static int confirm_end(struct source *source) {
  struct stat now;
  if (fstat(source->descriptor, &now) < 0) return complain(source, linux_iso_unreadable, errno, 0);
  if (!same_content(&source->status, &now)) return complain(source, linux_iso_changed, 0, now.st_size);
  return 1;
}

static int stream_read(IsoStream *stream, void *target, size_t wanted) {
  struct source *source = stream->data;
  if ((off_t)wanted > source->size - source->position) wanted = (size_t)(source->size - source->position);
  if (wanted == 0) return 0;
  if (source->bytes) {
    memcpy(target, source->bytes + source->position, wanted);
    source->position += (off_t)wanted;
    return (int)wanted;
  }
  size_t done = 0;
  while (done < wanted) {
    if (source->consumed == source->filled) {
      int result = refill(source);
      if (result < 0) return result;
    }
    size_t count = source->filled - source->consumed;
    if (count > wanted - done) count = wanted - done;
    memcpy((char *)target + done, source->buffer + source->consumed, count);
    source->consumed += count;
    source->position += (off_t)count;
    done += count;
  }
  if (source->position == source->size) {
    int result = confirm_end(source);
    if (result < 0) return result;
  }
  return (int)done;
}

static int stream_is_repeatable(IsoStream *stream) {
  (void)stream;
  return 1;
}

// Every stream is a file of its own: libisofs must not merge two of them. The number 0x6c62 only has to differ from
// the file system ids of libisofs's own streams.
static void stream_id(IsoStream *stream, unsigned int *file_system, dev_t *device, ino_t *inode) {
  *file_system = 0x6c62;
  *device = 0;
  *inode = ((struct source *)stream->data)->index + 1;
}

static void stream_free(IsoStream *stream) {
  struct source *source = stream->data;
  stream_close(stream);
  free(source->path);
  free(source->bytes);
  free(source);
}

static int stream_update_size(IsoStream *stream) {
  (void)stream;
  return 1;
}

static IsoStream *stream_input(IsoStream *stream, int flag) {
  (void)stream;
  (void)flag;
  return NULL;
}

static IsoStreamIface methods = {
    .version = 4,
    .type = {'u', 's', 'e', 'r'},
    .open = stream_open,
    .close = stream_close,
    .get_size = stream_size,
    .read = stream_read,
    .is_repeatable = stream_is_repeatable,
    .get_id = stream_id,
    .free = stream_free,
    .update_size = stream_update_size,
    .get_input_stream = stream_input,
};

struct linux_iso_sources *linux_iso_sources_new(void) { return calloc(1, sizeof(struct linux_iso_sources)); }

void linux_iso_sources_free(struct linux_iso_sources *sources) {
  if (sources) free(sources->buffer);
  free(sources);
}

static struct source *make_source(struct linux_iso_sources *shared, int64_t size, uint64_t index,
                                  IsoStream **stream) {
  struct source *source = calloc(1, sizeof *source);
  *stream = calloc(1, sizeof **stream);
  if (!source || !*stream) {
    free(source);
    free(*stream);
    return NULL;
  }
  source->shared = shared;
  source->index = index;
  source->size = size;
  source->descriptor = -1;
  (*stream)->class = &methods;
  (*stream)->refcount = 1;
  (*stream)->data = source;
  return source;
}

int linux_iso_file_stream(struct linux_iso_sources *sources, const char *path, int64_t size, uint64_t index,
                          struct iso_stream **stream, struct linux_iso_report *report) {
  struct stat status;
  int descriptor;
  enum linux_iso_problem problem = open_regular(path, size, &descriptor, &status);
  if (problem != linux_iso_none) {
    bool sized = problem == linux_iso_other_size;
    *report = (struct linux_iso_report){problem, sized ? 0 : errno, sized ? status.st_size : 0, index};
    return 1;
  }
  close(descriptor);
  char *copy = strdup(path);
  struct source *source = copy ? make_source(sources, size, index, stream) : NULL;
  if (!source) {
    free(copy);
    return -ENOMEM;
  }
  source->path = copy;
  source->status = status;
  return 0;
}

int linux_iso_bytes_stream(struct linux_iso_sources *sources, const void *bytes, size_t size, uint64_t index,
                           struct iso_stream **stream) {
  unsigned char *copy = malloc(size ? size : 1);
  struct source *source = copy ? make_source(sources, (int64_t)size, index, stream) : NULL;
  if (!source) {
    free(copy);
    return -ENOMEM;
  }
  if (size) memcpy(copy, bytes, size);
  source->bytes = copy;
  return 0;
}

struct linux_iso_report linux_iso_sources_report(const struct linux_iso_sources *sources) {
  if (!atomic_load(&sources->failed)) return (struct linux_iso_report){linux_iso_none, 0, 0, 0};
  return sources->report;
}
