// SPDX-License-Identifier: GPL-3.0-or-later
// Pipes with room for more than the 64 KiB that they have by default, which would cost two switches of context for
// each: pipe2(2) and F_SETPIPE_SZ are shown only with _GNU_SOURCE.
#pragma once

// Makes a pipe that no program inherits; grows it as far as the system lets. Returns 0 or -errno.
int linux_pipe(int *reading, int *writing);
