// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE
#include "peer.h"
#include <errno.h>
#include <sys/socket.h>

int linux_peer(int descriptor, uint32_t *user, uint32_t *group) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) return -errno;
  *user = peer.uid;
  *group = peer.gid;
  return 0;
}

int linux_peer_groups(int descriptor, uint32_t *groups, int most) {
  socklen_t size = (socklen_t)most * sizeof *groups;
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0) return -errno;
  return (int)(size / sizeof *groups);
}
