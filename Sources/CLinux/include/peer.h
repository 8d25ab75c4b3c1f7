// SPDX-License-Identifier: GPL-3.0-or-later
// Who is at the other end of a Unix socket: `struct ucred` and SO_PEERGROUPS are behind _GNU_SOURCE.
#pragma once
#include <stdint.h>

// The user and the main group of the process that connected, as the kernel saw it then. Returns 0 or -errno.
int linux_peer(int descriptor, uint32_t *user, uint32_t *group);

// The other groups of that process: at most `most` of them. Returns how many, or -errno (ERANGE: there are more).
int linux_peer_groups(int descriptor, uint32_t *groups, int most);
